# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finish a cluster whose API server answers: wait for its storage, and record what it is made of and what it brings."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import record
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import startup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects import baseline

from .cluster import KindCluster


def finish(cluster: KindCluster, plan: Plan, api: Cluster, config: str, kind_version: str) -> tuple[str, ...]:
    """A new cluster gets both records, and its marker is cleared; an adopted one has its configuration; warnings."""
    spec = plan.request.spec
    if not plan.finish:
        if plan.adopt or (plan.start and cluster.read(own_file=True)[1] is None):
            api.apply(record(config, kind_version, adopted=True))
        return ()
    api.apply(record(config, kind_version))
    warnings: list[str] = []
    if spec.has_network and not startup.wait_storage(api, cluster.deadline):
        warnings.append(f"Cluster {spec.name} has no default storage class.")
    warnings += baseline.record(api)
    cluster.marker.clear()
    return tuple(warnings)
