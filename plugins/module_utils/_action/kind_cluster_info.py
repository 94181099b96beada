# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kind_cluster_info: list the kind clusters of this host, running or not."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE, Node, context_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec, checked_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import cluster_view
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import ENGINE, check_absolute
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.cluster import Connect, KindCluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.source.options import recorded_or_found
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import connector

ARGUMENTS: dict[str, Any] = {**ENGINE, "name": {"type": "str"}, "kubeconfig": {"type": "path"}}
RULES: dict[str, Any] = {"required_by": {"kubeconfig": ("name",)}}

# A cluster that does not answer within these seconds is listed as not reachable.
ANSWER_SECONDS = 5.0


def run(
    options: Mapping[str, Any], _check_mode: bool, *, runner: Runner | None = None, connect: Connect | None = None
) -> Outcome:
    """Describe one cluster, or all of them."""
    check_absolute(options, ARGUMENTS)
    runner, connect = runner or Runner(), connect or connector(ANSWER_SECONDS)
    name = options.get("name")
    nodes = find_engine(options["engine"], runner).nodes(name and checked_name(name))
    grouped = {key: tuple(group) for key, group in itertools.groupby(nodes, key=lambda node: node.cluster)}
    clusters = [_describe(KindCluster({**options, "name": key}, runner, connect), own) for key, own in grouped.items()]
    return Outcome(False, facts={"clusters": clusters})


def _describe(cluster: KindCluster, nodes: Sequence[Node]) -> dict[str, Any]:
    named, version, record = cluster.own.seems_to_have(cluster.name), "", None
    running = [node for node in nodes if node.state == "running"]
    if any(node.role == CONTROL_PLANE for node in running):
        if named:
            named, version, record = _read_own_file(cluster, nodes)
        if not version:
            version, record = cluster.try_read(own_file=False)
    found = recorded_or_found(cluster.engine, cluster.name, nodes, record)
    return {
        **cluster_view(cluster.name, nodes, unfinished=cluster.marker.exists() and not named),
        "kubernetes_version": version or _image_version(cluster, running),
        "reachable": bool(version),
        "kubeconfig": cluster.own.path if named else "",
        "context": context_name(cluster.name),
        "merged": cluster.in_users_file(tuple(nodes), needed=False)[0],
        "current_context": cluster.is_current_context(),
        "options": dict(found.options),
        "config": _config(cluster.name, found.options),
        "doubts": [found.problem] if found.problem else list(found.doubts),
    }


def _config(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """kind's configuration; {} if the options are not known, or were edited into ones that kind does not accept."""
    try:
        return kind_config(ClusterSpec.from_options({**options, "name": name})) if options else {}
    except BadInput:
        return {}


def _read_own_file(cluster: KindCluster, nodes: Sequence[Node]) -> tuple[bool, str, dict[str, Any] | None]:
    """False if the cluster's kubeconfig leads to another cluster; version and record by it, ('', None) if unknown."""
    try:
        return True, *cluster.read_proved(nodes)
    except BadInput:
        return False, "", None


def _image_version(cluster: KindCluster, running: Sequence[Node]) -> str:
    """The Kubernetes version of the node image, '' if no node is running."""
    for node in running:
        try:
            done = cluster.engine.inside(node.name).run(["cat", "/kind/version"], check=False, timeout=ANSWER_SECONDS)
        except (CommandFailed, TimedOut):
            continue
        if done.code == 0:
            return done.out.strip()
    return ""
