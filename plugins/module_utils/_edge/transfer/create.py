# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Create the volumes and claims of copies, with their data, and bind them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import volume_to_create
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.copies import Plan, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.hashing import cpu_count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.binder import prebind, wait_bound
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.requeue import requeue

from . import progress


def create_volumes(planned: Plan, cluster: Cluster, put: Callable[[Step], None]) -> None:
    """Create the volumes, put their data in its place, and bind them to their claims.

    The volume comes first: it tells the next run whose directory it is. A run that is killed is completed by that.
    """
    pending, request = planned.pending, planned.request
    names = ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in planned.namespaces)
    cluster.each(cluster.create_missing, names)
    progress.extract(sum(step.source.has_archive and not step.copied for step in pending))
    with ThreadPoolExecutor(cpu_count()) as pool:
        list(pool.map(partial(_create, cluster, put), pending))
    progress.bind(len(pending))
    bindings = [step.binding_of(cluster.get("PersistentVolume", step.name)) for step in pending]
    cluster.each(partial(prebind, cluster), bindings)
    wait_bound(cluster, bindings, request.wait_timeout)
    requeue(cluster, [step.row.claim for step in pending])


def _create(cluster: Cluster, put: Callable[[Step], None], step: Step) -> None:
    cluster.create_missing(volume_to_create(step.binding.requested_volume))
    try:
        put(step)
    except KindlabError:
        if step.is_new:
            cluster.delete("PersistentVolume", step.name)
        raise
