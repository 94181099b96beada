# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put a cluster back as it was, after a recreation that failed before the deletion."""

from __future__ import annotations

from contextlib import suppress

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_detach
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import policy_change
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import ROLLED_BACK

from .context import Context


def roll_back(context: Context) -> str:
    """Scale workloads back up and reset reclaim policies; sentences about it for the error that led here."""
    deleted = context.results["detached"].get("deleted_pods")
    try:
        volume_detach.run(context.action_options.detach("attached"), False)
        said = "The cluster was not deleted, and the workloads were scaled back up."
        with suppress(KindlabError):
            context.journal.add(ROLLED_BACK)
    except KindlabError as error:
        said = f"The cluster was not deleted. The workloads are still scaled to zero ({error.message})."
    try:
        _reset_policies(context)
    except KindlabError as error:
        said += f" Some volumes may have kept the reclaim policy Retain ({error.message})."
    if deleted:
        said += f" These pods were deleted and have no controller: {', '.join(deleted)}."
    return said


def _reset_policies(context: Context) -> None:
    """The reclaim policies that the backup has set to Retain."""
    before = {v["name"]: v["reclaim_policy_before"] for v in context.facts.get("volumes", ())}
    cluster = context.connect()
    changed = [name for name, policy in before.items() if policy != "Retain"]
    cluster.each(lambda name: cluster.patch("PersistentVolume", name, policy_change(before[name])), changed)
