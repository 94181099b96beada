# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes local data's volumes, claims and policy, or removes them, and waits until Kubernetes agrees."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.catalog import SavedVolume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_plan import REMOVE, REPLACE, Plan, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_policy import REFUSED, writing_pod
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore_model import Step as Pair
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore_model import Wanted
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volume import Object, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import binder
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.admission import await_refused
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.cluster import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kinds import Key

PV, PVC = "PersistentVolume", "PersistentVolumeClaim"


def expose(cluster: Cluster, plan: Plan, timeout: float, pause: Callable[[float], None]) -> dict[Key, str]:
    """Write what is missing and wait until Kubernetes agrees; the phases then."""
    for verb, item in plan.policies:
        _write_policy(cluster, verb, item)
    made = ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in plan.namespaces)
    cluster.each(partial(_create_missing, cluster), made)
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


def _create_missing(cluster: Cluster, item: Object) -> None:
    # Another run may create the same meanwhile: what is there is left alone.
    with suppress(Conflict):
        cluster.create(item)


def _write_policy(cluster: Cluster, verb: str, item: Object) -> None:
    kind, name = item["kind"], item["metadata"]["name"]
    if verb == "create":
        _create_missing(cluster, item)
    elif verb == "patch":
        cluster.patch(kind, name, item)
    else:
        cluster.delete(kind, name)
