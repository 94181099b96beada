# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who else uses host directories: volumes and processes of other clusters that have them mounted."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import host_mounts
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.sharing import Elsewhere, directories_of
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import ANSWER_SECONDS, Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.proof import KUBECTL

from .usage_check import processes_in


def volumes_elsewhere(engine: Engine, sharing: Sequence[Node]) -> Elsewhere:
    """The volumes of the clusters of these nodes, asked inside each one's control plane."""
    clusters = [tuple(group) for _name, group in itertools.groupby(sharing, key=lambda node: node.cluster)]
    with ThreadPoolExecutor(max(1, len(clusters))) as pool:
        answers = list(pool.map(lambda nodes: _volumes_of(engine, nodes), clusters))
    volumes: dict[str, str] = {}
    unknown = {}
    for nodes, found in zip(clusters, answers, strict=True):
        if isinstance(found, str):
            unknown[nodes[0].cluster] = (found, tuple(m.host_path for node in nodes for m in host_mounts(node)))
        else:
            volumes |= directories_of(found, nodes)
    return Elsewhere(volumes, unknown)


def users_elsewhere(engine: Engine, sharing: Sequence[Node], directories: Mapping[str, str]) -> dict[str, str]:
    """Name -> why another cluster uses its host directory, for those that one does. directories: by the same names."""
    if not sharing or not directories:
        return {}
    elsewhere = volumes_elsewhere(engine, sharing)
    found = {name: elsewhere.why_used(directory) for name, directory in directories.items()}
    processes = processes_in(engine, sharing, directories)
    return {name: why for name in directories if (why := found[name] or _text(processes.get(name, ())))}


def _volumes_of(engine: Engine, nodes: Sequence[Node]) -> tuple[Volume, ...] | str:
    """The volumes of one cluster, or why they are not known."""
    why = "its control plane is not running"
    for node in nodes:
        if node.role == CONTROL_PLANE and node.state == RUNNING:
            try:
                return read_volumes(*(_list(engine, node, kind) for kind in ("volumes", "volumeclaims")))
            except (KindlabError, ValueError, KeyError) as error:
                why = error.message if isinstance(error, KindlabError) else f"{node.name} gave no list of them"
    return why.rstrip(".")


def _list(engine: Engine, node: Node, kind: str) -> list[Object]:
    command = [*KUBECTL, "get", f"--raw=/api/v1/persistent{kind}"]
    return list(json.loads(engine.inside(node.name).run(command, timeout=ANSWER_SECONDS).out)["items"])


def _text(users: Sequence[VolumeUser]) -> str:
    return users[0].text() if users else ""
