# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kind_cluster: creates, starts and removes clusters, and refuses what would lose data."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    CommandFailed,
    Declined,
    KindlabError,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import config_text, kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import (
    container_drift,
    record_drift,
    unseen_options,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.mounts_and_ports import HostDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.plan import (
    Observed,
    Plan,
    absent_before_and_after,
    before_and_after,
    plan_present,
    refuse_drift,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import (
    RECORD,
    RECORD_NAMESPACE,
    record,
    recorded_config,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec, cluster_spec
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import cluster_view
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import ENGINE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.removal import Loss, refuse_loss
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import removal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind import host_directories as host
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.cluster import Connect, Lab
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.marker import REMOVING
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import require_library
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.startup import (
    wait_api,
    wait_nodes,
    wait_storage,
)

ROLES = ["control-plane", "worker"]
MOUNT = {
    "host_path": {"type": "path", "required": True},
    "node_path": {"type": "str", "required": True},
    "read_only": {"type": "bool", "default": False},
    "create": {"type": "bool", "default": True},
    "mode": {"type": "raw", "default": "0755"},
    "propagation": {"type": "str", "choices": ["None", "HostToContainer", "Bidirectional"]},
}
PORT = {
    "node_port": {"type": "int", "required": True},
    "host_port": {"type": "int", "default": 0},
    "listen": {"type": "str"},
    "protocol": {"type": "str", "choices": ["TCP", "UDP", "SCTP"], "default": "TCP"},
}
NODE = {
    "role": {"type": "str", "choices": ROLES, "default": "control-plane"},
    "image": {"type": "str"},
    "labels": {"type": "dict"},
    "mounts": {"type": "list", "elements": "dict", "options": MOUNT},
    "ports": {"type": "list", "elements": "dict", "options": PORT},
    "patches": {"type": "list", "elements": "raw"},
}
ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    "name": {"type": "str", "default": "kind"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "image": {"type": "str"},
    "kind": {"type": "path"},
    "control_planes": {"type": "int", "default": 1},
    "workers": {"type": "int", "default": 0},
    "nodes": {"type": "list", "elements": "dict", "options": NODE},
    "mounts": {
        "type": "list",
        "elements": "dict",
        "options": {**MOUNT, "roles": {"type": "list", "elements": "str", "choices": ROLES}},
    },
    "ports": {"type": "list", "elements": "dict", "options": PORT},
    "labels": {"type": "dict"},
    "kubeadm_patches": {"type": "list", "elements": "raw"},
    "containerd_patches": {"type": "list", "elements": "str"},
    "feature_gates": {"type": "dict"},
    "runtime_config": {"type": "dict"},
    "networking": {"type": "dict"},
    "controller_manager_qps": {"type": "int"},
    "kubeconfig": {"type": "path"},
    "merge_kubeconfig": {"type": "bool", "default": False},
    "retain_on_failure": {"type": "bool", "default": False},
    "wait_for": {"type": "str", "choices": ["nodes", "control_planes"], "default": "nodes"},
    "wait_timeout": {"type": "int", "default": 300},
    "backup": {"type": "path"},
    "force": {"type": "bool", "default": False},
}
RULES: dict[str, Any] = {"mutually_exclusive": [("nodes", "control_planes"), ("nodes", "workers")]}


def run(
    options: Mapping[str, Any], check_mode: bool, *, runner: Runner | None = None, connect: Connect | None = None
) -> Outcome:
    """Bring one cluster to the state that is asked for."""
    if connect is None:
        require_library()
    lab = Lab(options, runner or Runner(), connect or Cluster)
    if options["state"] == "absent":
        return _absent(lab, check_mode)
    return _present(lab, cluster_spec(options), check_mode)


def _present(lab: Lab, spec: ClusterSpec, check_mode: bool) -> Outcome:
    kind_version = lab.kind.version()
    missing = host.missing(spec.directories)
    if not check_mode:
        lab.wait_for_others()
    observed = lab.observe(tuple(d.path for d in missing))
    merge = bool(lab.options["merge_kubeconfig"])
    plan = plan_present(spec, observed, merge=merge)
    if not plan.create:
        refuse_drift(spec.name, container_drift(spec, observed.nodes, lab.image_ids(spec, observed.nodes)))
    compared = None if plan.create or plan.start else _compare_if_it_answers(lab, spec, observed)
    before, after = before_and_after(spec, observed, plan, lab.own.path, merge=merge)
    facts: dict[str, Any] = {"kubeconfig": lab.own.path, "context": lab.context, "seconds": {}}
    warnings: list[str] = []
    nodes = spec.as_created() if plan.create else observed.nodes
    if not check_mode:
        warnings = _apply(lab, spec, plan, [d for d in missing if plan.create], kind_version, facts["seconds"])
        if plan.changes:
            nodes = lab.engine.nodes(spec.name)
        if compared is None:
            compared = _compare(lab, spec, Observed(nodes, named=True, kubeconfig=True))
    version, unseen = compared or ("", [])
    facts.update(cluster=cluster_view(spec.name, nodes), kubernetes_version=version)
    return Outcome(plan.changes, before, after, facts, (*warnings, *unseen))


def _compare(lab: Lab, spec: ClusterSpec, observed: Observed) -> tuple[str, list[str]]:
    """(version, warnings) of a cluster whose API answers. Raises Declined for differences, KindlabError otherwise."""
    with lab.reached(observed.kubeconfig) as cluster:
        version = cluster.version()
        found = cluster.get("ConfigMap", RECORD, RECORD_NAMESPACE)
    if found is not None:
        refuse_drift(spec.name, record_drift(spec, recorded_config(found)))
        return version, []
    unseen = [] if observed.marked else unseen_options(spec)
    why = "the cluster was not created by kind_cluster, so these options can't be compared with it: "
    return version, [f"{spec.name}: {why}{', '.join(unseen)}"] if unseen else []


def _compare_if_it_answers(lab: Lab, spec: ClusterSpec, observed: Observed) -> tuple[str, list[str]] | None:
    try:
        return _compare(lab, spec, observed)
    except Declined:
        raise
    except KindlabError:
        return None


def _apply(
    lab: Lab,
    spec: ClusterSpec,
    plan: Plan,
    missing: Sequence[HostDirectory],
    kind_version: str,
    seconds: dict[str, float],
) -> list[str]:
    """Carry the plan out; what took how many seconds goes into seconds. Returns warnings."""
    begin = time.monotonic()
    text = config_text(kind_config(spec))
    if plan.create:
        _create(lab, plan, missing, text)
        seconds["create"] = round(time.monotonic() - begin, 1)
    if plan.start:
        lab.engine.start(plan.start)
    if plan.write_kubeconfig or plan.start:
        lab.kind.export(spec.name, lab.own.path)
    if plan.merge:
        lab.kind.export(spec.name, lab.users.path)
    warnings: list[str] = []
    cluster = lab.cluster(lab.own.path)
    deadline = Deadline(lab.timeout)
    wait_api(cluster, deadline)
    if not spec.networking.get("disableDefaultCNI"):
        every = lab.options.get("wait_for") != "control_planes"
        names = [node.name for node in spec.nodes if every or node.role == CONTROL_PLANE]
        wait_nodes(cluster, names, deadline)
    if plan.finish:
        cluster.apply(record(text, kind_version))
        if not spec.networking.get("disableDefaultCNI") and not wait_storage(cluster, deadline):
            warnings.append(f"The cluster {spec.name} has no default storage class.")
        lab.mark.clear()
    seconds["total"] = round(time.monotonic() - begin, 1)
    return warnings


def _create(lab: Lab, plan: Plan, missing: Sequence[HostDirectory], config: str) -> None:
    with lab.mark.begun(config):
        if plan.remove or lab.own.names(lab.name):
            lab.kind.delete(lab.name, lab.own.path)
        for directory in missing:
            host.create(directory)
        retain = bool(lab.options["retain_on_failure"])
        try:
            lab.kind.create(lab.name, config, lab.own.path, retain=retain)
        except CommandFailed:
            if not retain and _left_nothing(lab):
                lab.mark.clear()
            raise


def _left_nothing(lab: Lab) -> bool:
    """kind takes away what it has made when it fails, unless the engine fails it, too."""
    try:
        return not lab.engine.nodes(lab.name)
    except KindlabError:
        return False


def _absent(lab: Lab, check_mode: bool) -> Outcome:
    lab.kind.version()
    if not check_mode:
        lab.wait_for_others()
    observed = lab.observe()
    if observed.nodes and not observed.abandoned and not lab.options["force"]:
        refuse_loss(lab.name, _dangers(lab, observed))
    # An entry of a cluster that is gone is removed as well.
    changed = bool(observed.nodes) or observed.marked or lab.own.names(lab.name) or observed.merged
    if changed and not check_mode:
        with lab.mark.begun(REMOVING):
            lab.kind.delete(lab.name, lab.own.path)
            lab.own.remove_if_empty()
            if observed.merged:
                lab.kind.delete(lab.name, lab.users.path)
        lab.mark.clear()
    before, after = absent_before_and_after(lab.name, observed, lab.own.path)
    facts = {
        "cluster": cluster_view(lab.name, ()),
        "kubeconfig": lab.own.path,
        "context": lab.context,
        "kubernetes_version": "",
        "seconds": {},
    }
    return Outcome(changed, before, after, facts)


def _dangers(lab: Lab, observed: Observed) -> tuple[Loss, ...]:
    try:
        with lab.reached(observed.kubeconfig) as cluster:
            return removal.dangers(cluster, lab.engine, observed.nodes, lab.options.get("backup") or "")
    except Unreachable as error:
        raise Declined(
            f"The cluster {lab.name} does not answer, so whether its volumes would lose data can't be known.",
            tried=error.tried,
            next_step="Start it with kind_cluster and state=present, or remove it whatever it holds with force=true.",
        ) from None
