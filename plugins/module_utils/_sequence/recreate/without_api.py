# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""First steps of a recreation if the API server does not answer: from the last backup and the data on the host."""

from __future__ import annotations

from contextlib import suppress

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.running.counts import nodes_text
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.start.new_shape import (
    check_new_cluster,
    saved_volumes,
)

from . import steps, survey
from .contents import images
from .contents import planned as planned_contents
from .context import Context, Facts
from .plan import plan_deletion

_LAST_BACKUP = "last_backup"


def plan(context: Context) -> Facts:
    """Raises Declined if the API server answers after all, BadInput if another cluster's answers."""
    with suppress(Unreachable):
        survey.proved_version(context)
        raise Declined(
            f"The API server of {context.name} answers again. Nothing was changed.",
            next_step="Run this again without without_api=last_backup.",
        )
    plan_deletion(context)
    options = {"checksums": "none", "data": "in_place", "without_api": _LAST_BACKUP}
    planned = context.act(volume_backup, options, check_mode=True)
    context.warnings += planned.warnings
    context.results["backed_up"] = dict(planned.facts)
    context.facts["volumes"] = planned.facts["volumes"]
    survey.check_readable(planned.facts["volumes"])
    directories = {volume["name"]: volume["host_directory"] for volume in planned.facts["volumes"]}
    # What is in archives may be older than the data on the host.
    check_new_cluster(context, saved_volumes(read_backup(context.path)), directories)
    planned_contents.plan_last(context)
    return context.facts


def stop_nodes(context: Context) -> Facts:
    """Stop the nodes, so that nothing writes to the volumes any more."""
    nodes = context.engine.nodes(context.name)
    context.results["stopped"] = [node.name for node in nodes if node.state in (RUNNING, "paused")]
    context.engine.stop(nodes)
    return {"count": nodes_text(context.results["stopped"])}


def undo(context: Context) -> str:
    """Start the nodes that were stopped; a sentence for the error message."""
    stopped = context.results.get("stopped", ())
    context.engine.start([node for node in context.engine.nodes(context.name) if node.name in stopped])
    return "The cluster was not deleted, and its nodes were started again."


def back_up(context: Context) -> Facts:
    return steps.back_up(context, without_api=_LAST_BACKUP)


def delete(context: Context) -> Facts:
    """Forced: the API server does not answer, and stopped nodes use nothing."""
    return steps.delete(context, force=True)


RUN: dict[str, steps.Run] = {
    **steps.RUN,
    "planned": plan,
    "images_saved": images.save_or_keep,
    "detached": stop_nodes,
    "backed_up": back_up,
    "deleted": delete,
}
