# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The volumes that a request selects from a backup, and the namespaces and storage classes that they need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import (
    DEFAULT_ANNOTATIONS,
    is_default_class,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    ORIGINAL_POLICY,
    Volume,
    read_volumes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.names.map import expanded
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.namespaces import mapped
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import claimed, listed

from .claims import lost_warning
from .maps import Maps, check_distinct, read_maps, renamed
from .model import UNCHANGED, Generation, Observed, Request, SelectedVolume, Step


@dataclass(frozen=True)
class Selected:
    """The volumes to restore, by name; claims that waited for a volume; and warnings about what is left out."""

    volumes: tuple[SelectedVolume, ...] = ()
    claims: tuple[Object, ...] = ()
    warnings: tuple[str, ...] = ()


def select(request: Request, generation: Generation) -> Selected:
    """What the request selects from the backup.

    Raises BadInput for names and nodes that are not in the backup, and for volumes without a manifest.
    """
    catalog = generation.catalog
    pvs = {pv["metadata"]["name"]: pv for pv in generation.manifests["PersistentVolume"]}
    claims = {namespaced_name(claim): claim for claim in generation.manifests["PersistentVolumeClaim"]}
    saved = {volume.name: volume for volume in catalog.volumes}
    missing = sorted(saved.keys() - pvs.keys())
    if missing:
        raise BadInput(f"The backup has no manifest of {listed(missing)}.", next_step="Use another generation of it.")
    node_map = _node_map(catalog, request.node_map)
    if node_map:
        pvs = {name: renamed(pv, node_map) for name, pv in pvs.items()}
    maps = _maps(request, pvs.values(), claims.values())
    volumes, alone = _matching(request, [pvs[name] for name in saved], claims)
    warnings = [] if volumes or alone else ["No volume in the backup matches the selection; nothing is restored."]
    selected = []
    for volume in volumes:
        if volume.is_ephemeral:
            warnings.append(
                f"{claimed(volume.name, volume.claim)} is not restored: its pod gets a new ephemeral volume."
            )
            continue
        claim = claims.get(volume.claim)
        own = claim if request.claims and _is_bound(volume, claim) else None
        entry = saved[volume.name]
        released = _is_released(volume, claim, entry.phase)
        one = SelectedVolume(volume, _with_policy(pvs[volume.name], entry.reclaim_policy), own, entry, released)
        selected.append(_mapped(one, maps) if maps else one)
    waiting = [claim for claim in alone if request.claims and not claim["spec"].get("volumeName")]
    lost = [claim for claim in alone if claim["spec"].get("volumeName")]
    if maps:
        chosen = [volume.claim for volume in volumes if volume.claim]
        check_distinct(maps, [volume.name for volume in volumes], [*chosen, *map(namespaced_name, waiting)])
        waiting = [maps.of_claim(claim) for claim in waiting]
    return Selected(
        tuple(selected),
        tuple(waiting),
        (*warnings, *lost_warning(lost if request.claims else ())),
    )


def _mapped(one: SelectedVolume, maps: Maps) -> SelectedVolume:
    """Under its new names."""
    claim = maps.of_claim(one.claim) if one.claim else None
    return replace(one, volume=maps.of_volume(one.volume), pv=maps.of_pv(one.pv, one.volume), claim=claim)


def _matching(
    request: Request, pvs: Iterable[Object], claims: Mapping[str, Object]
) -> tuple[list[Volume], list[Object]]:
    """The selected volumes, and the selected claims that have none of the backup's volumes."""
    volumes = read_volumes(pvs, claims.values())
    names = {volume.name for volume in volumes}
    alone = {name: claim for name, claim in claims.items() if claim["spec"].get("volumeName", "") not in names}
    # A claim without a volume is selected as one without a name.
    nameless = (Volume("", claim=n, storage_class=c["spec"].get("storageClassName", "")) for n, c in alone.items())
    matching = request.selection.select(
        (*volumes, *nameless),
        "The backup",
        "List its volumes: run kindlab.volumes.volume_restore in check mode without names.",
    )
    return [v for v in matching if v.name], [alone[v.claim] for v in matching if not v.name]


