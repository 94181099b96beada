# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""node_drain with volumes=move: move the volumes of the node with their pods, and then drain it of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._action import node_drain
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_absolute, defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect

from . import stopping, volume_move

ARGUMENTS: dict[str, Any] = {
    **node_drain.ARGUMENTS,
    "volumes": {"type": "str", "choices": ["keep", "move"], "default": "keep"},
    "volumes_node": {"type": "str"},
}
# What errors of moving volumes call options that this module does not have.
OTHERS = {**stopping.OTHERS, "names": "", "namespaces": "", "storage_classes": ""}


def run(
    options: Mapping[str, Any], check_mode: bool, *, runner: Runner | None = None, connect: Connect = open_cluster
) -> Outcome:
    """A second run changes nothing."""
    if options["volumes"] == "keep" or options["state"] != "drained":
        return node_drain.run(options, check_mode, runner=runner, connect=connect)
    check_absolute(options, ARGUMENTS)
    if not options["volumes_node"]:
        raise BadInput("volumes=move needs a node for the volumes.", next_step="Set volumes_node.")
    if options["volumes_node"] == options["node"]:
        raise BadInput("volumes_node is the node that is drained.", next_step="Set volumes_node to another node.")
    # The drain refuses first: volumes are not moved for one that is impossible.
    same = {name: options[name] for name in ("engine", "cluster", "kubeconfig", "context", "wait_timeout")}
    own = {"from_node": options["node"], "node": options["volumes_node"]}
    given = {**defaults(volume_move.ARGUMENTS), **same, **own}
    drained = node_drain.run(options, True, runner=runner, connect=connect)
    moved = volume_move.run(given, check_mode, runner=runner, connect=connect)
    if not check_mode:
        drained = node_drain.run(options, False, runner=runner, connect=connect)
    rows = moved.facts["volumes"]
    if check_mode:
        drained = _without({row["name"] for row in rows}, drained)
    return replace(
        drained,
        changed=moved.changed or drained.changed,
        before={**drained.before, **moved.before},
        after={**drained.after, **moved.after},
        facts={**drained.facts, "moved_volumes": rows},
        warnings=(*moved.warnings, *drained.warnings),
    )


def _without(volumes: set[str], drained: Outcome) -> Outcome:
    """What check mode says, without the pods of volumes that a run would have moved before: they run elsewhere then."""
    gone, pods = set(), []
    for pod in drained.facts["pods"]:
        if volumes & {volume["volume"] for volume in pod["volumes"]}:
            gone.add(f"{pod['namespace']}/{pod['name']}")
        else:
            pods.append(pod)
    policies = [row for row in drained.facts["reclaim_policies"] if row["name"] not in volumes]
    before, after = (
        {**side, "pods": [name for name in side.get("pods", ()) if name not in gone]}
        for side in (drained.before, drained.after)
    )
    return replace(
        drained, before=before, after=after, facts={**drained.facts, "pods": pods, "reclaim_policies": policies}
    )
