# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action of storage_provisioner: install or remove a provisioner with its class, or render its manifests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.plan import Plan, plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.refusals import foreign_file
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.request import ARGUMENTS, RULES, Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import RESOURCES
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import text_file
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.manifests import manifests_of, to_text
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.provisioner.shared_directory import check_shared
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.provisioner.writer import carry_out

__all__ = ["ARGUMENTS", "RULES", "run"]


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Callable[..., Cluster] = open_cluster,
) -> Outcome:
    """Observe the cluster or the file, plan, and carry out the steps unless in check mode."""
    request = Request.from_options(options)
    if request.state == "rendered":
        text = text_file.read(request.dest)
        existing = by_ref(manifests_of(text))
        if text.strip() and not existing:
            raise foreign_file(request.dest)
        planned = plan(request, existing)
        if planned.changed and not check_mode:
            text_file.write(request.dest, to_text(planned.after.values()))
        return _outcome(planned)
    cluster = connect(options["cluster"], options["kubeconfig"], options["context"])
    planned = plan(request, by_ref(item for items in cluster.lists(*RESOURCES) for item in items))
    warnings: tuple[str, ...] = ()
    if request.shared_directory and options["check_shared"]:
        warnings = check_shared(options, request.shared_directory, runner)
    if not check_mode:
        for step in planned.steps:
            carry_out(cluster, step, options["wait_timeout"])
    return _outcome(planned, warnings)


def _outcome(planned: Plan, warnings: tuple[str, ...] = ()) -> Outcome:
    return Outcome(planned.changed, *planned.diff(), planned.result(), warnings)