def prerequisites(
    request: Request, observed: Observed, steps: Iterable[Step], claims: Iterable[Object] = ()
) -> tuple[Object, ...]:
    """The namespaces and storage classes to create, as backed up; a namespace that is not in the backup is empty.

    claims: those without a volume that are created.
    """
    steps = tuple(steps)
    selected = [step.selected for step in steps if step.action != UNCHANGED]
    alone = tuple(claims)
    namespaces = {s.volume.claim.partition("/")[0] for s in selected if s.claim}
    namespaces |= {namespaced_name(claim).partition("/")[0] for claim in alone}
    classes = {s.volume.storage_class for s in selected} | {c["spec"].get("storageClassName", "") for c in alone}
    saved = {item["metadata"]["name"]: item for item in _namespaces(request, observed.generation)}
    if request.selection.selects_all and request.claims and (selected or not steps):
        # Also those of workloads that the backup has, whose claims cannot be restored or are made by their pods.
        namespaces |= saved.keys()
    namespaces -= observed.namespaces.keys()
    classes -= observed.storage_classes.keys()
    created: list[Object] = []
    if request.create_namespaces:
        bare = {"apiVersion": "v1", "kind": "Namespace"}
        created += (saved.get(name) or {**bare, "metadata": {"name": name}} for name in sorted(namespaces))
    if request.create_storage_classes:
        has_default = any(map(is_default_class, observed.storage_classes.values()))
        for item in observed.generation.manifests["StorageClass"]:
            if item["metadata"]["name"] in classes:
                created.append(_not_default(item) if has_default and is_default_class(item) else item)
    return tuple(created)


def _maps(request: Request, pvs: Iterable[Object], claims: Iterable[Object]) -> Maps | None:
    """The maps of names, None if nothing is mapped."""
    if not request.name_maps:
        return None
    claims = tuple(claims)
    return read_maps(request.name_maps, read_volumes(pvs, claims), claims)


def _node_map(catalog: Catalog, given: Mapping[str, str]) -> dict[str, str]:
    """Old node -> new node. Raises BadInput for nodes that are not in the backup."""
    known = {node.name for node in catalog.cluster.nodes} | {name for v in catalog.volumes for name in v.nodes}
    node_map = expanded("node_map", given, known)
    unknown = sorted(node_map.keys() - known)
    if unknown:
        raise BadInput(
            f"node_map maps nodes that are not in the backup: {listed(unknown)}.",
            next_step=f"Use the backup's nodes as keys: {', '.join(sorted(known))}.",
        )
    return node_map


def _namespaces(request: Request, generation: Generation) -> list[Object]:
    """The saved namespaces, under their new names."""
    saved = generation.manifests["Namespace"]
    maps = _maps(request, generation.manifests["PersistentVolume"], generation.manifests["PersistentVolumeClaim"])
    return [mapped(item, maps.namespaces) for item in saved] if maps else list(saved)


def _is_bound(volume: Volume, claim: Object | None) -> bool:
    return claim is not None and claim["spec"].get("volumeName") == volume.name


def _is_released(volume: Volume, claim: Object | None, phase: str) -> bool:
    """True if its claim was gone when it was saved. phase: at that time, '' in backups of format 1."""
    if not volume.claim or _is_bound(volume, claim):
        return False
    if claim is not None and claim["spec"].get("volumeName"):
        return True
    # A provisioner makes volumes for existing claims only.
    return phase in ("Released", "Failed") if phase else bool(volume.provisioned_by)


def _with_policy(pv: Object, policy: str) -> Object:
    """The volume with its original reclaim policy in an annotation: it is restored with Retain."""
    if policy == "Retain":
        return pv
    annotations = {**(pv["metadata"].get("annotations") or {}), ORIGINAL_POLICY: policy}
    return {**pv, "metadata": {**pv["metadata"], "annotations": annotations}}


def _not_default(storage_class: Object) -> Object:
    """A cluster has one default class: a second one would get the claims that name none."""
    default, beta = DEFAULT_ANNOTATIONS
    metadata = storage_class["metadata"]
    annotations = {key: value for key, value in metadata["annotations"].items() if key != beta}
    return {**storage_class, "metadata": {**metadata, "annotations": {**annotations, default: "false"}}}
