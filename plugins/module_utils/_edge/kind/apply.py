# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry out a plan of kind_cluster: create, start or delete the cluster, and wait until it is usable."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import config_text, kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.mark import CREATING, DELETING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host import directories
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import startup

from . import failure
from .cluster import KindCluster
from .finish import finish
from .kubeconfig import Kubeconfig, temporary_file


def make_present(cluster: KindCluster, plan: Plan, kind_version: str) -> tuple[dict[str, float], tuple[str, ...]]:
    """Create or start the cluster, and wait for it even if nothing has to be changed; (seconds, warnings).

    If anything has to be changed, the marker must be locked.
    """
    watch, spec = Stopwatch(), plan.request.spec
    config = config_text(kind_config(spec))
    if plan.create:
        _create(cluster, plan, config)
        watch.lap("create")
    if plan.start:
        cluster.engine.start(plan.start)
    if plan.write_kubeconfig or plan.start:
        _export(cluster, cluster.own)
    if plan.merge:
        _export(cluster, cluster.users)
    with cluster.api() as api:
        startup.wait_api(api, cluster.deadline)
        if spec.has_network:
            everything = plan.request.wait_for == "nodes"
            names = [node.name for node in spec.nodes if everything or node.role == CONTROL_PLANE]
            startup.wait_nodes(api, names, cluster.deadline, cluster.engine.name)
        warnings = finish(cluster, plan, api, config, kind_version)
    watch.lap("wait")
    created = {"create": round(watch.seconds["create"], 1)} if plan.create else {}
    return {**created, "total": round(sum(watch.seconds.values()), 1)}, warnings


def make_absent(cluster: KindCluster, plan: Plan) -> None:
    """Remove the cluster's nodes and its entries in both kubeconfigs. The marker must be locked."""
    seen = plan.observed
    # A deletion that was interrupted had more nodes than are left.
    before = seen.mark.nodes if seen.mark is not None else ()
    cluster.marker.write(DELETING, nodes=tuple(dict.fromkeys((*before, *(node.name for node in seen.nodes)))))
    if cluster.own.path in seen.unproved:
        with temporary_file("apiVersion: v1\nkind: Config\n") as scratch:
            cluster.kind.delete(cluster.name, scratch)
    else:
        cluster.kind.delete(cluster.name, cluster.own.path)
        cluster.own.remove_if_empty()
    if seen.merged or seen.outdated:
        cluster.kind.delete(cluster.name, cluster.users.path)
    cluster.marker.clear()


def _export(cluster: KindCluster, file: Kubeconfig) -> None:
    """Write the cluster's entries. kind makes it the current context: another one is put back."""
    before = file.current_context()
    cluster.kind.export(cluster.name, file.path)
    if before and file.current_context() not in ("", before):
        file.set_current_context(before)


def _create(cluster: KindCluster, plan: Plan, config: str) -> None:
    if plan.remove:
        cluster.kind.delete(cluster.name, cluster.own.path)
    cluster.marker.write(CREATING, config=config)
    for directory in plan.directories:
        directories.create(directory)
    try:
        done = cluster.create(config)
    except TimedOut as error:
        raise failure.timed_out(cluster, error) from None
    if done.code != 0:
        raise failure.failed(cluster, config, done.err or done.out, retain=plan.request.retain_on_failure)
