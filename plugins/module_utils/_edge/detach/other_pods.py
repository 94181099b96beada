# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask the control planes of other clusters for their volumes and pods."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.elsewhere import (
    Asked,
    pods_elsewhere,
    unknown_elsewhere,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import ANSWER_SECONDS, Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.proof import KUBECTL

VOLUMES = ("persistentvolumes", "persistentvolumeclaims")
NOT_RUNNING = "its control plane is not running"


def pods_in_others(engine: Engine, sharing: Sequence[Node], asked: Asked) -> dict[str, list[VolumeUser]]:
    """Name -> the pods of the clusters of these nodes that use its host directory, or would once they start.

    Without its control plane a cluster starts no pods.
    """
    clusters = by_cluster(sharing) if asked else []
    found: dict[str, list[VolumeUser]] = {}
    with ThreadPoolExecutor(max(1, len(clusters))) as pool:
        answers = list(pool.map(lambda nodes: lists(engine, nodes, (*VOLUMES, "pods")), clusters))
    for nodes, answer in zip(clusters, answers):
        if not isinstance(answer, str):
            pvs, claims, all_pods = answer
            users = pods_elsewhere(read_volumes(pvs, claims), all_pods, nodes, asked)
        else:
            users = {} if answer == NOT_RUNNING else unknown_elsewhere(nodes[0].cluster, answer, nodes, asked)
        for name, own in users.items():
            found.setdefault(name, []).extend(own)
    return found


def by_cluster(nodes: Iterable[Node]) -> list[tuple[Node, ...]]:
    """Sorted nodes of several clusters, by cluster."""
    return [tuple(group) for _name, group in itertools.groupby(nodes, key=lambda node: node.cluster)]


def lists(engine: Engine, nodes: Sequence[Node], kinds: Sequence[str]) -> list[list[Object]] | str:
    """The objects of each kind, as one of these control planes lists them, or why they are not known."""
    why = NOT_RUNNING
    for node in nodes:
        if node.role == CONTROL_PLANE and node.state == RUNNING:
            try:
                with ThreadPoolExecutor(len(kinds)) as pool:
                    return list(pool.map(lambda kind, name=node.name: _list(engine, name, kind), kinds))
            except (KindlabError, ValueError, KeyError) as error:
                why = error.message if isinstance(error, KindlabError) else f"{node.name} gave no list of them"
    return why.rstrip(".")


def _list(engine: Engine, node: str, kind: str) -> list[Object]:
    command = [*KUBECTL, "get", f"--raw=/api/v1/{kind}"]
    return list(json.loads(engine.inside(node).run(command, timeout=ANSWER_SECONDS).out)["items"])
