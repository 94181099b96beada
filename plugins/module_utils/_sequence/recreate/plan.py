# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first step of a recreation: everything that can be refused is refused, before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_cluster,
    storage_provisioner_info,
    volume_backup,
    volume_detach,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import unbindable_warning
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.checks import undescribed_error
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import (
    interrupted_facts,
    kept_down,
    with_data,
    with_policies,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.report import in_use_error, lost_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.requested import (
    created_labels,
    requested_labels,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import cluster_spec, undescribed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.people import made_by_people
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.start.new_shape import (
    check_new_cluster,
)

from . import checks, survey
from .contents import planned as planned_contents
from .context import Context, Facts


def plan(context: Context) -> Facts:
    """Run the actions in check mode, so that whatever they refuse is refused before anything is changed."""
    facts = context.facts
    _plan_options(context)
    storage = context.act(storage_provisioner_info, {}, check_mode=True)
    facts["storage_classes"] = storage.facts["storage_classes"]
    created = created_labels(context.name, facts["old_options"])
    facts |= made_by_people(context.connect(), requested_labels(context.requested), created)
    detached = context.run("detached", volume_detach, {"state": "detached"}, check_mode=True)
    in_use = [volume for volume in detached["volumes"] if volume["in_use_by"]]
    if in_use:
        raise in_use_error(in_use)
    facts["kept_down"] = kept_down(detached["workloads"], context.progress)
    existing = survey.check_directories(context)
    saving = {"objects": context.options["objects"] == "all", **planned_contents.saving(context)}
    unused = [volume["name"] for volume in detached["volumes"]]
    options = {"checksums": "fast", "assume_unused": unused, **saving}
    planned = context.run("backed_up", volume_backup, options, check_mode=True)
    volumes = with_policies(planned["volumes"], interrupted_facts(context.progress))
    saves = "generation" in planned
    facts |= {"volumes": volumes, "saves": saves, "saves_objects": bool(planned.get("objects")), "objects_from": ""}
    if unbindable := {claim["claim"]: claim["why"] for claim in planned.get("claims", ()) if claim["why"]}:
        context.warnings.append(unbindable_warning(unbindable))
    saved = [volume["name"] for volume in planned["volumes"]]
    checks.check_unrestored(context, saved)
    _check_deletion(context, unused, saved)
    directories = {volume["name"]: volume["host_directory"] for volume in planned["volumes"]}
    archive = saving.get("data", context.options["data"]) == "archive"
    if not facts.get("back_to"):
        check_new_cluster(context, existing, directories, with_data(planned["volumes"]) if archive else ())
    if archive:
        checks.check_disk(context)
    planned_contents.plan(context)
    return facts


def _plan_options(context: Context) -> None:
    """Check the deletion, and the options of the new cluster."""
    options = context.facts["options"]
    plan_deletion(context)
    facts, cluster, spec = context.facts, context.engine.nodes(context.name), cluster_spec(context.name, options)
    if not facts["described"]:
        if different := undescribed(spec, cluster):
            raise undescribed_error(context.name, different)
    elif not facts["changes"]:
        lost = sorted({node.name for node in spec.nodes} - {node.name for node in cluster})
        if lost:
            context.warnings.append(lost_nodes(lost))
        else:
            context.act(kind_cluster, options, check_mode=True)


def _check_deletion(context: Context, unused: Sequence[str], saved: Sequence[str]) -> None:
    """Raise Declined for what the deletion would refuse once these volumes are detached, and backed up."""
    assumed = {"backup": context.path, "assume_unused": unused, "assume_saved": saved}
    planned = context.act(kind_cluster, {"state": "absent", **assumed}, check_mode=True)
    context.warnings += [warning for warning in planned.warnings if warning not in context.warnings]


def plan_deletion(context: Context) -> None:
    """Check that kind can delete the cluster; one in the user's own kubeconfig is added to it again."""
    deleted = context.act(kind_cluster, {"state": "absent", "force": True}, check_mode=True)
    if deleted.before.get("merged"):
        context.facts["options"]["merge_kubeconfig"] = True
