# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action of local_data: expose a directory of the host in namespaces, or remove it from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.plan import plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, ENGINE, check_absolute
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import Key
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.local_data.observe import observe_local_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.local_data.writer import expose, withdraw
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "path": {"type": "path"},
    "root": {"type": "path"},
    "namespaces": {"type": "list", "elements": "str"},
    "create_namespaces": {"type": "bool", "default": True},
    "read_only": {"type": "bool", "default": True},
    "run_as_user": {"type": "int", "default": 65534},
    "run_as_group": {"type": "int", "default": 65534},
    "supplemental_groups": {"type": "list", "elements": "int", "default": []},
    "allow_external_symlinks": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 60},
}
RULES: dict[str, Any] = {"required_if": [("state", "present", ("path", "namespaces"))]}


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Connect = open_cluster,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Observe host, nodes and cluster, plan, and write unless in check mode; the data stays as it is."""
    check_absolute(options, ARGUMENTS)
    request = Request.from_options(options)
    cluster, observed, warnings = observe_local_data(request, options, runner=runner, connect=connect)
    planned = plan(request, observed)
    phases: dict[Key, str] = {}
    if not check_mode and request.state == "present":
        phases = expose(cluster, planned, options["wait_timeout"], sleep)
    elif not check_mode:
        withdraw(cluster, planned, options["wait_timeout"])
    return Outcome(planned.changed, *planned.diff(), planned.result(phases), warnings)
