# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The error of a drain: pods that are still on the node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.budgets import Budget, read_budgets
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import be, count, listed

from .model import PodDecision, Request


def not_drained(
    request: Request,
    decisions: Sequence[PodDecision],
    left: Mapping[str, str],
    budgets: Iterable[Object],
    seconds: float,
) -> TimedOut:
    """The error that names the pods on the node after so many seconds, with their budgets as they are now.

    left: 'namespace/name' -> what the API server answered, '' for a pod that was evicted but is still terminating.
    """
    stuck = [decision for decision in decisions if decision.name in left]
    refused = [decision for decision in stuck if left[decision.name]]
    current = {budget.key: budget for budget in read_budgets(budgets)}
    reasons: dict[str, list[str]] = {}
    for decision in refused:
        involved = [current[b.key] for b in decision.budgets if b.key in current]
        why = f"eviction refused by the API server ({left[decision.name]})"
        if len(involved) == 1:
            why = f"the disruption budget {involved[0].text()} does not allow it"
        reasons.setdefault(why, []).append(decision.name)
    texts = [f"{listed(names)}: {why}" for why, names in reasons.items()]
    texts += [f"{d.name}: {_terminating(d.pod)}" for d in stuck if not left[d.name]]
    keys = dict.fromkeys(b.key for decision in refused for b in decision.budgets)
    involved = [current[key] for key in keys if key in current]
    return TimedOut(
        f"{count(len(stuck), 'pod')} {be(len(stuck))} still on node {request.node} after "
        f"{seconds:g} seconds: {listed(texts, separator='; ')}.",
        next_step=" ".join(_next_steps(involved, refused, [d for d in stuck if not left[d.name]])),
        details={
            "node": request.node,
            "pods": [_as_it_is(decision, left).as_dict() for decision in decisions],
            "budgets": [budget.as_dict() for budget in involved],
        },
    )


def _as_it_is(decision: PodDecision, left: Mapping[str, str]) -> PodDecision:
    if decision.name not in left:
        return replace(decision, blocked="")
    if left[decision.name]:
        return replace(decision, blocked=left[decision.name])
    return replace(decision, result="left", why=_terminating(decision.pod), blocked="")


def _terminating(pod: Object) -> str:
    seconds = pod["spec"].get("terminationGracePeriodSeconds")
    finalizers = pod["metadata"].get("finalizers") or ()
    known = [f"grace period {seconds} s"] if seconds is not None else []
    known += [f"finalizers {', '.join(finalizers)}"] if finalizers else []
    return "was evicted but is still terminating" + (f" ({'; '.join(known)})" if known else "")


def _next_steps(
    involved: Sequence[Budget], refused: Sequence[PodDecision], terminating: Sequence[PodDecision]
) -> list[str]:
    steps = []
    if any(len(decision.budgets) > 1 for decision in refused):
        steps.append("Change the disruption budgets so that only one selects each pod.")
    if involved:
        edit = " and ".join(f"kubectl -n {b.namespace} edit pdb {b.name}" for b in involved)
        more = ", or run more healthy pods on other nodes" if any(b.max_disruptions for b in involved) else ""
        steps.append(f"Allow a disruption ({edit}){more}.")
    unmoved = [decision.name for decision in refused if decision.result == "cannot_move"]
    if unmoved:
        steps.append(f"No other node can run {listed(unmoved)}; details.pods says why.")
    if terminating:
        namespace, name = terminating[0].name.split("/")
        steps.append(
            f"Find out why it does not end: kubectl -n {namespace} describe pod {name}; or increase wait_timeout, or "
            "set terminate_grace_period=0."
        )
    return [*steps, "Then run this again."]
