# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply the plan of a restore: data first, then volumes bound to their claims, and what they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import policies
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.binder import (
    create_applied,
    prebind,
    wait_bound,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, refused
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.requeue import requeue
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation

from .replace import replace_data

# What may refuse some volumes or claims, and not others. Without any of it, only permissions may.
GATES = (
    *("LimitRange", "ResourceQuota", "ValidatingAdmissionPolicyBinding"),
    *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
)


def check_accepted(planned: Plan, cluster: Cluster) -> None:
    """Ask the API server about the volumes and claims, before anything is stopped. Raises Declined."""
    items = planned.creations
    try:
        gated = any(cluster.lists(*GATES))
    except KindlabError:
        gated = True
    if not gated:
        items = list({(item["kind"], item["metadata"].get("namespace")): item for item in items}.values())
    planned.check_accepted(refused(cluster, items))


def apply(
    planned: Plan, backup: Backup, observation: Observation, watch: Stopwatch
) -> tuple[Plan, Mapping[tuple[str, str], str]]:
    """The plan as it was carried out, and the phases of volumes and claims once all are bound, by (namespace, name)."""
    cluster, request = observation.cluster, planned.request
    replace_data(backup, planned.extracted, request.verify, observation.engine, request.at)
    watch.lap("extract")
    _delete_replaced(cluster, planned)
    cluster.each(cluster.create_missing, planned.prerequisites)
    bindings = [step.binding for step in planned.pending]
    with _quotas_explained():
        cluster.each(partial(prebind, cluster), bindings)
    watch.lap("write")
    phases = wait_bound(cluster, bindings, request.wait_timeout)
    watch.lap("wait")
    requeue(cluster, [step.selected.volume.claim for step in planned.pending if step.binding.binds])
    # Last: they may be bound to a volume that is available, and pods may start at once.
    with _quotas_explained():
        cluster.each(partial(_create_missing, cluster), planned.claims)
    # The plan is as old as the extraction: a claim that was deleted since relied on the policy Retain.
    return planned.with_policies(policies.write_originals(cluster, planned.policy_changes)), phases


def _create_missing(cluster: Cluster, claim: Object) -> None:
    with suppress(Conflict):
        create_applied(cluster, claim)


def _delete_replaced(cluster: Cluster, planned: Plan) -> None:
    """Delete the claims that are replaced. Their volumes keep their data, and are for no claim.

    A claim may have got its volume since the plan. Raises Conflict for one that changes once its volume is known.
    """
    replaced = [step.replaced for step in planned.steps if step.replaced]
    if not replaced:
        return
    living = {uid_of(claim): claim for claim in cluster.list("PersistentVolumeClaim")}
    claims = {uid_of(claim): living.get(uid_of(claim), claim) for claim in replaced}
    names = {claim["spec"].get("volumeName") for claim in claims.values()}
    # After the claims: a volume that one of them has by then is among these.
    freed = [pv for pv in cluster.list("PersistentVolume") if pv["metadata"]["name"] in names or _ref(pv) in claims]
    policies.keep(cluster, freed)
    cluster.each(partial(_delete_claim, cluster), claims.values())
    cluster.wait_gone("PersistentVolumeClaim", map(key_of, replaced), planned.request.wait_timeout)


def _ref(pv: Object) -> str:
    """The uid of the claim that a volume is reserved for, '' for none."""
    return str((pv["spec"].get("claimRef") or {}).get("uid", ""))


def _delete_claim(cluster: Cluster, claim: Object) -> None:
    namespace, name = key_of(claim)
    cluster.delete("PersistentVolumeClaim", name, namespace, read=claim)


@contextmanager
def _quotas_explained() -> Iterator[None]:
    """The next step for claims that a ResourceQuota does not allow."""
    try:
        yield
    except KindlabError as error:
        if "exceeded quota" in error.message:
            error.next_step = (
                "Raise the quota (kubectl describe resourcequota --all-namespaces), and run this again: it completes "
                "the restore."
            )
        raise
