# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the API server of a kind cluster says, and the proof that it is the cluster's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import RECORD, RECORD_NAMESPACE
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity import proof
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster


def read(api: Cluster) -> tuple[str, dict[str, Any] | None]:
    """The API server's version, and the ConfigMap of the recorded configuration. Raises KindlabError."""
    return api.version(), api.get("ConfigMap", RECORD, RECORD_NAMESPACE)


def check(api: Cluster, engine: Engine, nodes: Sequence[Node]) -> None:
    """Raise BadInput if the API server is another cluster's, Unreachable if that cannot be known."""
    proof.check_answer(engine, nodes, proof.ask(api))


def proved(api: Cluster, engine: Engine, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes, compared with this host. Raises as check does."""
    return proof.proved_nodes(engine, nodes, api)
