# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry out a plan of kind_cluster: create, start or delete the cluster, and wait until it is usable."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import config_text, kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import record
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import startup

from . import host_directories
from .cluster import KindCluster
from .marker import REMOVING


def make_present(cluster: KindCluster, plan: Plan, kind_version: str) -> tuple[dict[str, float], tuple[str, ...]]:
    """Create or start the cluster, and wait for it even if nothing has to be changed; (seconds, warnings)."""
    watch, spec = Stopwatch(), plan.request.spec
    config = config_text(kind_config(spec))
    if plan.create:
        _create(cluster, plan, config)
        watch.lap("create")
    if plan.start:
        cluster.engine.start(plan.start)
    if plan.write_kubeconfig or plan.start:
        cluster.kind.export(spec.name, cluster.own.path)
    if plan.merge:
        cluster.kind.export(spec.name, cluster.users.path)
    warnings: tuple[str, ...] = ()
    with cluster.api() as api:
        deadline = Deadline(cluster.timeout)
        startup.wait_api(api, deadline)
        if spec.has_network:
            everything = plan.request.wait_for == "nodes"
            names = [node.name for node in spec.nodes if everything or node.role == CONTROL_PLANE]
            startup.wait_nodes(api, names, deadline)
        if plan.finish:
            api.apply(record(config, kind_version))
            if spec.has_network and not startup.wait_storage(api, deadline):
                warnings = (f"Cluster {spec.name} has no default storage class.",)
            cluster.marker.remove()
    watch.lap("wait")
    created = {"create": round(watch.seconds["create"], 1)} if plan.create else {}
    return {**created, "total": round(sum(watch.seconds.values()), 1)}, warnings


def make_absent(cluster: KindCluster, plan: Plan) -> None:
    """Remove the cluster's nodes and its entries in both kubeconfigs."""
    with cluster.marker.hold(REMOVING):
        cluster.kind.delete(cluster.name, cluster.own.path)
        cluster.own.remove_if_empty()
        if plan.observed.merged:
            cluster.kind.delete(cluster.name, cluster.users.path)
    cluster.marker.remove()


def _create(cluster: KindCluster, plan: Plan, config: str) -> None:
    with cluster.marker.hold(config):
        if plan.remove:
            cluster.kind.delete(cluster.name, cluster.own.path)
        for directory in plan.directories:
            host_directories.create(directory)
        retain = plan.request.retain_on_failure
        try:
            cluster.kind.create(cluster.name, config, cluster.own.path, retain=retain)
        except CommandFailed:
            if not retain and _is_cleaned_up(cluster):
                cluster.marker.remove()
            raise


def _is_cleaned_up(cluster: KindCluster) -> bool:
    """kind removes the nodes if a creation fails, unless the engine fails as well."""
    try:
        return not cluster.engine.nodes(cluster.name)
    except KindlabError:
        return False
