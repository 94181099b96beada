# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""lab_map: draw the clusters of a machine, or of several, with their volumes, and write that as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.request import FORMATS, Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import ENGINE, check_absolute
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import text_file
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.map.observe import observe_lab
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    "clusters": {"type": "list", "elements": "str"},
    "kubeconfigs": {"type": "dict"},
    "backups": {"type": "list", "elements": "path"},
    "verify": {"type": "str", "choices": ["fast", "full"], "default": "fast"},
    "host": {"type": "str"},
    "maps": {"type": "list", "elements": "dict"},
    "before": {"type": "path"},
    "path": {"type": "path"},
    "format": {"type": "str", "choices": list(FORMATS), "default": "html"},
    "width": {"type": "int", "default": 100},
    "color": {"type": "bool", "default": False},
}
# What texts of a deletion and about a backup call its path, and options that this module does not have.
OTHERS = {"backup": "backups", "data": "", "generation": "", "accept_loss": ""}


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Connect = open_cluster,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> Outcome:
    """The map; written is its file, if one is requested and would show something else."""
    check_absolute(options, ARGUMENTS)
    request = Request.from_options(options)
    observed = observe_lab(request, options["engine"], f"{now():%Y-%m-%dT%H:%M:%SZ}", runner or Runner(), connect)
    planned = Plan(request, observed)
    if planned.changed and not check_mode:
        text_file.write(request.path, planned.content)
    return Outcome(planned.changed, *planned.diff(), planned.result(), observed.warnings)
