# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until the pods of an uncordoned node run."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.report import not_returned
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import key_of


def await_return(cluster: Cluster, planned: Plan, deadline: Deadline) -> None:
    """Raises TimedOut with the reason of the first pod that does not run."""
    try:
        cluster.wait("Pod", is_ready, [key_of(pod.pod) for pod in planned.pods], deadline.left())
    except TimedOut as error:
        namespace, _slash, name = error.details[0].partition("/")
        pod, events = cluster.get("Pod", name, namespace), cluster.list("Event", namespace)
        raise not_returned(planned.request, error.details, pod, events) from error
