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
    check_numbers,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate import report
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.resume import is_complete
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import (
    BACK,
    CREATE,
    DELETION,
    DONE,
    FIRST,
    RESUMED,
    Step,
    is_after_deletion,
    steps_from,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.start.resume import Start, find_start

from .outcome import outcome
from .recreate import steps, way_back, without_api
from .recreate.contents import rehearsal
from .recreate.context import Context
from .recreate.undo import undone

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **CLUSTER,
    "path": {"type": "path", "required": True},
    "generation": {"type": "str"},
    "kubeconfig": {"type": "path"},
    "kind": {"type": "path"},
    "data": {"type": "str", "choices": ["in_place", "archive"], "default": "in_place"},
    "checksums": {"type": "str", "choices": ["full", "fast"], "default": "full"},
    "keep": {"type": "int", "default": 0},
    "reclaim_policy": {"type": "str", "choices": ["original", "keep"], "default": "original"},
    "options": {"type": "dict", "default": {}},
    "merge_options": {"type": "bool", "default": True},
    "node_map": {"type": "dict"},
    "unmanaged": {"type": "str", "choices": ["refuse", "delete"], "default": "refuse"},
    "without_api": {"type": "str", "choices": ["refuse", "last_backup"], "default": "refuse"},
    "accept_loss": {"type": "list", "elements": "str"},
    "attach": {"type": "bool", "default": True},
    "objects": {"type": "str", "choices": ["all", "none"], "default": "all"},
    "images": {"type": "str", "choices": ["loaded", "all", "none"], "default": "loaded"},
    "rehearse": {"type": "bool"},
    "on_failure": {"type": "str", "choices": ["stop", "old_shape"], "default": "stop"},
    "jobs": {"type": "str", "choices": ["resume", "suspend", "skip"], "default": "resume"},
    "wait_timeout": {"type": "int", "default": 300},
}

# What may be given again when a run resumes.
_GIVEN = ("generation", "objects_from", "options", "node_map", "way", "back_to", "replaced")


def run(
    options: Mapping[str, Any], check_mode: bool, *, runner: Runner | None = None, connect: Connect | None = None
) -> Outcome:
    """Recreate the cluster with its volumes; in check mode return the whole plan."""
    check_absolute(options, ARGUMENTS)
    check_numbers(options)
    context = Context(options, runner, connect)
    if check_mode:
        context.journal.check()
    with nullcontext() if check_mode else context.journal.locked():
        with context.looking_once():
            start = find_start(context)
            mode = without_api if start.without_api else steps
            if start.step == FIRST:
                mode.RUN[FIRST](context)
                context.watch.lap("plan")
        finished = context.progress.finished if start.resumed and not start.gone else ()
        pending = [step for step in steps_from(start.step) if step.applies(options, context.target, finished)]
        if not check_mode:
            _carry_out(context, start, pending, mode)
            if context.facts.get("way") == BACK:
                raise way_back.came_back(context)
    return outcome(context, start, pending)


def _carry_out(context: Context, start: Start, pending: Sequence[Step], mode: ModuleType) -> None:
    """Do the steps, and record each one when it is finished."""
    rehearsal.remove_left(context)
    _begin(context, start, [step.name for step in pending])
    for step in pending:
        if step.name == FIRST or not step.is_possible(context.target):
            continue
        try:
            if step.begins:
                context.journal.add(step.begins)
            context.record(step.name, **mode.RUN[step.name](context))
        except KindlabError as error:
            if way_back.is_wanted(context, step.name):
                _turn_back(context, error)
                return
            if start.step == FIRST and (step.undoable or (step is DELETION and _is_untouched(context))):
                error.message += f" {undone(context, step, mode)}"
            elif is_after_deletion(step):
                error.next_step = report.continuation(error.next_step, step, context.path, context.target)
            raise
    context.record(DONE)


def _turn_back(context: Context, error: KindlabError) -> None:
    """Create the old shape again."""
    way_back.turn_back(context, error)
    pending = [step for step in steps_from(CREATE) if step.applies(context.options, context.target, ())]
    _carry_out(context, Start(CREATE, gone=True, turning_back=True), pending, steps)


def _begin(context: Context, start: Start, names: Sequence[str]) -> None:
    """Record what this run begins with, and the steps that it is going to do."""
    if start.step == FIRST or start.from_backup:
        context.journal.add(FIRST, **context.facts, steps=names)
    if start.turning_back:
        way_back.delete_new(context)
    if start.gone:
        # Recorded again, with what is restored: an earlier run may have ended, and the cluster been used, since.
        # What is given now, too: a rerun without options resumes with those that were given last.
        facts = {name: context.facts.get(name) for name in _GIVEN}
        context.journal.add(DELETION.name, **facts, steps=names)
    elif start.resumed:
        context.journal.add(RESUMED, steps=names, way=context.facts.get("way", ""))


def _is_untouched(context: Context) -> bool:
    try:
        return is_complete(context.describe_cluster())
    except KindlabError:
        return False
