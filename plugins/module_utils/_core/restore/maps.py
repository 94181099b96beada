# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore under other names: of nodes, namespaces, claims, storage classes and volumes, and with other sizes."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.managed.fields import LAST_APPLIED
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, renamed_affinity
from ansible_collections.kindlab.volumes.plugins.module_utils._core.names.forms import LABEL, SUBDOMAIN
from ansible_collections.kindlab.volumes.plugins.module_utils._core.names.map import collisions, expanded
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import node_annotations
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .model import MAPS

_SEVERAL_MODES = "(?:ReadWriteOnce|ReadOnlyMany|ReadWriteMany)"
_QUANTITY = r"[1-9][0-9]*(?:[kMGTPE]|[KMGTPE]i)?"
# Option -> what a new name must look like, and what it is.
_FORMS = {
    "namespace_map": (LABEL, "the name of a namespace"),
    "claim_map": (rf"{LABEL}/{SUBDOMAIN}", "a claim as namespace/name"),
    "storage_class_map": (rf"(?:{SUBDOMAIN})?", "the name of a storage class"),
    "volume_map": (SUBDOMAIN, "the name of a volume"),
    "capacity_map": (_QUANTITY, "a size such as 5Gi"),
    "access_mode_map": (
        rf"ReadWriteOncePod|{_SEVERAL_MODES}(?:,{_SEVERAL_MODES})*",
        "access modes (ReadWriteOncePod only alone)",
    ),
}


@dataclass(frozen=True)
class Maps:
    """Old name -> new one, all of them exact. capacities, access_modes (with commas): by name of a volume or claim."""

    namespaces: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    capacities: Mapping[str, str] = field(default_factory=dict)
    access_modes: Mapping[str, str] = field(default_factory=dict)

    def claim_name(self, name: str) -> str:
        """The claim's new 'namespace/name', '' for none."""
        namespace, slash, own = name.partition("/")
        return self.claims.get(name, f"{self.namespaces.get(namespace, namespace)}{slash}{own}")

    def of_volume(self, volume: Volume) -> Volume:
        """The volume as it is restored."""
        modes = self._modes(volume.name, volume.claim)
        return replace(
            volume,
            name=self.volumes.get(volume.name, volume.name),
            claim=self.claim_name(volume.claim),
            storage_class=self.classes.get(volume.storage_class, volume.storage_class),
            capacity=self._capacity(volume.name, volume.claim) or volume.capacity,
            access_modes=tuple(modes) or volume.access_modes,
        )

    def of_pv(self, pv: Object, volume: Volume) -> Object:
        """The PersistentVolume as it is restored. volume: as in the backup."""
        moved, modes = self.of_volume(volume), self._modes(volume.name, volume.claim)
        namespace, _slash, name = moved.claim.partition("/")
        capacity = self._capacity(volume.name, volume.claim)
        spec = {
            **({"claimRef": {"namespace": namespace, "name": name}} if volume.claim else {}),
            **({"storageClassName": moved.storage_class} if moved.storage_class != volume.storage_class else {}),
            **({"capacity": {"storage": capacity}} if capacity else {}),
            **({"accessModes": modes} if modes else {}),
        }
        return dict(merged(pv, {"metadata": {"name": moved.name}, "spec": spec}))

    def of_claim(self, claim: Object) -> Object:
        """The claim as it is restored."""
        old, volume = namespaced_name(claim), claim["spec"].get("volumeName", "")
        namespace, _slash, name = self.claim_name(old).partition("/")
        capacity, modes = self._capacity(volume, old), self._modes(volume, old)
        old_class = claim["spec"].get("storageClassName") or ""
        new_class = self.classes.get(old_class, old_class)
        spec = {
            **({"volumeName": self.volumes.get(volume, volume)} if volume else {}),
            **({"storageClassName": new_class} if new_class != old_class else {}),
            **({"resources": {"requests": {"storage": capacity}}} if capacity else {}),
            **({"accessModes": modes} if modes else {}),
        }
        metadata: Object = {"namespace": namespace, "name": name}
        if self.claim_name(old) != old and LAST_APPLIED in (claim["metadata"].get("annotations") or {}):
            # kubectl would take it for the manifest of this claim.
            metadata["annotations"] = {LAST_APPLIED: None}
        return dict(merged(claim, {"metadata": metadata, "spec": spec}))

    def _capacity(self, volume: str, claim: str) -> str:
        return self.capacities.get(claim) or self.capacities.get(volume, "")

    def _modes(self, volume: str, claim: str) -> list[str]:
        text = self.access_modes.get(claim) or self.access_modes.get(volume, "")
        return text.split(",") if text else []


