# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Cordon and uncordon a node, and wait until the pods that are pending for it run."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import why_node_not_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.scaling.reclaim import UNCORDONED, restored
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import policies, readiness
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster


def set_schedulable(cluster: Cluster, planned: Plan) -> None:
    """Cordon or uncordon the node."""
    if planned.was_schedulable != planned.schedulable:
        cluster.patch("Node", planned.request.node, {"spec": {"unschedulable": None if planned.schedulable else True}})


def leave(cluster: Cluster, planned: Plan, error: Exception) -> None:
    """Uncordon the node again if it is to be restored, and add to the error how it was left."""
    note = _restored(cluster, planned)
    if isinstance(error, KindlabError):
        error.message = f"{error.message} {note}"


def _restored(cluster: Cluster, planned: Plan) -> str:
    name = planned.request.node
    if not planned.was_schedulable or planned.request.on_failure == "keep":
        return f"Node {name} stays cordoned{'' if planned.was_schedulable else ', as before'}."
    try:
        why = why_node_not_ready(cluster.get("Node", name) or {})
        if why:
            return f"Node {name} is {why}, and stays cordoned. Once it is ready: kubectl uncordon {name}"
        cluster.patch("Node", name, {"spec": {"unschedulable": None}})
        volumes = read_volumes(*cluster.lists("PersistentVolume", "PersistentVolumeClaim"))
        policies.write(cluster, restored([v for v in volumes if v.name in planned.policies.patches], UNCORDONED))
    except KindlabError as error:
        return f"Node {name} is still cordoned ({error.message}): kubectl uncordon {name}"
    return f"Node {name} was uncordoned again."


def await_return(cluster: Cluster, planned: Plan, deadline: Deadline) -> None:
    """Wait until the pods run. Raises KindlabError, with the reason, if some cannot start, and TimedOut."""
    try:
        readiness.wait_ready(cluster, [decision.pod for decision in planned.pods], deadline)
    except KindlabError as error:
        error.message = f"Node {planned.request.node} is schedulable, but {error.message}"
        raise
