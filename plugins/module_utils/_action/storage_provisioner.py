# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""storage_provisioner: what makes volumes in a cluster, its class, and whether a claim is served; or all in a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Declined,
    TimedOut,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.deployments import (
    rollout_complete,
    why_not_ready,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import by_ref, without_nulls
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, CLUSTER, ENGINE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.plan import (
    manifests,
    plan_absent,
    plan_file,
    plan_present,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import PROVISIONERS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.report import (
    describe,
    difference,
    facts,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.request import (
    Request,
    read_request,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import (
    SEEN,
    State,
    Step,
    applied,
    is_marked,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import text_file
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import manifests as manifest_text
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.provisioner.shared_directory import check_shared

PATHS = {"node": {"type": "str"}, "paths": {"type": "list", "elements": "str", "required": True}}
ARGUMENTS: dict[str, Any] = {
    **API,
    **ENGINE,
    "name": {"type": "str", "default": "local_path", "choices": list(PROVISIONERS)},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent", "rendered"]},
    "dest": {"type": "path"},
    **CLUSTER,
    "namespace": {"type": "str"},
    "storage_class": {"type": "str", "default": "standard"},
    "default_class": {"type": "bool", "default": True},
    "replace_default": {"type": "bool", "default": False},
    "reclaim_policy": {"type": "str", "default": "Delete", "choices": ["Delete", "Retain"]},
    "binding_mode": {
        "type": "str",
        "default": "WaitForFirstConsumer",
        "choices": ["WaitForFirstConsumer", "Immediate"],
    },
    "node_path": {"type": "str"},
    "paths": {"type": "list", "elements": "dict", "options": PATHS},
    "image": {"type": "str"},
    "helper_image": {"type": "str"},
    "replicas": {"type": "int"},
    "worker_threads": {"type": "int"},
    "provisioning_retries": {"type": "int"},
    "deletion_retries": {"type": "int"},
    "helper_timeout": {"type": "int"},
    "check_shared": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
    "force": {"type": "bool", "default": False},
}
RULES: dict[str, Any] = {
    "mutually_exclusive": [("node_path", "paths")],
    "required_if": [("state", "rendered", ["dest"])],
}


def run(
    options: Mapping[str, Any], check_mode: bool, *, cluster: Cluster | None = None, runner: Runner | None = None
) -> Outcome:
    """Make or remove the provisioner, or write its file; the second time nothing changes."""
    request = read_request(options)
    PROVISIONERS[request.name].check(request)
    if options["state"] == "rendered":
        return _render(request, options["dest"], check_mode)
    if cluster is None:
        cluster = open_cluster(options["cluster"], options["kubeconfig"], options["context"])
    present = options["state"] == "present"
    state = by_ref(item for items in cluster.lists(*SEEN) for item in items)
    steps = (plan_present if present else plan_absent)(request, state, options["force"])
    warnings: tuple[str, ...] = ()
    if not check_mode:
        if present and PROVISIONERS[request.name].shared and options["check_shared"]:
            warnings = _check_shared(options, request.paths[0].paths[0], runner or Runner())
        for step in steps:
            _do(cluster, step, options["wait_timeout"])
    after = applied(state, steps)
    return _outcome(state, after, steps, {"provisioner": facts(request, after)} if present else {}, warnings)


def _check_shared(options: Mapping[str, Any], directory: str, runner: Runner) -> tuple[str, ...]:
    """Probe the nodes. Raises BadInput where they differ; a warning where their containers are not on this host."""
    engine = find_engine(options["engine"], runner)
    try:
        found = engine.nodes(options["cluster"])
    except Unreachable as error:
        found, why = (), error.message
    else:
        why = f"{engine.name} has no node of a cluster {options['cluster']}"
    nodes = [node.name for node in kubernetes_nodes(found)]
    if not nodes:
        return (f"Whether {directory} is the same directory in all nodes was not looked at: {why}",)
    check_shared(engine, nodes, directory)
    return ()


def _render(request: Request, dest: str, check_mode: bool) -> Outcome:
    """The file that a cluster is given to be born with the provisioner."""
    if not dest.startswith("/"):
        raise BadInput(f"dest {dest!r} is not an absolute path.", next_step="Write it from / on.")
    text = text_file.read(dest)
    state = by_ref(manifest_text.manifests_of(text))
    if text.strip() and not _is_ours(state):
        raise Declined(
            f"{dest} holds something else than the manifests of a provisioner.",
            next_step="Name another file, or remove this one.",
        )
    wanted = manifests(request)
    steps = plan_file(wanted, state)
    if steps and not check_mode:
        text_file.write(dest, manifest_text.to_text(wanted))
    after = by_ref(wanted)
    return _outcome(state, after, steps, {"provisioner": facts(request, after), "dest": dest})


def _is_ours(state: State) -> bool:
    """True for objects that were rendered here, as they were or so little changed that they can be described."""
    try:
        describe(state)
    except (LookupError, TypeError, AttributeError):
        return False
    return any(map(is_marked, state.values()))


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
        cluster.wait("Deployment", rollout_complete, [(namespace, name)], timeout)
    except TimedOut as error:
        deployment = cluster.get("Deployment", name, namespace)
        labels = deployment["spec"]["selector"].get("matchLabels", {}) if deployment else {}
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        why, next_step = why_not_ready(
            cluster.list("Pod", namespace, selector) if deployment else [], cluster.list("Event", namespace)
        )
        raise TimedOut(
            f"The provisioner {namespace}/{name} does not serve after {timeout:g} seconds: {why}",
            tried=f"kubectl -n {namespace} rollout status deployment/{name}",
            next_step=next_step,
        ) from error


def _outcome(
    state: State, after: State, steps: tuple[Step, ...], said: Mapping[str, Any], warnings: tuple[str, ...] = ()
) -> Outcome:
    touched = difference(steps, state)
    return Outcome(
        changed=any(step.verb != "serve" for step in steps),
        before={**describe(state), "objects": touched[0]},
        after={**describe(after), "objects": touched[1]},
        facts=said,
        warnings=warnings,
    )