def read_maps(options: Mapping[str, Mapping[str, Any]], volumes: Iterable[Volume], claims: Iterable[Object]) -> Maps:
    """The maps of the options in MAPS. volumes, claims: of the backup. Raises BadInput for names that it lacks."""
    volumes, claims = tuple(volumes), tuple(claims)
    names = {volume.name for volume in volumes}
    claimed = {namespaced_name(claim) for claim in claims} | {volume.claim for volume in volumes} - {""}
    known: dict[str, set[str]] = {
        "namespace_map": {name.partition("/")[0] for name in claimed},
        "claim_map": claimed,
        "storage_class_map": {volume.storage_class for volume in volumes}
        | {claim["spec"].get("storageClassName") or "" for claim in claims},
        "volume_map": names,
        "capacity_map": names | claimed,
        "access_mode_map": names | claimed,
    }
    return Maps(*(_read(option, options.get(option) or {}, known[option]) for option in MAPS))


def check_distinct(maps: Maps, volumes: Collection[str], claims: Collection[str]) -> None:
    """Raise BadInput if several of these volumes, or claims, get one name."""
    mapped = {name: maps.claim_name(name) for name in claims}
    for option, names, new_names in (("volume_map", volumes, maps.volumes), ("claim_map", claims, mapped)):
        if found := collisions(names, new_names):
            told = [f"{' and '.join(old)} become {new}" for new, old in sorted(found.items())]
            raise BadInput(
                f"{option if option == 'volume_map' else 'namespace_map and claim_map'} give several one name: "
                f"{listed(told, separator='; ')}.",
                next_step="Map each to a name of its own, or select some of them (names).",
            )


def _read(option: str, given: Mapping[str, Any], known: set[str]) -> dict[str, str]:
    told = {str(old): ",".join(map(str, new)) if isinstance(new, list) else new for old, new in given.items()}
    found = expanded(option, told, known)
    if unknown := sorted(found.keys() - known):
        raise BadInput(
            f"{option} maps what is not in the backup: {listed(unknown)}.",
            next_step=f"Use as keys: {listed(sorted(known - {''}), 30)}.",
        )
    form, what = _FORMS[option]
    for new in found.values():
        if not re.fullmatch(form, new):
            raise BadInput(f"{option} has {new!r}, which cannot be {what}.", next_step=f"Correct {option}.")
    return found


def renamed(pv: Object, node_map: Mapping[str, str]) -> Object:
    """A PersistentVolume to create whose affinity names the new nodes; that of an existing one is immutable."""
    moved = copy.deepcopy(pv)
    affinity = moved["spec"].get("nodeAffinity") or {}
    if affinity.get("required"):
        affinity["required"] = renamed_affinity(affinity["required"], node_map)
    annotations = moved["metadata"].get("annotations") or {}
    for name in node_annotations():
        if name in annotations:
            annotations[name] = node_map.get(annotations[name], annotations[name])
    return moved


def likely_map(
    old_cluster: str, old_nodes: Iterable[str], new_cluster: str, new_nodes: Iterable[str]
) -> dict[str, str]:
    """Old node -> the new cluster's node of the same role and number, if there is one.

    kind names nodes CLUSTER-control-plane, CLUSTER-worker, CLUSTER-worker2 and so on.
    """
    existing = set(new_nodes)
    likely = {}
    for old in sorted(set(old_nodes)):
        new = f"{new_cluster}{old.removeprefix(old_cluster)}"
        if old.startswith(f"{old_cluster}-") and new in existing:
            likely[old] = new
    return likely
