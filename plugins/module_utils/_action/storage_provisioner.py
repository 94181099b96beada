# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""storage_provisioner: what makes volumes in a cluster, its class, and whether a claim would be served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.manifest import by_ref, without_nulls
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner import PROVISIONERS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner_plan import plan_absent, plan_present
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner_request import (
    Request,
    read_request,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner_state import (
    SEEN,
    SEEN_FOR_REMOVAL,
    State,
    Step,
    applied,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner_words import (
    describe,
    difference,
    facts,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.workload import is_served, why_not_served
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.cluster import Cluster, open_cluster


def run(options: Mapping[str, Any], check_mode: bool, *, cluster: Cluster | None = None) -> Outcome:
    """Make or remove the provisioner; the second time nothing changes."""
    request = read_request(options)
    PROVISIONERS[request.name].check(request)
    if cluster is None:
        cluster = open_cluster(options["cluster"], options["kubeconfig"], options["context"])
    present = options["state"] == "present"
    state = _observe(cluster, present)
    steps = plan_present(request, state) if present else plan_absent(request, state, options["force"])
    if not check_mode:
        for step in steps:
            _do(cluster, step, options["wait_timeout"])
    return _outcome(request, state, steps, present)


def _observe(cluster: Cluster, present: bool) -> State:
    found = cluster.lists(*(SEEN if present else SEEN_FOR_REMOVAL))
    return by_ref(item for items in found for item in items)


def _do(cluster: Cluster, step: Step, timeout: float) -> None:
    kind, namespace, name = step.ref
    if step.verb == "create":
        cluster.create(without_nulls(step.body))
    elif step.verb == "patch":
        cluster.patch(kind, name, step.body, namespace)
    elif step.verb == "serve":
        _await_served(cluster, namespace, name, timeout)
    else:
        # In the foreground a Deployment is there until its last pod is gone.
        cluster.delete(kind, name, namespace, propagation="Foreground" if kind == "Deployment" else "Background")
        if kind in ("Deployment", "Namespace"):
            cluster.wait_gone(kind, [(namespace, name)], timeout)


def _await_served(cluster: Cluster, namespace: str, name: str, timeout: float) -> None:
    try:
        cluster.wait("Deployment", is_served, [(namespace, name)], timeout)
    except TimedOut as error:
        deployment = cluster.get("Deployment", name, namespace)
        labels = deployment["spec"]["selector"].get("matchLabels", {}) if deployment else {}
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        why, next_step = why_not_served(
            cluster.list("Pod", namespace, selector) if deployment else [], cluster.list("Event", namespace)
        )
        raise TimedOut(
            f"The provisioner {namespace}/{name} does not serve after {timeout:g} seconds: {why}",
            tried=f"kubectl -n {namespace} rollout status deployment/{name}",
            next_step=next_step,
        ) from error


def _outcome(request: Request, state: State, steps: tuple[Step, ...], present: bool) -> Outcome:
    after = applied(state, steps)
    touched = difference(steps, state)
    return Outcome(
        changed=any(step.verb != "serve" for step in steps),
        before={**describe(request, state), "objects": touched[0]},
        after={**describe(request, after), "objects": touched[1]},
        facts={"provisioner": facts(request, after)} if present else {},
    )
