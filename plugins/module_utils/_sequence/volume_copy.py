# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""volume_copy: copy volumes into new claims, from the cluster, whose pods are paused meanwhile, or from a backup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, ENGINE, check_absolute
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.copies import Request, check
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.alone import alone
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.transfer import copies
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.transfer.prepare import Prepared, prepare

from . import stopping
from .stopping import Stopping

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    "claim_map": {"type": "dict", "required": True},
    "storage_class": {"type": "str"},
    "node": {"type": "str"},
    "path": {"type": "path"},
    "generation": {"type": "str"},
    "pause": {"type": "bool", "default": True},
    "verify": {"type": "str", "choices": ["full", "fast", "none"], "default": "fast"},
    "create_namespaces": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
}
OTHERS = {**stopping.OTHERS, "compression": ""}


def run(
    options: Mapping[str, Any], check_mode: bool, *, runner: Runner | None = None, connect: Connect = open_cluster
) -> Outcome:
    """Copy the volumes; in check mode report what would happen."""
    check_absolute(options, ARGUMENTS)
    request = Request.from_options(options)
    with alone(options, check_mode=check_mode):
        return _copied(request, options, check_mode, {"runner": runner, "connect": connect})


def _copied(request: Request, options: Mapping[str, Any], check_mode: bool, outside: Mapping[str, Any]) -> Outcome:
    watch = Stopwatch()
    prepared = prepare(request, options, **outside)
    planned = prepared.planned
    living = {step.source.volume.claim for step in planned.steps if step.origin and planned.request.pause}
    pause = Stopping(stopping.purpose_of("copy", living), living, options, outside)
    found = (*prepared.refusals, *pause.refusals(planned.paused))
    check(found)
    watch.lap("plan")
    back = pause.start(check_mode=True) if check_mode else _carry_out(prepared, pause, watch)
    facts = {
        "volumes": [step.as_dict() for step in planned.steps],
        "workloads": pause.told(back),
        "seconds": watch.seconds,
    }
    return Outcome(bool(planned.pending) or back.changed, *planned.diff(), facts, back.warnings)


def _carry_out(prepared: Prepared, pause: Stopping, watch: Stopwatch) -> Outcome:
    """The pods run again as soon as the data is copied."""
    planned, observation = prepared.planned, prepared.observation
    pause.stop(planned.paused)
    watch.lap("pause")
    try:
        made = copies.copy_data(planned, observation.engine, prepared.sizes)
    except KindlabError as error:
        error.message += f" Nothing was copied. {pause.undone()}" if planned.paused else " Nothing was copied."
        raise
    watch.lap("copy")
    try:
        back = pause.start()
        watch.lap("resume")
        copies.create(planned, made, prepared.backup, observation.cluster, observation.engine)
    except BaseException:
        copies.discard(made)
        raise
    watch.lap("create")
    return back
