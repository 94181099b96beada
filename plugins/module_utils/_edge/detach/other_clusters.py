# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who else uses host directories: volumes and processes of other clusters that have them mounted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import host_mounts
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.sharing import (
    Elsewhere,
    awaited,
    directories_of,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from .other_pods import VOLUMES, by_cluster, lists, pods_in_others
from .usage_check import processes_in


def volumes_elsewhere(engine: Engine, sharing: Sequence[Node]) -> Elsewhere:
    """The volumes of the clusters of these nodes, asked inside each one's control plane."""
    clusters = by_cluster(sharing)
    with ThreadPoolExecutor(max(1, len(clusters))) as pool:
        answers = list(pool.map(lambda nodes: lists(engine, nodes, VOLUMES), clusters))
    volumes: dict[str, str] = {}
    claims: dict[str, str] = {}
    unknown = {}
    for nodes, found in zip(clusters, answers):
        if isinstance(found, str):
            unknown[nodes[0].cluster] = (found, tuple(m.host_path for node in nodes for m in host_mounts(node)))
        else:
            volumes |= directories_of(read_volumes(*found), nodes)
            claims |= awaited(found[1], nodes[0].cluster)
    return Elsewhere(volumes, unknown, claims)


def users_elsewhere(engine: Engine, sharing: Sequence[Node], directories: Mapping[str, str]) -> dict[str, str]:
    """Name -> why another cluster uses its host directory, for those that one does. directories: by the same names."""
    if not sharing or not directories:
        return {}
    elsewhere = volumes_elsewhere(engine, sharing)
    found = {name: elsewhere.why_used(directory) for name, directory in directories.items()}
    processes = processes_in(engine, sharing, directories)
    pods = pods_in_others(engine, sharing, tuple(directories.items()))
    users = {name: (*processes.get(name, ()), *pods.get(name, ())) for name in directories}
    return {name: why for name in directories if (why := found[name] or _text(users[name]))}


def _text(users: Sequence[VolumeUser]) -> str:
    return users[0].text() if users else ""
