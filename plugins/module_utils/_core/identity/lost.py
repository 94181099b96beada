# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nodes whose container is gone: as the cluster's record describes them, so that their data on the host is found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import (
    RECORD,
    RECORD_NAMESPACE,
    known_options,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name

from .cluster import with_api_facts

# The state of such a node, in place of the engine's own.
MISSING = "missing"


def lost_nodes(
    cluster: str, nodes: Sequence[Node], api_nodes: Iterable[Object], config_maps: Iterable[Object]
) -> tuple[Node, ...]:
    """The nodes that were created with the cluster and that the engine does not have any more."""
    record = next((o for o in config_maps if namespaced_name(o) == f"{RECORD_NAMESPACE}/{RECORD}"), None)
    options = known_options(record, nodes)
    existing = {node.name for node in nodes}
    try:
        created = ClusterSpec.from_options({**options, "name": cluster}).as_created() if options else ()
    except BadInput:
        return ()
    lost = (replace(node, state=MISSING) for node in created if node.name not in existing)
    return with_api_facts(lost, api_nodes)


def on_containers(pods: Iterable[Object], nodes: Iterable[str]) -> list[Object]:
    """The pods that may have processes: without those of nodes whose container is gone. nodes: names of all others."""
    names = {"", *nodes}
    return [pod for pod in pods if (pod["spec"].get("nodeName") or "") in names]
