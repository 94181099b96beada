# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Adopt: create missing namespaces, and volumes and claims bound to each other."""

from __future__ import annotations

from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.binder import prebind, wait_bound
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.requeue import requeue


def apply(plan: Plan, cluster: Cluster) -> None:
    """A run that is killed is completed by the next one. Raises TimedOut if something is not bound in time."""
    names = ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in plan.namespaces)
    cluster.each(cluster.create_missing, names)
    cluster.each(partial(prebind, cluster), plan.bindings)
    wait_bound(cluster, plan.bindings, plan.request.wait_timeout)
    requeue(cluster, [step.row.claim for step in plan.steps if step.binding])
