# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Result of volume_info: each volume with its claim, pods and directories, and orphan directories."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import made_for

from .places import Place, volume_places
from .sharing import Elsewhere
from .sources import source_text


def searched(
    watched: Mapping[str, Sequence[Place]], elsewhere: Elsewhere
) -> tuple[dict[str, Sequence[Place]], list[str]]:
    """The watched directories where orphans can be told from others' directories, and a warning for each other one."""
    found, warnings = {}, []
    for path, places in watched.items():
        why = next((place.mismatch for place in places if place.mismatch), "") or elsewhere.why_unknown(path)
        if why:
            warnings.append(f"{path} is not searched for orphan directories: {why}")
        else:
            found[path] = places
    return found, warnings


def orphans(
    watched: Mapping[str, Sequence[Place]], existing: Mapping[str, Iterable[str]], used: Iterable[str]
) -> list[Object]:
    """The directories that a provisioner made and that have no volume; volume, claim: what they were made for.

    watched: as watched_places returns it; existing: host directory -> names of its subdirectories; used: the host
    directories of all volumes. A parent or subdirectory of a volume's directory is not an orphan.
    """
    used = set(used)
    related = used | {ancestor for path in used for ancestor in _ancestors(path)}
    return [
        {
            "host_directory": path,
            "node_directory": posixpath.join(places[0].node_directory, name),
            "nodes": sorted({place.node for place in places}),
            "volume": former[0],
            "claim": former[1],
        }
        for parent, places in watched.items()
        for name in sorted(existing.get(parent, ()))
        if (former := made_for(name))
        and (path := posixpath.join(parent, name)) not in related
        and not used & _ancestors(path)
    ]


def describe(
    volume: Volume,
    nodes: Iterable[Node],
    pods: Mapping[str, list[Object]],
    pv: Object,
    *,
    elsewhere: bool = False,
) -> Object:
    """A volume in volume_info's result. host_directory: '' unless it is the same for all of its nodes.

    pv: its PersistentVolume, which says where it is. elsewhere: no backup reads its data. mismatch: why the host
    directory is not what a node has, '' if it is or if they were not compared.
    """
    places = volume_places(volume, nodes)
    directories = {place.host_directory for place in places}
    return {
        **_state(volume),
        "location": source_text(pv),
        "data": "elsewhere" if elsewhere else _data(places),
        "provisioned_by": volume.provisioned_by,
        "nodes": list(volume.nodes),
        "node_directory": volume.node_directory,
        "host_directory": directories.pop() if len(directories) == 1 else "",
        "host_directories": {place.node: place.host_directory for place in places},
        "mismatch": next((place.mismatch for place in places if place.mismatch), ""),
        "pods": pods.get(volume.claim, []) if volume.claim_phase == "Bound" else [],
    }


def _state(volume: Volume) -> Object:
    return {
        "name": volume.name,
        "claim": volume.claim,
        "phase": volume.phase,
        "claim_phase": volume.claim_phase,
        "terminating": volume.is_terminating,
        "ephemeral": volume.is_ephemeral,
        "storage_class": volume.storage_class,
        "reclaim_policy": volume.reclaim_policy,
        "original_reclaim_policy": volume.original_policy,
        "capacity": volume.capacity,
        "access_modes": list(volume.access_modes),
        "volume_mode": "Block" if volume.is_block else "Filesystem",
        "source": volume.source,
    }


def _data(places: Sequence[Place]) -> str:
    """Where data in a directory is, '' if that is not the same on all nodes."""
    kinds = {"host" if place.host_directory else "node" for place in places}
    return kinds.pop() if len(kinds) == 1 else ""


def lost_claims(claims: Iterable[Object]) -> list[str]:
    """Warnings about claims whose volume no longer exists."""
    lost = [claim for claim in claims if (claim.get("status") or {}).get("phase") == "Lost"]
    return [
        f"The claim {namespaced_name(claim)} is Lost: its volume {claim['spec'].get('volumeName')} no longer exists."
        for claim in lost
    ]


def _ancestors(path: str) -> set[str]:
    return set(map(str, PurePosixPath(path).parents))
