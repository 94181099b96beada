# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Back up objects of any kind, without volumes, as one generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedCluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.objects.plan import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, ENGINE, check_absolute
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.objects.save import save
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import check_place
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.proof import open_proved
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects.collect import collect

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    "path": {"type": "path", "required": True},
    "namespaces": {"type": "list", "elements": "str"},
    "kinds": {"type": "list", "elements": "str"},
    "label_selectors": {"type": "list", "elements": "str"},
    "keep": {"type": "int", "default": 0},
}


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Callable[..., Cluster] = open_cluster,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> Outcome:
    """Write a generation with these objects, unless the newest one has the same."""
    check_absolute(options, ARGUMENTS)
    request = Request.from_options(options)
    check_place(request.path)
    watch = Stopwatch()
    proved = open_proved(options, runner, connect)
    with ThreadPoolExecutor(2) as pool:
        nodes, version = pool.submit(proved.nodes), pool.submit(proved.cluster.version)
        collected = collect(proved.cluster, request.selection)
        cluster = SavedCluster.from_nodes(request.cluster, version.result(), nodes.result())
    watch.lap("observe")
    created = f"{now():%Y-%m-%dT%H:%M:%SZ}"
    planned, name, kept = save(request, cluster, collected, created, check_mode=check_mode)
    watch.lap("write")
    before, after = planned.diff(name, kept)
    facts = {**planned.result(name, kept), "seconds": dict(watch.seconds)}
    changed = bool(planned.new or kept.removed)
    return Outcome(changed, before, after, facts, (*proved.warnings, *planned.warnings()))
