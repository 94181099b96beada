# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check whether volumes are in use: by the API server, and by one probe of each node, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, poll
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import (
    NO_PROCESS,
    VolumeUser,
    directories_by_node,
    in_use_text,
    mounted_in,
    users_by_api,
    users_without_claims,
    why_unreadable,
    with_pod_names,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.lost import on_containers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name, uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import volume_places
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from . import node_processes
from .other_pods import pods_in_others

# Seconds between two checks: no kernel reports when somebody else's mount or file is closed.
PAUSE = 0.3


class UsageCheck:
    """Checks the volumes of one cluster."""

    def __init__(
        self, cluster: Cluster | None, engine: Engine, nodes: Sequence[Node], sharing: Sequence[Node] = ()
    ) -> None:
        """cluster: None if its API server does not answer; then only the nodes are probed.

        sharing: nodes of other clusters that have host directories of this one.
        """
        self._cluster = cluster
        self._engine = engine
        # As the last check found them.
        self.pods: tuple[Object, ...] = ()
        self._own = nodes
        self._sharing = sharing
        self._nodes = {node.name: node for node in (*nodes, *sharing)}

    def users(self, volumes: Sequence[Volume], stopped: Collection[str] = ()) -> dict[str, list[VolumeUser]]:
        """Volume's name -> what uses it, [] if it is free. Raises KindlabError if something cannot be read.

        stopped: claims whose pods do not count.
        """
        directories = directories_by_node(volumes, self._own, self._sharing)
        with ThreadPoolExecutor(max(1, len(directories)) + 3) as pool:
            probes = [
                pool.submit(_probe, self._engine, self._nodes[name], own) for name, own in directories.items() if own
            ]
            elsewhere = pool.submit(self._elsewhere, volumes)
            all_pods: list[Object] = []
            found: dict[str, list[VolumeUser]] = {volume.name: [] for volume in volumes}
            if self._cluster is not None:
                all_pods, attachments = self._cluster.lists("Pod", "VolumeAttachment")
                all_pods = on_containers(all_pods, (node.name for node in self._own))
                found = users_by_api(volumes, all_pods, attachments)
            self.pods = tuple(all_pods)
            names = {uid_of(pod): namespaced_name(pod) for pod in all_pods}
            for probe in probes:
                for name, users in probe.result().items():
                    found[name] += with_pod_names(users, names)
            for name, users in elsewhere.result().items():
                found[name] += users
        return users_without_claims(stopped, all_pods, found) if stopped else found

    def _elsewhere(self, volumes: Sequence[Volume]) -> dict[str, list[VolumeUser]]:
        """Volume's name -> the pods of other clusters that use its host directory."""
        if not self._sharing:
            return {}
        own = kubernetes_nodes(self._own)
        places = [(v.name, place.host_directory) for v in volumes for place in volume_places(v, own)]
        asked = tuple(dict.fromkeys((name, path) for name, path in places if path))
        return pods_in_others(self._engine, self._sharing, asked)

    def await_free(
        self,
        volumes: Sequence[Volume],
        deadline: Deadline,
        is_newcomer: Callable[[Object], bool] = lambda _pod: False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> dict[str, list[VolumeUser]]:
        """Check again until all are free, there is a newcomer among the pods, or the deadline is over.

        The result is that of the last check.
        """
        users: dict[str, list[VolumeUser]] = {}
        with REPORTER.waiting(lambda: in_use_text(users)) as changed:
            for _turn in poll(deadline, PAUSE, sleep):
                users = self.users(volumes)
                if not any(users.values()) or any(map(is_newcomer, self.pods)):
                    break
                changed()
        return users


def processes_in(engine: Engine, nodes: Sequence[Node], directories: Mapping[str, str]) -> dict[str, list[VolumeUser]]:
    """Name -> the processes in these nodes that use its host directory. directories: by the same names."""
    by_name = {node.name: node for node in nodes}
    inside = mounted_in(nodes, directories)
    found: dict[str, list[VolumeUser]] = {name: [] for name in directories}
    with ThreadPoolExecutor(max(1, len(inside))) as pool:
        for users in pool.map(lambda name: _probe(engine, by_name[name], inside[name]), inside):
            for name, own in users.items():
                found[name] += own
    return found


def _probe(engine: Engine, node: Node, directories: Mapping[str, str]) -> dict[str, list[VolumeUser]]:
    why = why_unreadable(node)
    if why:
        return {name: [VolumeUser(why, node.name)] for name in directories}
    if node.state in NO_PROCESS:
        return {}
    mounts = [mount.node_path for mount in node.mounts]
    return node_processes.probe(engine.inside(node.name), node.name, directories, mounts)
