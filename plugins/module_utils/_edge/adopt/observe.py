# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe a cluster and the directories that it may adopt, as volume_prune sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.model import READ, Observed, Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.rows import Row
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.lost import MISSING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.request import Request as PruneRequest
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.prune.around import look_around
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.prune.entries import (
    directory_items,
    with_real_paths,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.prune.look import looked, reach_of

from . import plan_file


@dataclass(frozen=True)
class Source:
    """What was observed, and the API server."""

    observed: Observed
    cluster: Cluster | None
    warnings: tuple[str, ...]


def observe(
    options: Mapping[str, Any], request: Request, rows: Sequence[Row], runner: Runner | None, connect: Connect
) -> Source:
    """rows: of the plan. Raises BadInput and Unreachable."""
    searching = with_real_paths(PruneRequest(request.cluster, directories=request.directories))
    around = look_around(options, searching, runner, connect, READ)
    own = around.own
    searched = {path: around.searched[path] for path in searching.directories} or around.searched
    beside = plan_file.read_beside(searched)
    related, reach = around.related(), reach_of(around.clusters.engine, around.own.nodes)
    # What a plan or a file names may have any name.
    saved = {row.directory: (row.volume, row.claim) for row in (*beside.values(), *rows)}
    found, warnings = directory_items(searched, related, saved, reach, any_name=True)
    items = {item.path: item for item in around.clusters.checked(looked(found, None, reach))}
    observed = Observed(
        items,
        [node for node in own.nodes if node.state != MISSING],
        own.pvs,
        {namespaced_name(claim): claim for claim in own.objects["PersistentVolumeClaim"]},
        _by_name(own.objects["StorageClass"]),
        _by_name(own.objects["Namespace"]),
        own.objects["ConfigMap"],
        beside,
        related,
    )
    return Source(observed, own.cluster, (*own.warnings, *around.clusters.warnings(), *warnings))


def _by_name(objects: Sequence[Object]) -> dict[str, Object]:
    return {item["metadata"]["name"]: item for item in objects}
