# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said of a node that was drained or made schedulable: results, before and after, and what was in the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.budgets import Budget
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome

from .plan import Line


def drained(name: str, was_schedulable: bool, lines: Sequence[Line], *, timeout: float, check_mode: bool) -> Outcome:
    """The end of a drain: what stays, and what went; in check mode also what budgets will never let go."""
    lines = sorted(lines, key=lambda line: line.key)
    blocked = [line for line in lines if line.blocked]
    warnings = [f"{line.key} would still be on {name} after {timeout:g} seconds: {line.blocked}" for line in blocked]
    if not check_mode:
        lines = [replace(line, blocked="") for line in lines]
    return Outcome(
        changed=was_schedulable or any(line.goes for line in lines),
        before={"node": name, "schedulable": was_schedulable, "pods": [line.key for line in lines]},
        after={"node": name, "schedulable": False, "pods": [line.key for line in lines if not line.goes]},
        facts={"node": name, "schedulable": False, "pods": [line.as_dict() for line in lines]},
        warnings=tuple(warnings) if check_mode else (),
    )


def schedulable(name: str, was_schedulable: bool, lines: Iterable[Line], *, wait: bool) -> Outcome:
    """The end of making a node schedulable, with the pods that waited for it."""
    shown = [replace(line, result="returned") if wait else line for line in lines]
    return Outcome(
        changed=not was_schedulable,
        before={"node": name, "schedulable": was_schedulable},
        after={"node": name, "schedulable": True},
        facts={"node": name, "schedulable": True, "pods": [line.as_dict() for line in shown]},
    )


def not_drained(
    name: str, lines: Sequence[Line], left: Mapping[str, str], budgets: Iterable[Budget], timeout: float
) -> TimedOut:
    """The error that names what is still there, with the budgets as they are now.

    left: 'namespace/name' -> what the API server said of it, '' for a pod that was let go and has not ended.
    """
    stuck = [line for line in lines if line.key in left]
    refused = [line for line in stuck if left[line.key]]
    now = {budget.key: budget for budget in budgets}
    held: dict[str, list[str]] = {}
    for line in refused:
        keeping = [now[b.key] for b in line.budgets if b.key in now]
        by = f"the disruption budget {keeping[0].text()} keeps" if len(keeping) == 1 else f"{left[line.key]} Thus kept:"
        held.setdefault(by, []).append(line.key)
    parts = [f"{by} {', '.join(keys)}" for by, keys in held.items()]
    parts += [f"{line.key} was let go and has not ended{_grace(line.pod)}" for line in stuck if not left[line.key]]
    involved = [now[key] for key in dict.fromkeys(b.key for line in refused for b in line.budgets) if key in now]
    return TimedOut(
        f"After {timeout:g} seconds {len(stuck)} pod(s) are still on {name}: {'; '.join(parts[:10])}.",
        next_step=" ".join(_steps(involved, stuck, refused)),
        details={
            "node": name,
            "pods": [_at_the_end(line, left).as_dict() for line in lines],
            "budgets": [budget.as_dict() for budget in involved],
        },
    )


def _at_the_end(line: Line, left: Mapping[str, str]) -> Line:
    if line.key not in left:
        return replace(line, blocked="")
    if left[line.key]:
        return replace(line, blocked=left[line.key])
    return replace(line, result="left", why=f"it was let go and has not ended{_grace(line.pod)}", blocked="")


def _grace(pod: Object) -> str:
    seconds = pod["spec"].get("terminationGracePeriodSeconds")
    finalizers = pod["metadata"].get("finalizers") or ()
    known = [f"its own grace period is {seconds} s"] if seconds is not None else []
    known += [f"its finalizers are {', '.join(finalizers)}"] if finalizers else []
    return f" ({', '.join(known)})" if known else ""


def _steps(involved: Sequence[Budget], stuck: Sequence[Line], refused: Sequence[Line]) -> list[str]:
    steps = []
    if any(len(line.budgets) > 1 for line in refused):
        steps.append("Let one budget select each pod.")
    if involved:
        edit = " and ".join(f"kubectl -n {b.namespace} edit pdb {b.name}" for b in involved)
        more = ", or run more healthy pods of it on other nodes" if any(b.max_disruptions for b in involved) else ""
        steps.append(f"Let the budget allow a disruption ({edit}){more}.")
    unmoved = [line.key for line in refused if line.result == "cannot_move"]
    if unmoved:
        steps.append(f"No other node can take {', '.join(unmoved)}: the list of pods says why.")
    ending = [line for line in stuck if line not in refused]
    if ending:
        namespace, name = ending[0].key.split("/")
        steps.append(
            f"See what holds it: kubectl -n {namespace} describe pod {name}. A longer timeout waits longer, "
            "terminate_grace_period=0 does not wait at all."
        )
    return [*steps, "Then run this again."]
