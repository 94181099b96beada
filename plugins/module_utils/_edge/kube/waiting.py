# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have the scheduler try pods again that wait for claims."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import claims_used, is_unscheduled

from .client import Cluster

TOUCHED = "kindlab.volumes/touched"


def retry_waiting_pods(cluster: Cluster, claims: Collection[str]) -> list[str]:
    """Touch those of these claims ('namespace/name') that a pod without a node uses; the touched ones.

    The scheduler tries a pod again when one of its claims changes. If it was about to look at its own copy of a claim
    when the last change came, it tries again only after five minutes.
    """
    pods = cluster.list("Pod", fields="status.phase=Pending") if claims else []
    used = {claim for pod in pods if is_unscheduled(pod) for claim in claims_used(pod)}
    waiting = sorted(used.intersection(claims))

    def touch(claim: str) -> None:
        namespace, _slash, name = claim.partition("/")
        for value in ("true", None):
            change = {"metadata": {"annotations": {TOUCHED: value}}}
            cluster.patch("PersistentVolumeClaim", name, change, namespace)

    cluster.each(touch, waiting)
    return waiting
