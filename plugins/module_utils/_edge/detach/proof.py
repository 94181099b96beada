# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Proves that nothing holds volumes: the API server's word, and one look into each node at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.holders import (
    NO_PROCESS,
    Held,
    by_api,
    by_node,
    directories,
    unseen,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.node_holders import Holder
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from . import node_holders

# Seconds between two looks: no kernel tells when a mount or a file of somebody else is given up.
PAUSE = 0.3


class Detachment:
    """Who holds volumes of one cluster."""

    def __init__(self, cluster: Cluster | None, engine: Engine, nodes: Sequence[Node]) -> None:
        """cluster: None where its API server does not answer; then only the nodes are looked into."""
        self._cluster = cluster
        self._engine = engine
        self._nodes = {node.name: node for node in nodes}

    def look(self, volumes: Sequence[Volume]) -> dict[str, list[Held]]:
        """Volume's name -> what holds it, [] where it is free. Raises KindlabError where a look fails."""
        places = [(self._nodes[name], own) for name, own in directories(volumes, list(self._nodes.values())).items()]
        with ThreadPoolExecutor(max(1, len(places)) + 2) as pool:
            looks = [pool.submit(self._look_into, node, own) for node, own in places if own]
            everybody: list[Object] = []
            found: dict[str, list[Held]] = {volume.name: [] for volume in volumes}
            if self._cluster is not None:
                everybody, attachments = self._cluster.lists("Pod", "VolumeAttachment")
                found = by_api(volumes, everybody, attachments)
            names = {pod["metadata"]["uid"]: namespaced_name(pod) for pod in everybody}
            for looked in looks:
                for name, held in looked.result().items():
                    found[name] += by_node(held, names)
        return found

    def await_free(
        self,
        volumes: Sequence[Volume],
        end: float,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> dict[str, list[Held]]:
        """Look again until all are free, or the (monotonic) time has come; what the last look found."""
        while True:
            found = self.look(volumes)
            if not any(found.values()) or clock() >= end:
                return found
            pause(PAUSE)

    def _look_into(self, node: Node, own: dict[str, str]) -> dict[str, list[Holder]]:
        why = unseen(node)
        if why:
            return {name: [Holder(node.name, 0, "", "", why)] for name in own}
        if node.state in NO_PROCESS:
            return {}
        mounts = [mount.node_path for mount in node.mounts]
        return node_holders.look(self._engine.inside(node.name), node.name, own, mounts)
