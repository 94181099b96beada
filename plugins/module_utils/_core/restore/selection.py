# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a restore is asked for: the volumes chosen from a backup, and what they need around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
    select_volumes,
    unknown_names,
)

from .model import (
    CREATE,
    FINISH,
    REBIND,
    Observed,
    Step,
    Wanted,
)
from .node_map import remapped


@dataclass(frozen=True)
class Request:
    """The part of a restore's options that says which volumes, and how."""

    names: Sequence[str] = ()
    namespaces: Sequence[str] = ()
    storage_classes: Sequence[str] = ()
    claims: bool = True
    node_map: Mapping[str, str] | None = None


def choose(
    catalog: Catalog, pvs: Iterable[Object], claims: Iterable[Object], request: Request
) -> tuple[tuple[Wanted, ...], tuple[str, ...]]:
    """The volumes to restore, by name; and a warning for each that is left out.

    Raises BadInput for names and nodes that the backup does not know, and for volumes without a manifest in it.
    """
    by_name = {pv["metadata"]["name"]: pv for pv in pvs}
    of_claim = {namespaced_name(claim): claim for claim in claims}
    saved = {volume.name: volume for volume in catalog.volumes}
    missing = sorted(set(saved) - set(by_name))
    if missing:
        raise BadInput(
            f"The backup has no manifest of {', '.join(missing[:10])}.", next_step="Use another of its generations."
        )
    _check_node_map(catalog, request.node_map or {})
    if request.node_map:
        by_name = {name: remapped(pv, request.node_map) for name, pv in by_name.items()}
    volumes = read_volumes((by_name[name] for name in saved), of_claim.values())
    chosen = _selected(volumes, request)
    wanted = []
    warnings = [] if chosen else ["The backup has no volume that is asked for: nothing is restored."]
    owners = {v.claim: v.name for v in chosen if _owns(v, of_claim.get(v.claim))}
    for volume in chosen:
        owner = owners.get(volume.claim, volume.name)
        if owner != volume.name:
            warnings.append(
                f"{volume.name} is not restored: its claim {volume.claim} has the volume {owner} in this backup. "
                f"To restore it instead, name it alone in names."
            )
            continue
        claim = of_claim.get(volume.claim) if request.claims and volume.claim in owners else None
        pv = _with_policy(by_name[volume.name], saved[volume.name].reclaim_policy)
        wanted.append(Wanted(volume, pv, claim, saved[volume.name]))
    return tuple(wanted), tuple(warnings)


def surroundings(
    saved: Iterable[Object], observed: Observed, steps: Iterable[Step], *, namespaces: bool, storage_classes: bool
) -> list[Object]:
    """The namespaces and storage classes of the backup that the volumes need and the cluster lacks."""
    made = [step.wanted for step in steps if step.action in (CREATE, REBIND, FINISH)]
    spaces = {w.volume.claim.partition("/")[0] for w in made if w.claim is not None} - set(observed.namespaces)
    classes = {w.volume.storage_class for w in made} - set(observed.storage_classes)
    found = [
        item
        for item in saved
        if (item["kind"] == "Namespace" and namespaces and item["metadata"]["name"] in spaces)
        or (item["kind"] == "StorageClass" and storage_classes and item["metadata"]["name"] in classes)
    ]
    known = {item["metadata"]["name"] for item in found if item["kind"] == "Namespace"}
    bare = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in sorted(spaces - known if namespaces else ())
    ]
    has_default = any(is_default_class(item) for item in observed.storage_classes.values())
    return bare + [_not_default(item) if has_default else item for item in found]


def _selected(volumes: Sequence[Volume], request: Request) -> tuple[Volume, ...]:
    unknown = unknown_names(volumes, request.names)
    if unknown:
        raise BadInput(
            f"The backup has no volume, and no claim as namespace/name, named {', '.join(unknown)}.",
            next_step="kindlab.volumes.volume_restore in check mode, without names, lists what it has.",
        )
    return select_volumes(
        volumes, names=request.names, namespaces=request.namespaces, storage_classes=request.storage_classes
    )


def _check_node_map(catalog: Catalog, node_map: Mapping[str, str]) -> None:
    known = {node.name for node in catalog.cluster.nodes} | {name for v in catalog.volumes for name in v.nodes}
    unknown = sorted(set(node_map) - known)
    if unknown:
        raise BadInput(
            f"node_map names {', '.join(unknown)}, which the backup does not know.",
            next_step=f"Its nodes are {', '.join(sorted(known))}: those stand on the left.",
        )


def _owns(volume: Volume, claim: Object | None) -> bool:
    return claim is not None and claim["spec"].get("volumeName") == volume.name


def _with_policy(pv: Object, policy: str) -> Object:
    """The volume with a note of its own reclaim policy, as the restored one is kept whatever happens."""
    if policy == "Retain":
        return pv
    annotations = {**(pv["metadata"].get("annotations") or {}), ORIGINAL_POLICY: policy}
    return {**pv, "metadata": {**pv["metadata"], "annotations": annotations}}


def _not_default(item: Object) -> Object:
    """A cluster has one default class: a second one would take the claims that name none."""
    if item["kind"] != "StorageClass" or not is_default_class(item):
        return item
    default, beta = DEFAULT_ANNOTATIONS
    annotations = {key: value for key, value in item["metadata"]["annotations"].items() if key != beta}
    annotations[default] = "false"
    return {**item, "metadata": {**item["metadata"], "annotations": annotations}}
