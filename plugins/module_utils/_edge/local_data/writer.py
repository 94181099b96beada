# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes local data's volumes, claims and policy, or removes them, and waits until Kubernetes agrees."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    KindlabError,
    TimedOut,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import Binding
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.plan import REMOVE, REPLACE, Plan, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.policy import REFUSED, writing_pod
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.binder import prebind, wait_bound
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import Key

PV, PVC = "PersistentVolume", "PersistentVolumeClaim"


def expose(cluster: Cluster, plan: Plan, timeout: float, pause: Callable[[float], None]) -> dict[Key, str]:
    """Write what is missing and wait until Kubernetes agrees; the phases then."""
    for verb, item in plan.policies:
        _write_policy(cluster, verb, item)
    made = ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in plan.namespaces)
    cluster.each(cluster.create_missing, made)
    replaced = [step for step in plan.steps if step.action == REPLACE]
    _delete(cluster, replaced, timeout)
    bindings = list(map(_binding, plan.pending))
    cluster.each(partial(prebind, cluster), bindings)
    with ThreadPoolExecutor(1) as pool:
        binding = pool.submit(wait_bound, cluster, bindings, timeout)
        if plan.guarded:
            changed = plan.steps if plan.policies else plan.pending
            cluster.each(lambda step: _await_guarded(cluster, step, timeout, pause), changed)
        return binding.result()


def _await_guarded(cluster: Cluster, step: Step, timeout: float, pause: Callable[[float], None]) -> None:
    await_refused(cluster, writing_pod(step.namespace, step.name), REFUSED, timeout, pause)


def withdraw(cluster: Cluster, plan: Plan, timeout: float) -> None:
    """Remove claims and volumes, and the policy behind them; what pods use goes when the last of them ends."""
    _delete(cluster, [step for step in plan.steps if step.action == REMOVE], timeout)
    for verb, item in plan.policies:
        _write_policy(cluster, verb, item)


def _delete(cluster: Cluster, steps: list[Step], timeout: float) -> None:
    waited = [step for step in steps if not step.users]
    cluster.each(lambda s: cluster.delete(PVC, s.name, s.namespace), [s for s in steps if s.claim])
    cluster.wait_gone(PVC, [(s.namespace, s.name) for s in waited if s.claim], timeout)
    cluster.each(lambda s: cluster.delete(PV, s.volume_name), [s for s in steps if s.volume])
    cluster.wait_gone(PV, [("", s.volume_name) for s in waited if s.volume], timeout)


def _binding(step: Step) -> Binding:
    """The volume and its claim, pre-bound: Kubernetes looks at claims that name their volume every 15 seconds only."""
    if step.action == REPLACE:
        return Binding(step.wanted_volume, step.wanted_claim)
    return Binding(step.wanted_volume, step.wanted_claim, step.volume, step.claim)


def _write_policy(cluster: Cluster, verb: str, item: Object) -> None:
    kind, name = item["kind"], item["metadata"]["name"]
    if verb == "create":
        cluster.create_missing(item)
    elif verb == "patch":
        cluster.patch(kind, name, item)
    else:
        cluster.delete(kind, name)


PAUSE = 0.1


def await_refused(
    cluster: Cluster, forbidden: Object, because: str, timeout: float, pause: Callable[[float], None] = time.sleep
) -> None:
    """Wait until creating the object is refused with these words; a new policy counts after a moment only.

    Raises TimedOut, with what is said instead.
    """
    end = time.monotonic() + timeout
    while True:
        try:
            cluster.dry_run(forbidden)
            said = "it would be made"
        except Unreachable:
            raise
        except KindlabError as error:
            said = error.message
            if because in said:
                return
        if time.monotonic() >= end:
            kind, namespace = forbidden["kind"], forbidden["metadata"]["namespace"]
            raise TimedOut(
                f"After {timeout:g} seconds a {kind} in {namespace} is not refused because it {because}: {said}",
                next_step="kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings",
            )
        pause(PAUSE)
