# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Create or delete the volumes, claims and policy of local data, and wait until this is effective."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, poll
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, TimedOut, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import Binding
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.model import REMOVE, REPLACE, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.policy import REFUSED, writing_pod
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.binder import prebind, wait_bound
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import Key, key_of

PV, PVC = "PersistentVolume", "PersistentVolumeClaim"
PAUSE = 0.1


def expose(cluster: Cluster, plan: Plan, timeout: float, sleep: Callable[[float], None]) -> dict[Key, str]:
    """Write what is missing; the phases once all is bound and the policy is enforced. Raises TimedOut."""
    for verb, item in plan.policies:
        _write_policy(cluster, verb, item)
    names = ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in plan.namespaces)
    cluster.each(cluster.create_missing, names)
    _delete(cluster, [step for step in plan.steps if step.action == REPLACE], timeout)
    bindings = list(map(_binding, plan.pending))
    cluster.each(partial(prebind, cluster), bindings)
    with ThreadPoolExecutor(1) as pool:
        binding = pool.submit(wait_bound, cluster, bindings, timeout)
        if plan.enforced:
            changed = plan.steps if plan.policies else plan.pending
            ranges = cluster.list("LimitRange") if changed else ()
            pods = [
                writing_pod(step.namespace, step.name, [item for item in ranges if key_of(item)[0] == step.namespace])
                for step in changed
            ]
            cluster.each(lambda pod: wait_refused(cluster, pod, REFUSED, timeout, sleep), pods)
        return binding.result()


def withdraw(cluster: Cluster, plan: Plan, timeout: float) -> None:
    """Delete claims, volumes and then the policy; those in use are gone when the last pod has ended."""
    _delete(cluster, [step for step in plan.steps if step.action == REMOVE], timeout)
    for verb, item in plan.policies:
        _write_policy(cluster, verb, item)


def wait_refused(
    cluster: Cluster, forbidden: Object, reason: str, timeout: float, sleep: Callable[[float], None]
) -> None:
    """Wait until the API server refuses to create the object for this reason: a new policy is not enforced at once.

    Raises TimedOut with the last answer.
    """
    answer = ""
    for _turn in poll(Deadline(timeout), PAUSE, sleep):
        try:
            cluster.dry_run(forbidden)
            answer = "it would be created"
        except Unreachable:
            raise
        except KindlabError as error:
            answer = error.message
            if reason in answer:
                return
    kind, namespace = forbidden["kind"], forbidden["metadata"]["namespace"]
    raise TimedOut(
        f"After {timeout:g} seconds a {kind} in {namespace} is not refused because it {reason}: {answer}",
        next_step="kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings",
    )


def _delete(cluster: Cluster, steps: list[Step], timeout: float) -> None:
    unused = [step for step in steps if not step.users]
    cluster.each(lambda s: cluster.delete(PVC, s.name, s.namespace), [s for s in steps if s.claim])
    cluster.wait_gone(PVC, [(s.namespace, s.name) for s in unused if s.claim], timeout)
    cluster.each(lambda s: cluster.delete(PV, s.volume_name), [s for s in steps if s.volume])
    cluster.wait_gone(PV, [("", s.volume_name) for s in unused if s.volume], timeout)


def _binding(step: Step) -> Binding:
    """The volume and its claim, pre-bound: Kubernetes looks at claims that name their volume every 15 seconds only."""
    if step.action == REPLACE:
        return Binding(step.requested_volume, step.requested_claim)
    return Binding(step.requested_volume, step.requested_claim, step.volume, step.claim)


def _write_policy(cluster: Cluster, verb: str, item: Object) -> None:
    kind, name = item["kind"], item["metadata"]["name"]
    if verb == "create":
        cluster.create_missing(item)
    elif verb == "patch":
        cluster.patch(kind, name, item)
    else:
        cluster.delete(kind, name)
