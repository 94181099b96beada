# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes local data's volumes, claims and policy, or removes them, and waits until Kubernetes agrees."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.binding import (
    phase_of,
    volume_change,
    volume_to_create,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_plan import REMOVE, REPLACE, Plan, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_policy import REFUSED, writing_pod
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volume import Object
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
    cluster.each(partial(_write_pair, cluster), plan.pending)
    claims = cluster.wait(PVC, _is_bound, [(s.namespace, s.name) for s in plan.pending], timeout)
    volumes = cluster.wait(PV, _is_bound, [("", s.volume_name) for s in plan.pending], timeout)
    if plan.guarded:
        changed = plan.steps if plan.policies else plan.pending
        cluster.each(lambda step: _await_guarded(cluster, step, timeout, pause), changed)
    return {key: phase_of(item) for key, item in {**claims, **volumes}.items()}


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


def _write_pair(cluster: Cluster, step: Step) -> None:
    """The claim first, so that the volume is for this very one; Kubernetes binds them to each other."""
    kept = step.action != REPLACE
    claim = step.claim if kept else None
    if claim is None:
        claim = cluster.create(step.wanted_claim)
    uid = claim["metadata"]["uid"]
    if not kept or step.volume is None:
        cluster.create(volume_to_create(step.wanted_volume, uid))
        return
    change = volume_change(step.volume, step.wanted_volume, uid)
    if change:
        cluster.patch(PV, step.volume_name, change)


def _is_bound(item: Object) -> bool:
    return phase_of(item) == "Bound"


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
