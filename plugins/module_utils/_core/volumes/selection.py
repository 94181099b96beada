# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Selection of volumes by name, namespace and storage class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_not_empty
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

LIST_VOLUMES = "List volumes and their claims: kubectl get persistentvolumes"


@dataclass(frozen=True)
class Selection:
    """The options that select volumes; all of them must match, an empty one matches everything.

    names: of volumes, or of their claims as 'namespace/name'. namespaces: of their claims.
    """

    names: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    storage_classes: frozenset[str] = frozenset()

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Selection:
        """From the options names, namespaces and storage_classes; None selects everything.

        Raises BadInput for an empty list: a template that came out empty must not select all volumes.
        """
        check_not_empty(options, "names", "namespaces")
        check_not_empty(options, "storage_classes", blank=True)
        return cls(*(frozenset(options[name] or ()) for name in ("names", "namespaces", "storage_classes")))

    @property
    def selects_all(self) -> bool:
        """True for an empty selection."""
        return not (self.names or self.namespaces or self.storage_classes)

    def matches(self, volume: Volume) -> bool:
        """True for a selected volume."""
        return (
            (not self.names or volume.name in self.names or volume.claim in self.names)
            and (not self.namespaces or volume.claim.partition("/")[0] in self.namespaces)
            and (not self.storage_classes or volume.storage_class in self.storage_classes)
        )

    def select(self, volumes: Iterable[Volume], source: str, next_step: str = LIST_VOLUMES) -> tuple[Volume, ...]:
        """The selected volumes. Raises BadInput for names that none of them has, see check_names."""
        volumes = tuple(volumes)
        self.check_names(volumes, source, next_step)
        return tuple(filter(self.matches, volumes))

    def check_names(self, volumes: Sequence[Volume], source: str, next_step: str = LIST_VOLUMES) -> None:
        """Raise BadInput for names that no volume has.

        source: what the volumes belong to, e.g. 'Cluster lab', and next_step: how to list them, for the error.
        """
        unknown = sorted(self.names - {name for volume in volumes for name in (volume.name, volume.claim)})
        if unknown:
            raise BadInput(
                f"{source} has no volume or claim (as namespace/name) named {listed(unknown)}.",
                next_step=next_step,
                details=unknown,
            )

    def select_with_claims(
        self, volumes: Iterable[Volume], claims: Iterable[Object], source: str
    ) -> tuple[tuple[Volume, ...], dict[str, Object]]:
        """The selected volumes, and the selected claims that have none of the volumes, by 'namespace/name'."""
        volumes = tuple(volumes)
        joined = {volume.claim for volume in volumes if volume.claim_phase}
        alone = {name: claim for claim in claims if (name := namespaced_name(claim)) not in joined}
        # A claim without a volume is selected as one without a name.
        nameless = (
            Volume("", name, storage_class=o["spec"].get("storageClassName") or "") for name, o in alone.items()
        )
        found = self.select((*volumes, *nameless), source)
        return tuple(v for v in found if v.name), {v.claim: alone[v.claim] for v in found if not v.name}
