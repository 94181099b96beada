# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry out the steps of a provisioner's plan in a cluster."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import rollout_complete
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import without_nulls
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.scaling.unready import why_not_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster


def carry_out(cluster: Cluster, step: Step, timeout: float) -> None:
    """One step. timeout: seconds until what it waits for must have happened. Raises TimedOut."""
    kind, namespace, name = step.ref
    if step.verb == "create":
        cluster.create(without_nulls(step.body))
    elif step.verb == "patch":
        cluster.patch(kind, name, step.body, namespace)
    elif step.verb == "wait":
        _wait_ready(cluster, namespace, name, timeout)
    else:
        # Deleted in the foreground, a Deployment exists until its last pod is gone.
        cluster.delete(kind, name, namespace, propagation="Foreground" if kind == "Deployment" else "Background")
        if kind in ("Deployment", "Namespace"):
            cluster.wait_gone(kind, [(namespace, name)], timeout)


def _wait_ready(cluster: Cluster, namespace: str, name: str, timeout: float) -> None:
    try:
        cluster.wait("Deployment", rollout_complete, [(namespace, name)], timeout)
    except TimedOut as error:
        deployment = cluster.get("Deployment", name, namespace)
        labels = deployment["spec"]["selector"].get("matchLabels", {}) if deployment else {}
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        why, next_step = why_not_ready(
            namespace,
            cluster.list("Pod", namespace, selector) if deployment else [],
            cluster.list("Event", namespace),
            selector,
        )
        raise TimedOut(
            f"The provisioner {namespace}/{name} is not ready after {timeout:g} seconds: {why}",
            tried=f"kubectl -n {namespace} rollout status deployment/{name}",
            next_step=next_step,
        ) from error
