# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look into nodes for data that workloads wrote there without a PersistentVolume."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes import host_paths
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import (
    THERE,
    NodeDirectory,
    states,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster


def look(
    api: Cluster, engine: Engine, nodes: Sequence[Node], accepted: Collection[str]
) -> tuple[host_paths.Written, ...]:
    """The directories with data inside running nodes. accepted: those that may be lost."""
    users = host_paths.users_of(chain.from_iterable(api.lists(*host_paths.READ)))
    running = [node for node in nodes if node.state == RUNNING]
    places = {f"{node}:{path}": (path, node) for path, node in host_paths.inside(users, running)}
    found = states({name: NodeDirectory(node, path, engine.inside(node)) for name, (path, node) in places.items()})
    filled = (place for name, place in places.items() if found[name] == THERE)
    return host_paths.written(users, filled, accepted)
