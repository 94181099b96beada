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
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import (
    API,
    ENGINE,
    SELECTION,
    check_absolute,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import BoundRunner, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.apply import (
    attach,
    check_scaling,
    detach,
    predict,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.unfinished import unfinished_claims
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.usage_check import UsageCheck
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect, observe

# Seconds that a look into a node gets, even if pods used up the deadline: it tells what uses the volumes.
LOOK = 30.0
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
    check_absolute(options, ARGUMENTS)
    request = Request.from_options(options)
    watch, deadline = Stopwatch(), Deadline(request.wait_timeout)
    # Read the backup first: without it nothing may be changed.
    from_backup = request.state == "attached" and options["path"]
    saved = read_backup(options["path"], options["generation"]).workloads() if from_backup else []
    observation = observe(options, READ, runner=BoundRunner(runner or Runner(), deadline, LOOK), connect=connect)
    watch.lap("observe")
    nodes = [node.name for node in observation.nodes]
    observed = Observed.from_objects(observation.objects, saved, nodes)
    if request.state == "attached" and not request.purpose:
        unfinished = unfinished_claims(observed, observation.nodes, observation.engine)
        request = replace(request, unfinished=unfinished)
    planned = plan(request, observed)
    if request.state == "detached":
        check = UsageCheck(observation.cluster, observation.engine, observation.nodes, observation.sharing)

        def look(begun: bool) -> Plan:
            objects = dict(zip(READ, observation.cluster.lists(*READ)))
            return plan(request, Observed.from_objects(objects, nodes=nodes), begun=begun)

        if check_mode:
            planned = predict(check, planned, look)
        check_scaling(observation.cluster, planned)
        if not check_mode:
            planned = detach(observation.cluster, check, planned, look, deadline, watch)
    elif not check_mode:
        planned = attach(observation.cluster, planned, deadline, watch)
    facts = {**planned.result(), "seconds": watch.seconds}
    return Outcome(planned.changed, *planned.diff(), facts, planned.warnings())
