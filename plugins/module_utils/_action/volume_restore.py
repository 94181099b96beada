# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""volume_restore: restore all selected volumes of a backup, or none if one of them is refused."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch, stamp
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import (
    API,
    ENGINE,
    SELECTION,
    check_absolute,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import (
    MAPS,
    Generation,
    Observed,
    Request,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.plan import Plan, plan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect, Observation, observe
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.apply import apply, check_accepted
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.check import complete
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.replace import check_unused

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    **SELECTION,
    "path": {"type": "path", "required": True},
    "generation": {"type": "str"},
    "claims": {"type": "bool", "default": True},
    "existing": {"type": "str", "choices": ["refuse", "replace"], "default": "refuse"},
    "verify": {"type": "str", "choices": ["full", "fast", "none"], "default": "full"},
    "reclaim_policy": {"type": "str", "choices": ["keep", "original"], "default": "keep"},
    "node_map": {"type": "dict", "default": {}},
    **{name: {"type": "dict", "default": {}} for name in MAPS},
    "create_namespaces": {"type": "bool", "default": True},
    "create_storage_classes": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
}
RESOURCES = ("PersistentVolume", "PersistentVolumeClaim", "Namespace", "StorageClass")
# What errors of a backup, and of stopping workloads, call options that this module does not have.
OTHERS = {"compression": "", "state": "", "unmanaged": ""}


@dataclass(frozen=True)
class Prepared:
    """A restore that can be carried out: its complete plan, and what that was made from."""

    planned: Plan
    backup: Backup
    observation: Observation
    watch: Stopwatch = field(default_factory=Stopwatch)

    def check_unused(self, but: Collection[str] = (), stopped: Collection[str] = ()) -> None:
        """Raise Conflict if something uses a volume whose data is to be replaced.

        but: volumes that were checked. stopped: claims whose pods will be stopped before.
        """
        if self.planned.request.replaces:
            check_unused([s for s in self.planned.extracted if s.name not in but], self.observation, stopped)

    @property
    def written_in(self) -> set[str]:
        """The directories of the host in which archives are extracted."""
        return {os.path.dirname(step.host_directory) for step in self.planned.extracted if step.host_directory}

    def carry_out(self) -> Outcome:
        """Restore the volumes."""
        planned, phases = apply(self.planned, self.backup, self.observation, self.watch)
        return replace(self, planned=planned).outcome(phases)

    def outcome(self, phases: Mapping[tuple[str, str], str]) -> Outcome:
        """The result. phases: (namespace, name) -> phase of volumes and claims, {} in check mode."""
        facts = {**self.planned.result(phases), "seconds": self.watch.seconds}
        return Outcome(self.planned.changed, *self.planned.diff(), facts, self.planned.warnings)


def run(
    options: Mapping[str, Any], check_mode: bool, *, runner: Runner | None = None, connect: Connect = open_cluster
) -> Outcome:
    """Restore the volumes; in check mode report what would happen.

    With existing=replace, nothing may use the volumes: _sequence/volume_restore.py stops the workloads that do.
    """
    prepared = prepare(options, runner=runner, connect=connect)
    prepared.check_unused()
    return prepared.outcome({}) if check_mode else prepared.carry_out()


def prepare(
    options: Mapping[str, Any],
    earlier: Plan | None = None,
    *,
    runner: Runner | None = None,
    connect: Connect = open_cluster,
) -> Prepared:
    """Read the backup and the cluster, compare the data, and plan. Raises Declined or BadInput if that is refused.

    earlier: the plan of a moment ago, see complete().
    """
    check_absolute(options, ARGUMENTS)
    request = replace(Request.from_options(options), at=stamp(time.time()))
    watch = Stopwatch()
    with ThreadPoolExecutor(1) as pool:
        observing = pool.submit(observe, options, (*RESOURCES, "Node"), runner=runner, connect=connect)
        backup = read_backup(options["path"], options["generation"])
        generation = Generation(backup.name, backup.catalog, {kind: backup.objects(kind) for kind in RESOURCES})
        observation = observing.result()
    watch.lap("observe")
    observed = Observed.from_objects(generation, observation.objects, observation.nodes, observation.sharing)
    planned = complete(plan(request, observed), backup, observation, earlier)
    if earlier is None:
        check_accepted(planned, observation.cluster)
    watch.lap("compare")
    return Prepared(planned, backup, observation, watch)
