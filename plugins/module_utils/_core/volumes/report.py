# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Result of volume_info: each volume with its claim, pods and directories, and orphan directories."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume

from .places import Place, volume_places


def orphans(
    watched: Mapping[str, list[Place]], found: Mapping[str, Iterable[str]], used: Iterable[str]
) -> list[Object]:
    """The directories that no volume has, each {host_directory, node_directory, nodes}.

    watched: as watched_places gives it; found: host directory -> names of the directories in it; used: the host
    directories of all volumes. A directory that lies above or below a volume's is not an orphan.
    """
    used = set(used)
    above = {ancestor for path in used for ancestor in _ancestors(path)}
    result = []
    for parent, serving in watched.items():
        for name in sorted(found.get(parent, ())):
            path = posixpath.join(parent, name)
            if path in used or path in above or used & set(_ancestors(path)):
                continue
            result.append(
                {
                    "host_directory": path,
                    "node_directory": posixpath.join(serving[0].node_directory, name),
                    "nodes": sorted({p.node for p in serving}),
                }
            )
    return result


def describe(volume: Volume, nodes: Iterable[Node], pods: Mapping[str, list[Object]]) -> Object:
    """A volume in the words of the modules' results. host_directory: '' where its nodes don't share one."""
    found = volume_places(volume, nodes)
    shared = {p.host_directory for p in found}
    return {
        "name": volume.name,
        "claim": volume.claim,
        "phase": volume.phase,
        "claim_phase": volume.claim_phase,
        "storage_class": volume.storage_class,
        "reclaim_policy": volume.reclaim_policy,
        "original_reclaim_policy": volume.original_policy,
        "capacity": volume.capacity,
        "access_modes": list(volume.access_modes),
        "source": volume.source,
        "provisioned_by": volume.provisioned_by,
        "nodes": list(volume.nodes),
        "node_directory": volume.node_directory,
        "host_directory": shared.pop() if len(shared) == 1 else "",
        "host_directories": {p.node: p.host_directory for p in found},
        "pods": pods.get(volume.claim, []) if volume.claim_phase == "Bound" else [],
    }


def _ancestors(path: str) -> list[str]:
    found = []
    while path != posixpath.dirname(path):
        path = posixpath.dirname(path)
        found.append(path)
    return found
