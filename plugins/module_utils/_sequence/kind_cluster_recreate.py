# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kind_cluster_recreate: run the steps of a recreation in order, resume where an earlier run was interrupted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from types import ModuleType
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import (
    CLUSTER,
    ENGINE,
    check_absolute,
    check_least,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate import report
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.resume import is_complete
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import (
    DELETION,
    DONE,
    FIRST,
    Step,
    is_after_deletion,
    steps_from,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.start.resume import Start, find_start

from .recreate import steps, without_api
from .recreate.context import Context

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **CLUSTER,
    "path": {"type": "path", "required": True},
    "kubeconfig": {"type": "path"},
    "kind": {"type": "path"},
    "data": {"type": "str", "choices": ["in_place", "archive"], "default": "in_place"},
    "checksums": {"type": "str", "choices": ["full", "fast"], "default": "full"},
    "keep": {"type": "int", "default": 0},
    "reclaim_policy": {"type": "str", "choices": ["original", "keep"], "default": "original"},
    "options": {"type": "dict", "default": {}},
    "unmanaged": {"type": "str", "choices": ["refuse", "delete"], "default": "refuse"},
    "without_api": {"type": "str", "choices": ["refuse", "last_backup"], "default": "refuse"},
    "attach": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
}


def run(
    options: Mapping[str, Any], check_mode: bool, *, runner: Runner | None = None, connect: Connect | None = None
) -> Outcome:
    """Recreate the cluster with its volumes; in check mode return the whole plan."""
    check_absolute(options, ARGUMENTS)
    check_least(options, wait_timeout=1, keep=0)
    context = Context(options, runner, connect)
    with nullcontext() if check_mode else context.journal.locked():
        with context.looking_once():
            start = find_start(context)
            mode = without_api if start.without_api else steps
            if start.step == FIRST:
                mode.RUN[FIRST](context)
                context.watch.lap("plan")
        finished = context.progress.finished if start.resumed and not start.gone else ()
        pending = [step for step in steps_from(start.step) if step.applies(options, context.facts, finished)]
        if not check_mode:
            _carry_out(context, start, pending, mode)
    return _outcome(context, start, pending)


def _carry_out(context: Context, start: Start, pending: Sequence[Step], mode: ModuleType) -> None:
    """Do the steps, and record each one when it is finished."""
    if start.step == FIRST or start.from_backup:
        context.journal.add(FIRST, **context.facts)
    if start.gone:
        # Recorded again, with what is restored: an earlier run may have ended, and the cluster been used, since.
        # The options, too: a rerun without any resumes with those that were given last.
        context.journal.add(DELETION.name, **{name: context.facts[name] for name in ("generation", "options")})
    for step in pending:
        if step.name == FIRST or (step.needs_volumes and not context.facts.get("generation")):
            continue
        try:
            if step.begins:
                context.journal.add(step.begins)
            context.record(step.name, **mode.RUN[step.name](context))
        except KindlabError as error:
            if start.step == FIRST and (step.undoable or (step is DELETION and _is_untouched(context))):
                error.message += f" {mode.undo(context)}"
            elif is_after_deletion(step):
                error.next_step = report.continuation(error.next_step, step, context.path, context.facts)
            raise
    context.record(DONE)


def _is_untouched(context: Context) -> bool:
    try:
        return is_complete(context.describe_cluster())
    except KindlabError:
        return False


def _outcome(context: Context, start: Start, pending: Sequence[Step]) -> Outcome:
    plan = report.plan_rows(pending, context.facts, context.results, context.options["data"])
    facts = {
        "first_step": start.step,
        "without_api": start.without_api,
        "resumed": start.resumed,
        "journal": str(context.journal.path),
        "plan": plan,
        **report.result(context.facts, context.results),
        "seconds": {**context.watch.seconds, "checksums": report.checksum_seconds(context.results)},
    }
    warnings = (
        *context.warnings,
        *report.foreign_classes(context.facts["storage_classes"]),
        *report.lost_settings(context.facts, plan["nodes"]),
    )
    return Outcome(True, {"cluster": "existing"}, {"cluster": "recreated", "plan": plan}, facts, warnings)
