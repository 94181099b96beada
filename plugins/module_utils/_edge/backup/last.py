# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster as its last backup describes it, for a cluster whose API server is down."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedSelection
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.cluster import observed_from_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import MANIFESTS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.result import stale_warning
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.stored.collected import Collected

from .reader import Backup, read_backup


def observed_last(request: Request, nodes: tuple[Node, ...], why: str) -> tuple[Observed, str]:
    """The cluster, and a warning. nodes: its containers; why: the API server does not answer.

    Raises what read_backup raises.
    """
    backup = read_backup(request.path)
    saved = {kind: backup.objects(kind) for kind in MANIFESTS}
    observed = observed_from_backup(request.cluster, nodes, backup.catalog, saved, str(backup.directory))
    if request.objects:
        observed = replace(observed, objects=_objects(backup, why))
    return observed, stale_warning(request.cluster, backup.name, why)


def _objects(backup: Backup, why: str) -> Collected:
    """The objects that it holds, which must be those of the whole cluster."""
    saved = backup.catalog.objects
    if saved is None or saved.selection != SavedSelection():
        raise BadInput(
            f"objects=true needs an API server, or a generation with all objects, which {backup.name} is not: {why}",
            next_step="Set objects=false to save the volumes alone.",
        )
    return Collected(backup.saved_objects(), saved.baseline)
