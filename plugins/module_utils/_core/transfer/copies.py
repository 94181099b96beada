# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Types of a copy: the request, a step for each claim, and the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.rows import Row
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedVolume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import Binding, bound
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_numbers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place

COPY, FINISH, UNCHANGED = "copy", "finish", "unchanged"


@dataclass(frozen=True)
class Request:
    """The options of volume_copy. storage_class: None for that of each source; node: '' for that of each source."""

    cluster: str
    claim_map: Mapping[str, Any]
    storage_class: str | None = None
    node: str | None = None
    path: str | None = None
    pause: bool = True
    verify: str = "fast"
    create_namespaces: bool = True
    wait_timeout: int = 120

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """Raises BadInput."""
        check_numbers(options)
        if not options["claim_map"]:
            raise BadInput("claim_map is empty: nothing would be copied.", next_step="Add a claim to claim_map.")
        return cls(**{option.name: options[option.name] for option in fields(cls)})


@dataclass(frozen=True)
class Source:
    """What is copied: a volume of the cluster, or of a generation of a backup."""

    volume: Volume
    saved: SavedVolume | None = None

    @classmethod
    def of_backup(cls, saved: SavedVolume) -> Source:
        """A volume as it was saved."""
        same = ("name", "claim", "storage_class", "capacity", "access_modes", "nodes", "node_directory")
        return cls(Volume(**{name: getattr(saved, name) for name in same}), saved)

    @property
    def has_archive(self) -> bool:
        """True for data that a backup contains."""
        return self.saved is not None and self.saved.archive is not None


@dataclass(frozen=True)
class Step:
    """A copy. origin: where the data is, None for an archive. copied: the data is in its place already.

    binding: as it is now, and as it will be.
    """

    source: Source
    row: Row
    target: Place
    origin: Place | None
    binding: Binding
    copied: bool = False

    @property
    def name(self) -> str:
        """The new PersistentVolume."""
        return self.row.volume

    @property
    def is_new(self) -> bool:
        """True if no earlier run has created the volume."""
        return self.binding.volume is None

    def binding_of(self, pv: Object | None) -> Binding:
        """The binding with the volume as it is by now."""
        return replace(self.binding, volume=pv)

    @property
    def action(self) -> str:
        """What is done."""
        if bound(self.binding.volume, self.binding.claim):
            return UNCHANGED
        return COPY if self.is_new else FINISH

    def as_dict(self) -> Object:
        """The row in the module's result."""
        return {
            "source": self.source.volume.claim,
            "source_volume": self.source.volume.name,
            "claim": self.row.claim,
            "volume": self.row.volume,
            "storage_class": self.row.storage_class,
            "capacity": self.row.capacity,
            "nodes": list(self.row.nodes),
            "node_directory": self.target.node_directory,
            "host_directory": self.target.host_directory,
            "action": self.action,
        }


@dataclass(frozen=True)
class Plan:
    """The copies, and why others are refused."""

    request: Request
    steps: tuple[Step, ...]
    refusals: tuple[Refusal, ...] = ()
    namespaces: tuple[str, ...] = ()

    @property
    def pending(self) -> list[Step]:
        """Those that are not done."""
        return [step for step in self.steps if step.action != UNCHANGED]

    @property
    def paused(self) -> frozenset[str]:
        """The claims whose pods are stopped while data is copied."""
        living = (step.source.volume for step in self.pending if step.origin and not step.copied)
        return frozenset(volume.claim for volume in living) if self.request.pause else frozenset()

    def diff(self) -> tuple[Object, Object]:
        """The new claims and what they are copies of, before and after."""
        after = {step.row.claim: step.source.volume.claim for step in self.steps}
        before = {step.row.claim: step.source.volume.claim for step in self.steps if step.action == UNCHANGED}
        return {"copies": before}, {"copies": after}


def check(refusals: Sequence[Refusal]) -> None:
    """Raise Declined if there is any."""
    decline(f"{count(len({refusal.name for refusal in refusals}), 'volume')} cannot be copied", refusals)
