# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Adopt directories of volumes that no volume has: create PersistentVolumes and claims for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.found import found_rows, not_adopted
from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.model import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.plan import plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, ENGINE, check_absolute
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.adopt import plan_file
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.adopt.apply import apply
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.adopt.observe import observe
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    "directories": {"type": "list", "elements": "path"},
    "matching": {"type": "list", "elements": "str"},
    "plan": {"type": "path"},
    "write_plan": {"type": "path"},
    "create_namespaces": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
}


def run(
    options: Mapping[str, Any], check_mode: bool, *, runner: Runner | None = None, connect: Connect = open_cluster
) -> Outcome:
    """Adopt what a plan names, or else all that is found; or only write the plan."""
    check_absolute(options, ARGUMENTS)
    request = Request.from_options(options)
    rows = plan_file.read(request.plan) if request.plan else ()
    source = observe(options, request, rows, runner, connect)
    warnings = source.warnings
    if not request.plan:
        rows, warnings = found_rows(request, source.observed), (*warnings, *not_adopted(source.observed))
    if request.write_plan:
        text = plan_file.text(rows)
        changed = plan_file.write(request.write_plan, text, check_mode=check_mode)
        facts = {"volumes": [row.as_dict() for row in rows]}
        return Outcome(changed, {"plan": "" if changed else text}, {"plan": text}, facts, warnings)
    planned = plan(request, rows, source.observed)
    if planned.bindings and source.cluster and not check_mode:
        apply(planned, source.cluster)
    return Outcome(bool(planned.bindings), *planned.diff(), planned.result(), warnings)
