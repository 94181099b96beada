# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of volume_backup, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_not_empty, check_numbers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection


@dataclass(frozen=True)
class Request:
    """What to back up, how, and to where.

    path: absolute. labels: of the claims, as `kubectl --selector` takes them. last_backup: it replaces an API server
    that does not answer. loaded_images: the index of images that were saved for this generation (loaded_images.index),
    by the caller. deleted_pods: those that the caller has deleted, as they were saved before that. assume_unused:
    volumes whose users a task before would have stopped, in check mode only. The others are the options of their names.
    """

    cluster: str
    path: str
    selection: Selection = field(default_factory=Selection)
    labels: str = ""
    data: str = "in_place"
    checksums: str = "full"
    compression: str = "zstd"
    compression_level: int | None = None
    keep: int = 0
    last_backup: bool = False
    loaded_images: Sequence[Mapping[str, Any]] = ()
    deleted_pods: Sequence[Object] = ()
    objects: bool = False
    assume_unused: frozenset[str] = frozenset()

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, check_mode: bool = False) -> Request:
        """Raises BadInput."""
        if options["data"] == "archive" and options["checksums"] == "none":
            raise BadInput(
                "data=archive requires checksums, to verify the extracted data.",
                next_step="Set checksums=full or checksums=fast.",
            )
        check_numbers(options)
        check_not_empty(options, "label_selectors")
        same = ("cluster", "data", "checksums", "compression", "compression_level", "keep", "objects")
        return cls(
            path=str(Path(options["path"]).absolute()),
            selection=Selection.from_options(options),
            labels=",".join(options["label_selectors"] or ()),
            last_backup=options["without_api"] == "last_backup",
            loaded_images=options.get("loaded_images", ()),
            deleted_pods=options.get("deleted_pods", ()),
            # A run sees what a task before it has stopped.
            assume_unused=frozenset(options["assume_unused"] or ()) if check_mode else frozenset(),
            **{name: options[name] for name in same},
        )

    @property
    def selects_all(self) -> bool:
        """True if all volumes of the cluster are saved."""
        return self.selection.selects_all and not self.labels

    @property
    def archives(self) -> bool:
        """True if data is saved in archives."""
        return self.data == "archive"

    def matches_nothing(self) -> BadInput:
        """The error if no volume is selected."""
        return BadInput(
            f"No volume of the cluster {self.cluster} matches all of names, namespaces, storage_classes and "
            "label_selectors.",
            next_step="List volumes and their claims: kubectl get persistentvolumeclaims -A --show-labels",
        )

    def is_inside(self, volume: str, directory: str) -> BadInput:
        """The error if the backup would be part of a volume's data."""
        return BadInput(
            f"The backup directory {self.path} is inside the volume {volume} ({directory}).",
            next_step="Set path to a directory outside of all volumes.",
        )
