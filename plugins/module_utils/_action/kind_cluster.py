# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kind_cluster: create, start or delete a kind cluster; refuse what would lose data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.plan import Plan, Request, plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import cluster_view
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import ENGINE, check_absolute
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.apply import make_absent, make_present
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.cluster import Around, Connect, KindCluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.observe import observe
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.source.config_file import with_config
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import connector
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.removal import find_blockers

ROLES = ["control-plane", "worker"]
MOUNT = {
    "host_path": {"type": "path", "required": True},
    "node_path": {"type": "str", "required": True},
    "read_only": {"type": "bool", "default": False},
    "create": {"type": "bool", "default": True},
    "mode": {"type": "raw", "default": "0755"},
    "propagation": {"type": "str", "choices": ["None", "HostToContainer", "Bidirectional"]},
    "kind_fields": {"type": "dict"},
}
SHARED_MOUNT = {**MOUNT, "roles": {"type": "list", "elements": "str", "choices": ROLES}}
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
    "kind_fields": {"type": "dict"},
}
ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    "name": {"type": "str", "default": "kind"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "image": {"type": "str"},
    "config": {"type": "raw"},
    "kind": {"type": "path"},
    "control_planes": {"type": "int"},
    "workers": {"type": "int"},
    "nodes": {"type": "list", "elements": "dict", "options": NODE},
    "mounts": {"type": "list", "elements": "dict", "options": SHARED_MOUNT},
    "ports": {"type": "list", "elements": "dict", "options": PORT},
    "labels": {"type": "dict"},
    "kubeadm_patches": {"type": "list", "elements": "raw"},
    "containerd_patches": {"type": "list", "elements": "str"},
    "feature_gates": {"type": "dict"},
    "runtime_config": {"type": "dict"},
    "networking": {"type": "dict"},
    "kind_fields": {"type": "dict"},
    "controller_manager_qps": {"type": "int"},
    "kubeconfig": {"type": "path"},
    "merge_kubeconfig": {"type": "bool", "default": False},
    "retain_on_failure": {"type": "bool", "default": False},
    "wait_for": {"type": "str", "choices": ["nodes", "control_planes"], "default": "nodes"},
    "wait_timeout": {"type": "int", "default": 600},
    "backup": {"type": "path"},
    "force": {"type": "bool", "default": False},
    "accept_loss": {"type": "list", "elements": "str"},
    "assume_unused": {"type": "list", "elements": "str"},
    "assume_saved": {"type": "list", "elements": "str"},
    "assume_image": {"type": "bool", "default": False},
}
RULES: dict[str, Any] = {"mutually_exclusive": [("nodes", "control_planes"), ("nodes", "workers")]}
# What errors about a backup call its path, and options that this module does not have.
OTHERS = {"path": "backup", "data": "", "generation": ""}


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Connect | None = None,
    around: Around | None = None,
) -> Outcome:
    """Bring one cluster to the requested state."""
    connect = connect or connector()
    check_absolute(options, ARGUMENTS)
    options = with_config(options, options["name"])
    request = Request.from_options(options, check_mode=check_mode)
    cluster = KindCluster(options, runner or Runner(), connect, around)
    kind_version = cluster.kind.version()
    if check_mode:
        planned = plan(request, observe(cluster, request, find_blockers))
        if planned.changes:
            cluster.marker.check()
        return Outcome(planned.changes, *planned.diff(), planned.result(), planned.warnings)
    cluster.marker.wait(cluster.deadline, lambda: cluster.kind.is_creating(cluster.name))
    planned = plan(request, observe(cluster, request))
    if not planned.changes:
        return _carry_out(cluster, planned, kind_version)
    with cluster.marker.locked(cluster.deadline):
        # Another run may have created or deleted the cluster until the lock was free.
        planned = plan(request, observe(cluster, request, find_blockers))
        return _carry_out(cluster, planned, kind_version)


def _carry_out(cluster: KindCluster, planned: Plan, kind_version: str) -> Outcome:
    result, warnings = planned.result(), planned.warnings
    if planned.request.state == "absent":
        if planned.changes:
            make_absent(cluster, planned)
        return Outcome(planned.changes, *planned.diff(), result, warnings)
    result["seconds"], warnings = make_present(cluster, planned, kind_version)
    result["reachable"] = True
    if planned.changes:
        result["cluster"] = cluster_view(cluster.name, cluster.engine.nodes(cluster.name))
    if planned.version:
        warnings += planned.warnings
    else:
        result["kubernetes_version"], record = cluster.read(own_file=True)
        warnings += planned.compare_record(record)
    return Outcome(planned.changes, *planned.diff(), result, warnings)
