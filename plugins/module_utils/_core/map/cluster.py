# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One cluster in a map: nodes, volumes with what they hold and who uses them, claims, orphans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import HOST, NODE, SavedVolume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import node_view, state_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name, uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import (
    CONTROLLER_KINDS,
    claims_used,
    phase,
    workload_of,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import (
    WORKLOAD_KINDS,
    Claims,
    has_finished,
    is_top_level,
    used_claims,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.names import iso, time_of

from .model import CHANGED, EQUAL, MANIFEST, UNKNOWN, Backed, Seen, Source

_COPIED = (
    *("name", "claim", "phase", "claim_phase", "storage_class", "reclaim_policy", "capacity", "location", "data"),
    *("nodes", "node_directory", "host_directory", "mismatch", "survives", "survives_why", "survives_next_step"),
)
# The last second that has a name of four digits.
_LATEST = 253402300799


def cluster_map(source: Source) -> Object:
    """The cluster, as in a map."""
    using = _users(source.objects)
    saved = {volume.name: volume for volume in source.backed.catalog.volumes} if source.backed.catalog else {}
    pods = [pod for pod in source.objects.get("Pod", ()) if claims_used(pod)]
    others = Counter(pod["spec"].get("nodeName", "") for pod in source.objects.get("Pod", ()))
    others.subtract(pod["spec"].get("nodeName", "") for pod in pods)
    owners = {uid_of(item): item for kind in CONTROLLER_KINDS for item in source.objects.get(kind, ())}
    return {
        "name": source.name,
        "state": state_of(source.nodes),
        "problem": source.problem,
        "summary": source.summary,
        "nodes": [{**node_view(node), "pods": others[node.name]} for node in source.nodes],
        "volumes": [_volume(row, source, using, saved.get(row["name"])) for row in source.rows],
        "pods": [_pod(pod, owners) for pod in pods],
        "claims": list(_claims(source.objects.get("PersistentVolumeClaim", ()))),
        "orphans": [_orphan(row, source.seen.get(row["host_directory"])) for row in source.orphans],
        "backup": _backup(source.backed),
        "warnings": list(source.warnings),
    }


def _volume(row: Mapping[str, Any], source: Source, using: Mapping[str, set[str]], saved: SavedVolume | None) -> Object:
    seen = source.seen.get(row["name"])
    is_bound = row["claim_phase"] == "Bound"
    return {
        **{name: row[name] for name in _COPIED},
        "place": _place(row, source.nodes),
        "pods": [f"{pod['namespace']}/{pod['name']}" for pod in row["pods"]],
        "workloads": sorted(using.get(row["claim"], ())) if is_bound else [],
        "seen": _seen(seen),
        "backup": _saved(saved, seen, source.backed) if saved else {},
    }


def _place(row: Mapping[str, Any], nodes: Sequence[Node]) -> str:
    """The directory of the host that is mounted, or the nodes that the data is inside of; '' for elsewhere."""
    own = [node for node in nodes if node.name in row["host_directories"]]
    if row["data"] == HOST:
        mounts = [node.mount_of(row["node_directory"]) for node in own]
        return next((mount.host_path for mount in mounts if mount), "")
    return ", ".join(node.name for node in own) if row["data"] == NODE else ""


def _seen(seen: Seen | None) -> Object:
    if seen is None:
        return {}
    changed = iso(min(max(seen.changed, 0), _LATEST)) if seen.files else ""
    return {"bytes": seen.bytes, "files": seen.files, "changed": changed, "complete": seen.complete}


def _saved(saved: SavedVolume, seen: Seen | None, backed: Backed) -> Object:
    """How a volume's data is in a generation."""
    created = backed.catalog.created if backed.catalog else ""
    if saved.data not in (HOST, NODE):
        state = MANIFEST
    elif seen is None or not seen.complete or not saved.checksum_list:
        state = UNKNOWN
    else:
        # What the backup read may have been written in the second in which it began.
        written = seen.changed < (time_of(backed.generation) or 0) + 1
        state = EQUAL if written and (seen.files, seen.size) == (saved.files, saved.bytes) else CHANGED
    return {"generation": backed.generation, "created": created, "state": state, "archive": saved.archive is not None}


def _backup(backed: Backed) -> Object:
    created = backed.catalog.created if backed.catalog else ""
    return {"path": backed.path, "generation": backed.generation, "created": created, "problem": backed.problem}


def _orphan(row: Mapping[str, Any], seen: Seen | None) -> Object:
    return {**{name: row[name] for name in ("host_directory", "claim", "volume")}, "seen": _seen(seen)}


def _pod(pod: Object, owners: Mapping[str, Object]) -> Object:
    return {
        "namespace": pod["metadata"]["namespace"],
        "name": pod["metadata"]["name"],
        "node": pod["spec"].get("nodeName", ""),
        "phase": phase(pod),
        "workload": workload_of(pod, owners).text(),
    }


def _users(objects: Mapping[str, Sequence[Object]]) -> dict[str, set[str]]:
    """Claim -> the workloads whose pods use it, or would if there were any."""
    claims = Claims(map(namespaced_name, objects.get("PersistentVolumeClaim", ())))
    found: dict[str, set[str]] = {}
    for kind in WORKLOAD_KINDS:
        for item in objects.get(kind, ()):
            if is_top_level(item) and not has_finished(item):
                for claim in used_claims(item, claims):
                    found.setdefault(claim, set()).add(f"{kind}/{item['metadata']['name']}")
    return found


def _claims(claims: Sequence[Object]) -> Iterator[Object]:
    """Those that have no volume: they wait for one, or it is lost."""
    for claim in claims:
        state = (claim.get("status") or {}).get("phase") or "Pending"
        if state != "Bound":
            spec = claim["spec"]
            yield {
                "claim": namespaced_name(claim),
                "phase": state,
                "volume": spec.get("volumeName") or "",
                "storage_class": spec.get("storageClassName") or "",
            }
