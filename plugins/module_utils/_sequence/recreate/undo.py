# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Undo the steps before the deletion."""

from __future__ import annotations

from contextlib import suppress
from types import ModuleType

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_detach
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import policy_change
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import interrupted_facts
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import (
    ROLLED_BACK,
    Step,
    stops_nothing,
)

from .contents import pods
from .context import Context


def undone(context: Context, failed: Step, mode: ModuleType) -> str:
    """What was put back, as sentences for the error message. mode: has the undo of the steps that were done."""
    if not stops_nothing(failed) or interrupted_facts(context.progress):
        return str(mode.undo(context))
    with suppress(KindlabError):
        context.journal.add(ROLLED_BACK)
    return "Nothing was stopped."


def undo(context: Context) -> str:
    """Scale workloads back up, and set policies and pods as they were before; sentences for the error message."""
    down = frozenset(context.facts.get("kept_down", ()))
    deleted = context.results["detached"].get("deleted_pods") or ()
    # Before the entry that nothing is left to do: a pod that is still terminating cannot be created yet.
    created, whole = pods.create_again(context, deleted)
    try:
        context.act(volume_detach, {"state": "attached", "left_down": down}, check_mode=False)
        done = "The cluster was not deleted, and the workloads were scaled back up."
        if whole:
            with suppress(KindlabError):
                context.journal.add(ROLLED_BACK)
    except KindlabError as error:
        done = f"The cluster was not deleted. The workloads are still scaled to zero ({error.message})."
    before = {v["name"]: v["reclaim_policy_before"] for v in context.facts.get("volumes", ())}
    try:
        cluster = context.connect()
        volumes = read_volumes(*cluster.lists("PersistentVolume", "PersistentVolumeClaim"))
        # With its own policy, the data of a volume whose claim was deleted meanwhile would be deleted.
        kept = {volume.name for volume in volumes if volume.is_terminating or volume.phase == "Released"}
        changed = [name for name, policy in before.items() if policy != "Retain" and name not in kept]
        cluster.each(lambda name: cluster.patch("PersistentVolume", name, policy_change(before[name])), changed)
    except KindlabError as error:
        done += f" Some volumes may have kept the reclaim policy Retain ({error.message})."
    return done + created
