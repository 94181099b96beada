# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action of storage_provisioner: install or remove a provisioner with its class, or render its manifests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.plan import Plan, plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.request import ARGUMENTS, RULES, Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import RESOURCES
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.proof import open_proved
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.provisioner import rendered
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.provisioner.shared_directory import (
    check_mounts,
    check_shared,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.provisioner.writer import carry_out

__all__ = ["ARGUMENTS", "RULES", "run"]


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Callable[..., Cluster] = open_cluster,
    wait: bool = True,
) -> Outcome:
    """Observe the cluster or the file, plan, and carry out the steps unless in check mode.

    wait: whether for the provisioner to be ready; not in a cluster that has no network plugin yet.
    """
    request = Request.from_options(options)
    if request.state == "rendered":
        planned = plan(request, rendered.read(request.dest))
        if planned.changed and check_mode:
            rendered.check(request.dest)
        elif planned.changed:
            rendered.write(request.dest, planned.after.values())
        return _outcome(planned)
    proved = open_proved(options, runner, connect)
    cluster, warnings = proved.cluster, proved.warnings
    planned = plan(request, by_ref(item for items in cluster.lists(*RESOURCES) for item in items))
    checked = request.shared_directory if options["check_shared"] else ""
    nodes = proved.nodes() if checked else ()
    if checked:
        check_mounts(proved.engine, nodes, checked)
        warnings += check_shared(proved.engine, nodes, checked)
    if not check_mode:
        for step in planned.steps:
            if step.verb != "wait" or wait:
                carry_out(cluster, step, options["wait_timeout"])
    return _outcome(planned, warnings)


def _outcome(planned: Plan, warnings: tuple[str, ...] = ()) -> Outcome:
    return Outcome(planned.changed, *planned.diff(), planned.result(), warnings)
