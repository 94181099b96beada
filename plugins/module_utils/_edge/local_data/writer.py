# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes local data's volumes, claims and policy, or removes them, and waits until Kubernetes agrees."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedVolume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    KindlabError,
    TimedOut,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.plan import REMOVE, REPLACE, Plan, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.policy import REFUSED, writing_pod
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step as Pair
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Wanted
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import binder
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
    cluster.each(partial(binder.write, cluster), map(_pair, plan.pending))
    expected = [binder.Expected(step.volume_name, (step.namespace, step.name)) for step in plan.pending]
    with ThreadPoolExecutor(1) as pool:
        confirming = pool.submit(binder.confirm, cluster, expected, timeout)
        if plan.guarded:
            changed = plan.steps if plan.policies else plan.pending
            cluster.each(lambda step: _await_guarded(cluster, step, timeout, pause), changed)
        return confirming.result()


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


def _pair(step: Step) -> Pair:
    """The volume and its claim, as they are written where they are restored: bound, without waiting for Kubernetes.

    It would bind a claim that names its volume by itself, but looks at such claims every 15 seconds only.
    """
    wanted = step.wanted_volume
    kept = step.action != REPLACE
    return Pair(
        Wanted(read_volumes([wanted], [])[0], wanted, step.wanted_claim, SavedVolume(step.volume_name)),
        step.action,
        step.why,
        pv=step.volume if kept else None,
        claim=step.claim if kept else None,
    )


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
