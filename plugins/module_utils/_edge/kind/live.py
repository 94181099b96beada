# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the API server of a kind cluster says, and the proof that it is the cluster's own."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import RECORD, RECORD_NAMESPACE
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity import proof
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster


def read(api: Cluster) -> tuple[str, dict[str, Any] | None]:
    """The API server's version, and the ConfigMap of the recorded configuration. Raises KindlabError."""
    return api.version(), api.get("ConfigMap", RECORD, RECORD_NAMESPACE)


def read_proved(api: Cluster, engine: Engine, nodes: Sequence[Node]) -> tuple[str, dict[str, Any] | None]:
    """The same, ('', None) if the API server does not answer, or if no running node shows whose it is.

    Raises BadInput if it is another cluster's.
    """
    with ThreadPoolExecutor(1) as pool:
        checking = pool.submit(proof.check_answer, api, engine, nodes)
        try:
            found = read(api)
            checking.result()
        except BadInput:
            raise
        except KindlabError:
            return "", None
        return found
