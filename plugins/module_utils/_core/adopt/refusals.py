# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a row cannot be adopted: what it says, its directory, its nodes, and objects that exist."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import namespace_obstacle
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import claim_of, node_directory
from ansible_collections.kindlab.volumes.plugins.module_utils._core.names.forms import LABEL, SUBDOMAIN
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import LEFTOVER
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .found import mounting_nodes
from .model import Observed, Request
from .rows import Row

_NAME = re.compile(SUBDOMAIN)
_CLAIM = re.compile(rf"{LABEL}/{SUBDOMAIN}")
_QUANTITY = re.compile(r"[1-9][0-9]{0,17}(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E)?")
_MOUNT = "Create the cluster with a mount of the directory that it is in: kindlab.volumes.kind_cluster."
_WRITE = "Write the plan to a file (write_plan), correct it, and set plan to that file."
# Why and next step.
Why = tuple[str, str]


def of_text(row: Row) -> Iterator[Why]:
    """What no API server would take."""
    if not row.claim:
        yield "its name does not say which claim it was made for", _WRITE
    elif not _CLAIM.fullmatch(row.claim):
        yield f"claim {row.claim!r} is not NAMESPACE/NAME in the form of Kubernetes", _WRITE
    if not _NAME.fullmatch(row.volume):
        yield f"volume {row.volume!r} is not a name in the form of Kubernetes", _WRITE
    if not _QUANTITY.fullmatch(row.capacity):
        yield f"capacity {row.capacity!r} is not a quantity, for example 1Gi", _WRITE


def of_directory(row: Row, observed: Observed) -> Iterator[Why]:
    """A directory that is not there, or that somebody has."""
    item = observed.items.get(row.directory)
    if item and row.volume in observed.volumes:
        # A run that was killed has created the volume, which has the directory now.
        if why := observed.related.why(row.directory, besides=row.volume):
            yield why, f"Set another directory in its row. {_WRITE}"
    elif item is None:
        yield "there is no such directory in those that are searched", "Set directories to the directory that it is in."
    elif item.kind == LEFTOVER and not (item.kept and item.kept.is_last_copy):
        yield "it is what a killed run left, and not whole", f"Remove its row. {_WRITE}"
    elif item.kept:
        yield item.kept.why, item.kept.next_step


def of_nodes(row: Row, observed: Observed) -> Iterator[Why]:
    """Nodes that do not exist, or do not have the directory."""
    existing = {node.name: node for node in observed.nodes}
    unknown = [name for name in row.nodes if name not in existing]
    if unknown:
        yield f"the cluster has no node {listed(unknown)}", _WRITE
        return
    having = mounting_nodes(row.directory, observed.nodes)
    nodes = [existing[name] for name in row.nodes] or [n for n in kubernetes_nodes(observed.nodes) if n.takes_pods]
    lacking = [node.name for node in nodes if not node.paths_of(row.directory)]
    if not having:
        yield "no node of the cluster has it mounted", _MOUNT
    elif lacking:
        yield f"{listed(lacking)} does not have it mounted", f"Change its node to {having[0].name}. {_WRITE}"
    elif fault := next(filter(None, (_fault(node, row.directory) for node in nodes)), None):
        yield fault
    elif len({node.paths_of(row.directory)[0] for node in nodes}) > 1:
        yield "it is not mounted at the same place in all nodes", f"Change its nodes to one of them. {_WRITE}"


def _fault(node: Node, directory: str) -> Why | None:
    """Why what a node has there is not this directory of the host."""
    path = node.paths_of(directory)[0]
    mount = node.mount_of(path)
    fault = mount.fault_of(path) if mount else None
    return (fault.mismatch, fault.remedy) if fault else None


def of_objects(row: Row, path: str, request: Request, observed: Observed) -> Iterator[Why]:
    """Objects that exist and are others, or that are missing. path: the directory in the nodes."""
    pv, claim = observed.volumes.get(row.volume), observed.claims.get(row.claim)
    if pv is not None and pv["metadata"].get("deletionTimestamp"):
        yield f"PersistentVolume {row.volume} is being deleted", "Wait until it is gone, and run this again."
    elif pv is not None and (node_directory(pv) != path or claim_of(pv) != row.claim):
        yield f"PersistentVolume {row.volume} exists and is another one", f"Set another name in its row. {_WRITE}"
    if claim is not None:
        has, phase = claim["spec"].get("volumeName", ""), (claim.get("status") or {}).get("phase", "")
        if claim["metadata"].get("deletionTimestamp"):
            yield f"claim {row.claim} is being deleted", "Wait until it is gone, and run this again."
        elif has not in ("", row.volume) or (not has and phase not in ("Pending", "")):
            yield f"claim {row.claim} exists and has volume {has or 'none'}", f"Set another claim in its row. {_WRITE}"
        elif (claim["spec"].get("storageClassName") or "") != row.storage_class:
            own = claim["spec"].get("storageClassName") or "none"
            yield f"claim {row.claim} exists and has storage class {own}", f"Set that class in its row. {_WRITE}"
    if row.storage_class and row.storage_class not in observed.storage_classes:
        yield f"storage class {row.storage_class} does not exist", "Install it: kindlab.volumes.storage_provisioner."
    namespace = row.claim.partition("/")[0]
    why, step = namespace_obstacle(namespace, observed.namespaces.get(namespace), create=request.create_namespaces)
    if why:
        yield why, step


def shared_values(rows: Iterable[Row]) -> dict[Why, list[str]]:
    """What several rows have in common: field and value -> their directories."""
    found: dict[Why, list[str]] = {}
    for row in rows:
        for name in ("directory", "volume", "claim"):
            if value := getattr(row, name):
                found.setdefault((name, value), []).append(row.directory)
    return {key: directories for key, directories in found.items() if len(directories) > 1}


def of_nested(row: Row, directories: Collection[str]) -> Iterator[Why]:
    """Another row's directory that has this one in it. directories: of all rows."""
    above = next((str(path) for path in PurePosixPath(row.directory).parents if str(path) in directories), "")
    if above:
        yield f"{row.directory} is in {above}, which is in another row", f"Remove one of them. {_WRITE}"


def of_pairs(row: Row, shared: Mapping[Why, Sequence[str]]) -> Iterator[Why]:
    """What it has in common with other rows. shared: as shared_values returns it."""
    for name in ("directory", "volume", "claim"):
        value = getattr(row, name)
        if (name, value) in shared:
            directories = listed(shared[name, value], 3)
            yield f"{name} {value} is in several rows: {directories}", f"Correct one of them. {_WRITE}"
