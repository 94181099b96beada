# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make the scheduler look again at pods that wait for claims which are bound by now.

It decides by caches that follow the API server independently of each other. A pod may be rejected with the claim as it
was, after the event that would have moved it, and then waits for the next event, or for five minutes. Any later write
to the claim is such an event.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name, uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import claims_used, is_unscheduled

from .api import Missing
from .client import Cluster

# An annotation of claims, for as long as this takes.
TOUCHED = "kindlab.volumes/touched"
# Seconds for the scheduler after each write.
PAUSE = 1.0


def requeue(
    cluster: Cluster,
    claims: Collection[str],
    seconds: float = 5.0,
    *,
    new_deadline: Callable[[float], Deadline] = Deadline,
) -> list[str]:
    """Touch those of the claims ('namespace/name') that unscheduled pods use, until these have a node.

    The result are the pods that have none after so many seconds: other things are in their way.
    """
    deadline = new_deadline(seconds)
    wanted, turn = set(claims), 0
    touched: set[str] = set()
    try:
        while waiting := [pod for pod in cluster.list("Pod") if is_unscheduled(pod) and _uses(pod, wanted)]:
            if deadline.over():
                break
            turn += 1
            used = {claim for pod in waiting for claim in claims_used(pod)} & wanted
            cluster.each(partial(_touch, cluster, value=str(turn)), used)
            touched |= used
            pause = min(PAUSE, deadline.left(0.1))
            cluster.left_after("Pod", {uid_of(pod) for pod in waiting}, pause, uid_of, gone=_has_node)
    finally:
        cluster.each(partial(_touch, cluster, value=None), touched)
    return [namespaced_name(pod) for pod in waiting]


def _uses(pod: Object, claims: set[str]) -> bool:
    return not claims.isdisjoint(claims_used(pod))


def _has_node(pod: Object) -> bool:
    return not is_unscheduled(pod)


def _touch(cluster: Cluster, claim: str, value: str | None) -> None:
    namespace, _slash, name = claim.partition("/")
    with suppress(Missing):
        cluster.patch("PersistentVolumeClaim", name, {"metadata": {"annotations": {TOUCHED: value}}}, namespace)
