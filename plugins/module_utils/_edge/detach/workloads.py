# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scale workloads to zero and back up, by the API server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.model import Step, scaled_down
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import is_terminal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import Missing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import key_of

# Controllers write to their objects all the time: the attempts to make one change.
ATTEMPTS = 10


def scale_down(cluster: Cluster, steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps as they were carried out: without a change if somebody else made it, or the workload is gone."""
    return tuple(cluster.each(partial(_scale_down, cluster), steps))


def scale_up(cluster: Cluster, steps: Iterable[Step]) -> None:
    """Scale workloads back up, or create them."""
    cluster.each(partial(_scale_up, cluster), steps)


def wait_ready(cluster: Cluster, steps: Sequence[Step], deadline: Deadline) -> None:
    """Raises TimedOut if pods of the workloads are not ready in time."""
    for kind in sorted({step.item["kind"] for step in steps}):
        keys = [key_of(step.item) for step in steps if step.item["kind"] == kind]
        cluster.wait(kind, is_ready, keys, deadline.left(1.0))


def delete(cluster: Cluster, pods: Iterable[Object]) -> None:
    """Delete pods."""
    cluster.each(lambda pod: cluster.delete("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"]), pods)


def wait_gone(cluster: Cluster, pods: Iterable[Object], deadline: Deadline) -> None:
    """Wait until these pods have ended, or the deadline is over."""
    cluster.left_after("Pod", {uid_of(pod) for pod in pods}, deadline.left(), uid_of, gone=is_terminal)


def _scale_down(cluster: Cluster, step: Step) -> Step:
    kind = step.item["kind"]
    namespace, name = key_of(step.item)
    for attempt in range(ATTEMPTS):
        if step.change is None:
            break
        try:
            cluster.patch(kind, name, step.change, namespace)
            break
        except Missing:
            return replace(step, change=None)
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
            item = cluster.get(kind, name, namespace)
            step = scaled_down({**item, "kind": kind}) if item else replace(step, change=None)
    return step


def _scale_up(cluster: Cluster, step: Step) -> None:
    namespace, name = key_of(step.item)
    if step.missing:
        cluster.create(step.item)
    elif step.change is not None:
        cluster.patch(step.item["kind"], name, step.change, namespace)
