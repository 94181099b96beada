# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""volume_restore: restore all selected volumes of a backup, or none if one of them is refused."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import (
    API,
    ENGINE,
    SELECTION,
    check_absolute,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Generation, Observed, Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.plan import plan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect, observe
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.apply import apply
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.check import check_archives, obstacles
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.data import compare

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    **SELECTION,
    "path": {"type": "path", "required": True},
    "generation": {"type": "str"},
    "claims": {"type": "bool", "default": True},
    "verify": {"type": "str", "choices": ["full", "fast", "none"], "default": "full"},
    "reclaim_policy": {"type": "str", "choices": ["keep", "original"], "default": "keep"},
    "node_map": {"type": "dict", "default": {}},
    "create_namespaces": {"type": "bool", "default": True},
    "create_storage_classes": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
}
RESOURCES = ("PersistentVolume", "PersistentVolumeClaim", "Namespace", "StorageClass")
# What errors of a backup call options that this module does not have.
OTHERS = {"compression": ""}


def run(
    options: Mapping[str, Any], check_mode: bool, *, runner: Runner | None = None, connect: Connect = open_cluster
) -> Outcome:
    """Restore the volumes; in check mode report what would happen."""
    check_absolute(options, ARGUMENTS)
    request = Request.from_options(options)
    watch = Stopwatch()
    with ThreadPoolExecutor(1) as pool:
        observing = pool.submit(observe, options, (*RESOURCES, "Node"), runner=runner, connect=connect)
        backup = read_backup(options["path"], options["generation"])
        generation = Generation(backup.name, backup.catalog, {kind: backup.objects(kind) for kind in RESOURCES})
        observation = observing.result()
    watch.lap("observe")
    planned = plan(request, Observed.from_objects(generation, observation.objects, observation.nodes))
    states = compare(backup, planned.to_compare, request.verify, observation.engine, observation.sharing)
    planned = planned.with_data(states)
    check_archives(backup, planned.steps)
    planned.check_extraction(obstacles(backup, planned.steps, request.verify, observation.engine))
    watch.lap("compare")
    phases: Mapping[tuple[str, str], str] = {}
    if not check_mode:
        phases = apply(planned, backup, observation.cluster, observation.engine, watch)
    facts = {**planned.result(phases), "seconds": watch.seconds}
    return Outcome(planned.changed, *planned.diff(), facts, planned.warnings)
