# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way back of a recreation: delete a new cluster that failed, so that the old shape is created again."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._action import kind_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import policy_change
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.resume import (
    another_cluster,
    is_complete,
    is_gone,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import changes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import (
    BACK,
    CREATE,
    TURNED_BACK,
    can_turn_back,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import decline
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.people import identity
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.removal import find_blockers

from . import survey
from .context import Context


def is_wanted(context: Context, failed: str) -> bool:
    """Whether the old cluster is created again: nothing has written to the volumes, and the new one is another one.

    The shape of a cluster without recorded options is the one that is given: the old one is not known.
    """
    facts = context.facts
    return (
        context.options["on_failure"] == "old_shape"
        and can_turn_back(failed)
        and facts.get("way") != BACK
        and bool(facts["old_options"]["nodes"])
        and (_goes_back(context) or bool(changes(context.name, facts["old_options"], facts["options"])))
    )


def turn_back(context: Context, error: KindlabError) -> None:
    """Record why, and from what the cluster is created now."""
    shape = {"options": context.facts["old_options"], "node_map": {}, "moves": {}}
    content = {"back_to": {}, "left": context.target["generation"]} if _goes_back(context) else {}
    facts = {"way": BACK, "why": error.message, **shape, **content}
    context.journal.add(TURNED_BACK, **facts)
    context.facts |= facts
    context.results.clear()


def delete_new(context: Context) -> None:
    """Delete the new cluster. Raises Declined unless it is proved that it has nothing of its own."""
    cluster, facts = context.describe_cluster(), context.facts
    if cluster is None:
        return
    begun = CREATE not in context.progress.finished and not context.created
    if is_complete(cluster):
        api = context.connect()
        known = facts.get("cluster_id", "")
        if known and identity(api)[0] != known:
            raise another_cluster(context.name, str(context.journal.path))
        # With its own policy, the data of a volume could be deleted by its provisioner.
        volumes = read_volumes(*api.lists("PersistentVolume", "PersistentVolumeClaim"))
        api.each(
            lambda volume: api.patch("PersistentVolume", volume.name, policy_change("Retain")),
            [volume for volume in volumes if volume.reclaim_policy != "Retain"],
        )
        if facts.get("left"):
            _check_left(context)
    elif not (begun or is_gone(cluster)):
        raise Declined(
            f"Cluster {context.name} is {cluster['state']}, and its API server does not answer: that it has nothing of "
            "its own cannot be proved, so it is not deleted.",
            next_step="Start it (kindlab.volumes.kind_cluster), or delete it (state=absent, force=true), then run this "
            "again: it resumes the way back to the old shape.",
        )
    proved = bool(facts.get("left")) if is_complete(cluster) else begun
    options = {"state": "absent", "force": proved}
    backup = context.path if facts.get("generation") else None
    context.act(kind_cluster, {**options, "backup": backup}, check_mode=False)
    context.cluster_id = ""


def _goes_back(context: Context) -> bool:
    """True if the new cluster has what a chosen generation holds, and not what the old one had."""
    return bool(context.target.get("generation") != context.facts.get("generation"))


def _check_left(context: Context) -> None:
    """Raise Declined unless nothing uses the volumes, and the generation that the new cluster went to has them."""
    api = context.connect()
    nodes = survey.current_nodes(context, api)
    accepted, left = context.options["accept_loss"] or (), context.facts["left"]
    blockers = find_blockers(api, context.engine, nodes, context.path, generation=left, accept_loss=accepted)
    decline(f"The new cluster {context.name} cannot be deleted safely", blockers)


def came_back(context: Context) -> KindlabError:
    """What a run that went all the way back ends with."""
    return KindlabError(
        f"{context.facts['why']} Cluster {context.name} was created again in its old shape, with everything that was "
        "in it.",
        next_step="Correct options, then run this again.",
    )
