# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kind_cluster_info: the kind clusters of this host, running or not."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    CommandFailed,
    KindlabError,
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import (
    RECORD,
    RECORD_NAMESPACE,
    known_options,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import checked_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import cluster_view
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import ENGINE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.cluster import Connect, Lab
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import require_library
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

ARGUMENTS: dict[str, Any] = {**ENGINE, "name": {"type": "str"}, "kubeconfig": {"type": "path"}}
RULES: dict[str, Any] = {"required_by": {"kubeconfig": ("name",)}}

ANSWER_SECONDS = 5.0


@dataclass(frozen=True)
class _Answer:
    """What the API server says: its version, '' where it does not answer, and what was recorded at the creation."""

    version: str = ""
    record: Mapping[str, Any] | None = None


def run(
    options: Mapping[str, Any], _check_mode: bool, *, runner: Runner | None = None, connect: Connect | None = None
) -> Outcome:
    """Describe one cluster, or all of them; none is an empty list."""
    if connect is None:
        require_library()
    runner, connect = runner or Runner(), connect or _briefly
    name = options.get("name")
    nodes = find_engine(options["engine"], runner).nodes(name and checked_name(name))
    grouped = {key: tuple(group) for key, group in itertools.groupby(nodes, key=lambda node: node.cluster)}
    shown = [_shown(Lab({**options, "name": key}, runner, connect), group) for key, group in grouped.items()]
    return Outcome(False, facts={"clusters": shown})


def _briefly(kubeconfig: str, context: str) -> Cluster:
    return Cluster(kubeconfig, context, timeout=ANSWER_SECONDS)


def _shown(lab: Lab, nodes: Sequence[Node]) -> dict[str, Any]:
    named, answer = lab.own.names(lab.name), _Answer()
    running = [node for node in nodes if node.state == "running"]
    if any(node.role == CONTROL_PLANE for node in running):
        answer = _ask(lab, named)
    unfinished = lab.mark.marked() and not named
    return {
        **cluster_view(lab.name, nodes, unfinished=unfinished),
        "kubernetes_version": answer.version or _image_version(lab, running),
        "reachable": bool(answer.version),
        "kubeconfig": lab.own.path if named else "",
        "context": lab.context,
        "options": known_options(answer.record, nodes),
    }


def _ask(lab: Lab, named: bool) -> _Answer:
    for has_file in (True, False) if named else (False,):
        try:
            with lab.reached(has_file) as cluster:
                return _Answer(cluster.version(), cluster.get("ConfigMap", RECORD, RECORD_NAMESPACE))
        except KindlabError:
            continue
    return _Answer()


def _image_version(lab: Lab, running: Sequence[Node]) -> str:
    """The version that a node's image was made for, '' where no node runs."""
    for node in running:
        try:
            done = lab.engine.inside(node.name).run(["cat", "/kind/version"], check=False, timeout=ANSWER_SECONDS)
        except (CommandFailed, TimedOut):
            continue
        if done.code == 0:
            return done.out.strip()
    return ""
