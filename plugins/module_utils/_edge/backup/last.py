# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster as its last backup describes it, for a cluster whose API server is down."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.cluster import observed_from_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import MANIFESTS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.result import stale_warning
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node

from .reader import read_backup


def observed_last(request: Request, nodes: tuple[Node, ...], why: str) -> tuple[Observed, str]:
    """The cluster, and a warning. nodes: its containers; why: the API server does not answer.

    Raises what read_backup raises.
    """
    backup = read_backup(request.path)
    saved = {kind: backup.objects(kind) for kind in MANIFESTS}
    observed = observed_from_backup(request.cluster, nodes, backup.catalog, saved, str(backup.directory))
    return observed, stale_warning(request.cluster, backup.name, why)
