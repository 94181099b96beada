# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Local data for people: a line per namespace, before and after, and the refusal that lists every reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import phase_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import affinity_nodes, node_directory

from .manifests import LABEL, READ_ONLY
from .plan import (
    ALREADY,
    LEAVING,
    REFUSE,
    REMOVE,
    Plan,
    Step,
    describe,
)

SHOWN = 10


def line(step: Step, nodes: Iterable[Node], phases: Mapping[tuple[str, str], str]) -> Object:
    """One namespace of the result. phases: those seen at the end, of volumes and claims by (namespace, name)."""
    gone = step.action in (REMOVE, LEAVING)
    volume = (step.volume if gone else step.wanted_volume) or {"spec": {}, "metadata": {}}
    directory = node_directory(volume)
    named = affinity_nodes(volume)
    found = {n.host_directory(directory) or "" for n in nodes if n.name in named} if directory else set()
    left = "Terminating" if gone and (step.users or step.action == LEAVING) else ""
    expected = left if gone else "Bound"
    return {
        "namespace": step.namespace,
        "claim": step.claim_name,
        "volume": step.volume_name,
        "action": step.action,
        "node_directory": directory,
        "nodes": list(named),
        "host_directory": found.pop() if len(found) == 1 else "",
        "read_only": (volume["metadata"].get("labels") or {}).get(LABEL) == READ_ONLY,
        "phase": phases.get(("", step.volume_name), expected),
        "claim_phase": phases.get((step.namespace, step.name), expected),
    }


def before_after(plan: Plan) -> tuple[Object, Object]:
    """What changes: the claims with what they lead to, the namespaces that are made, and the policy."""
    before: dict[str, dict[str, str]] = {"claims": {}}
    after: dict[str, dict[str, str]] = {"claims": {}}
    for step in plan.steps:
        if step.action in (ALREADY, LEAVING):
            continue
        there = step.volume is not None or step.claim is not None
        was = f"{describe(step.volume)}, {phase_of(step.claim) or 'no claim'}" if there else "is not there"
        if step.action != REMOVE:
            becomes = f"{describe(step.wanted_volume)}, Bound"
        elif step.users:
            becomes = f"goes when it is no longer used by {', '.join(step.users)}"
        else:
            becomes = "is not there"
        before["claims"][step.claim_name], after["claims"][step.claim_name] = was, becomes
    for name in plan.namespaces:
        before.setdefault("namespaces", {})[name] = "is not there"
        after.setdefault("namespaces", {})[name] = "is there"
    for verb, item in plan.policies:
        was, becomes = {"create": ("is not there", "as it is needed"), "delete": ("is there", "is not there")}.get(
            verb, ("is different", "as it is needed")
        )
        before.setdefault("policy", {})[item["kind"]], after.setdefault("policy", {})[item["kind"]] = was, becomes
    return before, after


def refusal(plan: Plan) -> Declined | None:
    """One error with every namespace that is refused and why, None where there is none."""
    refused = [step for step in plan.steps if step.action == REFUSE]
    if not refused:
        return None
    reasons = [f"{step.claim_name}: {step.why}" for step in refused]
    more = [f"and {len(reasons) - SHOWN} more"] if len(reasons) > SHOWN else []
    ways = list(dict.fromkeys(step.next_step for step in refused))
    return Declined(
        "Nothing was changed: the local data can't be what is asked for:\n- " + "\n- ".join(reasons[:SHOWN] + more),
        next_step="\n- ".join(["", *ways]) if len(ways) > 1 else ways[0],
        details=[
            {"claim": step.claim_name, "reason": step.why, "next_step": step.next_step, "pods": list(step.users)}
            for step in refused
        ],
    )
