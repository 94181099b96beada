# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Show what nobody needs any more, and prune what is selected: volumes, directories, generations, leftovers, trash."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, ENGINE, check_absolute
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import KINDS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.plan import plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.prune.apply import apply
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.prune.entries import with_real_paths
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.prune.observe import observe

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    "directories": {"type": "list", "elements": "path"},
    "backups": {"type": "list", "elements": "path"},
    "kinds": {"type": "list", "elements": "str", "choices": list(KINDS)},
    "names": {"type": "list", "elements": "str"},
    "matching": {"type": "list", "elements": "str"},
    "older_than": {"type": "str"},
    "trash": {"type": "bool", "default": True},
    "last_copies": {"type": "bool", "default": False},
}
# What errors of the reader of backups call its option.
OTHERS = {"path": "backups"}


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Connect = open_cluster,
    now: Callable[[], float] = time.time,
) -> Outcome:
    """What can be pruned; pruned is what the options select."""
    check_absolute(options, ARGUMENTS)
    request = with_real_paths(Request.from_options(options))
    source = observe(options, request, now(), runner, connect)
    planned = plan(request, source.observed)
    if planned.pruned and not check_mode:
        apply(planned, source.cluster, source.volumes, source.inside)
    before, after = planned.diff()
    warnings = (*source.warnings, *planned.warnings())
    return Outcome(bool(planned.pruned), before, after, planned.result(), warnings)
