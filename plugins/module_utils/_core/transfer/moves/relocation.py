# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A volume on its way to another place or form: all that is needed to complete it after a run was killed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import Binding
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.export import saved_claim
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged, uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    ORIGINAL_POLICY,
    RETAINED_UNTIL,
    Volume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import set_aside

MOVE, CONVERT = "move", "convert"
NAMESPACE = "kube-system"
LABEL = "kindlab.volumes/relocating"
_RECORD = "relocation"


@dataclass(frozen=True)
class Relocation:
    """Of one volume. uid: of its PersistentVolume as it was.

    before, after: the nodes of its affinity. copies: whether its data is copied from source to target; it is set aside
    then, with the time at. volume: the new PersistentVolume, of the same name. new_claim: the claim, which keeps its
    name; recreated: whether it is deleted and created again, because its fields are immutable. claim_uid: as it was.
    purpose: what is recorded in workloads that are stopped for it. replacing: the data is in its place, and the volume
    is being replaced, or is already.
    """

    verb: str
    name: str
    uid: str
    claim: str
    claim_uid: str
    source: Place
    target: Place
    before: tuple[str, ...]
    after: tuple[str, ...]
    copies: bool
    volume: Object
    new_claim: Object
    recreated: bool = False
    purpose: str = ""
    at: str = ""
    replacing: bool = False

    @property
    def aside(self) -> str:
        """The directory that the old data is set aside to, '' if it stays the volume's."""
        path = self.source.host_directory or self.source.node_directory
        return set_aside(path, self.at) if self.copies else ""

    def binding(self, pv: Object | None, claim: Object | None) -> Binding:
        """The volume and its claim, as they are to be and as they are."""
        return Binding(self.volume, self.new_claim, pv, claim)

    def replacing_of(self, pv: Object) -> Relocation:
        """While its old volume is replaced, with what that says of the reclaim policy that it gets back."""
        annotations = pv["metadata"].get("annotations") or {}
        kept = {key: annotations[key] for key in (ORIGINAL_POLICY, RETAINED_UNTIL) if key in annotations}
        volume = merged(self.volume, {"metadata": {"annotations": kept}}) if kept else self.volume
        return replace(self, volume=volume, replacing=True)

    def record(self) -> Object:
        """The ConfigMap that it is recorded in before anything is changed."""
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "namespace": NAMESPACE,
                "name": f"kindlab-relocating-{self.uid}",
                "labels": {LABEL: self.verb},
            },
            "data": {_RECORD: json.dumps(asdict(self), sort_keys=True)},
        }

    def as_dict(self) -> Object:
        """The row in the module's result."""
        return {
            "name": self.name,
            "claim": self.claim,
            "action": self.verb,
            "nodes_before": list(self.before),
            "nodes": list(self.after),
            "source": next((kind for kind in ("hostPath", "local") if kind in self.volume["spec"]), ""),
            "storage_class": self.volume["spec"].get("storageClassName", ""),
            "node_directory": self.target.node_directory,
            "host_directory": self.target.host_directory,
            "copied": self.copies,
            "set_aside": self.aside,
        }


def records(config_maps: Iterable[Object]) -> list[Relocation]:
    """What runs that were killed have begun, by volume's name."""
    own = (item for item in config_maps if LABEL in (item["metadata"].get("labels") or {}))
    found = (json.loads((item.get("data") or {}).get(_RECORD) or "null") for item in own)
    return sorted(map(_read, filter(None, found)), key=lambda relocation: relocation.name)


def _read(fields: dict[str, Any]) -> Relocation:
    places = {name: Place(**fields[name]) for name in ("source", "target")}
    return Relocation(**{**fields, **places, "before": tuple(fields["before"]), "after": tuple(fields["after"])})


def relocated(
    verb: str, volume: Volume, pv: Object, claim: Object, manifest: Object, ends: tuple[Place, Place], *, copies: bool
) -> Relocation:
    """manifest: the new PersistentVolume. ends: source and target of its data."""
    storage_class = manifest["spec"].get("storageClassName", "")
    recreated = storage_class != (claim["spec"].get("storageClassName") or "")
    owners = claim["metadata"].get("ownerReferences")
    metadata = {"ownerReferences": owners} if owners else {}
    changes = {"metadata": metadata, "spec": {"storageClassName": storage_class}}
    return Relocation(
        verb,
        volume.name,
        uid_of(pv),
        volume.claim,
        uid_of(claim),
        *ends,
        volume.nodes,
        (),
        copies,
        manifest,
        merged(saved_claim(claim), changes),
        recreated,
    )
