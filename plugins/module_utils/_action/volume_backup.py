# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Back up volumes: set reclaim policy Retain, then save checksums, archives and manifests as one generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import (
    API,
    ENGINE,
    SELECTION,
    check_absolute,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.looks import find_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.observe import observe
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.save import save
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import check_place
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import check_compressor
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    **SELECTION,
    "path": {"type": "path", "required": True},
    "label_selectors": {"type": "list", "elements": "str"},
    "data": {"type": "str", "choices": ["in_place", "archive"], "default": "in_place"},
    "compression": {"type": "str", "choices": ["zstd", "gzip"], "default": "zstd"},
    "compression_level": {"type": "int"},
    "checksums": {"type": "str", "choices": ["full", "fast", "none"], "default": "full"},
    "without_api": {"type": "str", "choices": ["refuse", "last_backup"], "default": "refuse"},
    "keep": {"type": "int", "default": 0},
    "objects": {"type": "bool", "default": False},
    "assume_unused": {"type": "list", "elements": "str"},
}
PHASES = ("observe", "checksum", "archive", "write")


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Callable[..., Cluster] = open_cluster,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> Outcome:
    """Write a generation with these volumes, unless the newest one has the same content."""
    check_absolute(options, ARGUMENTS)
    request = Request.from_options(options, check_mode=check_mode)
    if request.archives:
        check_compressor(request.compression, request.compression_level)
    watch = Stopwatch()
    source = observe(options, request, runner, connect)
    planned = plan(request, source.observed)
    check_place(request.path)
    found = find_data(planned, source.observed.nodes, source.engine)
    if planned.is_empty:
        return Outcome(False, facts={"volumes": []}, warnings=(f"The cluster {request.cluster} has no volumes.",))
    created = f"{now():%Y-%m-%dT%H:%M:%SZ}"
    result = save(planned, found, source.cluster, created, watch, check_mode=check_mode)
    before, after = result.diff()
    seconds = {phase: watch.seconds.get(phase, 0.0) for phase in PHASES}
    warnings = (*source.warnings, *result.warnings())
    return Outcome(result.changed, before, after, {**result.result(), "seconds": seconds}, warnings)
