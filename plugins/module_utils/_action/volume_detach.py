# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""volume_detach: scale down workloads that use volumes and verify that these are unused, or scale them back up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.model import READ, Observed, Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.plan import Plan, plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, ENGINE, SELECTION
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.usage_check import UsageCheck
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect, observe

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    **SELECTION,
    "state": {"type": "str", "default": "detached", "choices": ["detached", "attached"]},
    "path": {"type": "path"},
    "generation": {"type": "str"},
    "unmanaged": {"type": "str", "default": "refuse", "choices": ["refuse", "delete"]},
    "wait_timeout": {"type": "int", "default": 300},
    "wait": {"type": "bool", "default": False},
}


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Connect = open_cluster,
) -> Outcome:
    """Detach or attach the volumes; a second run changes nothing."""
    request = Request.from_options(options)
    watch, deadline = Stopwatch(), Deadline(request.wait_timeout)
    # Read the backup first: without it nothing may be changed.
    from_backup = request.state == "attached" and options["path"]
    saved = read_backup(options["path"], options["generation"]).workloads() if from_backup else []
    observation = observe(options, READ, runner=runner, connect=connect)
    watch.lap("observe")
    planned = plan(request, Observed.from_objects(observation.objects, saved))
    if request.state == "detached":
        check = UsageCheck(observation.cluster, observation.engine, observation.nodes, observation.sharing)
        if check_mode:
            planned = replace(planned, users=planned.remaining(check.users(planned.volumes)))
        else:
            planned = _detach(observation.cluster, check, planned, deadline, watch)
    elif not check_mode:
        _attach(observation.cluster, planned, deadline, watch)
    facts = {**planned.result(), "seconds": watch.seconds}
    return Outcome(planned.changed, *planned.diff(), facts, planned.warnings())


def _detach(cluster: Cluster, check: UsageCheck, planned: Plan, deadline: Deadline, watch: Stopwatch) -> Plan:
    """The plan as it was carried out. Raises TimedOut if volumes are still in use."""
    planned = replace(planned, steps=workloads.scale_down(cluster, planned.steps))
    workloads.delete(cluster, planned.deleted)
    watch.lap("scale_down")
    workloads.wait_gone(cluster, planned.pods, deadline)
    watch.lap("wait")
    planned = replace(planned, users=check.await_free(planned.volumes, deadline))
    watch.lap("verify")
    if any(planned.users.values()):
        raise planned.still_in_use(deadline.seconds)
    return planned


def _attach(cluster: Cluster, planned: Plan, deadline: Deadline, watch: Stopwatch) -> None:
    workloads.scale_up(cluster, planned.steps)
    watch.lap("scale_up")
    if planned.request.wait:
        workloads.wait_ready(cluster, planned.steps, deadline)
        watch.lap("wait")
