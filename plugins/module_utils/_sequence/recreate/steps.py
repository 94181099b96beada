# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each step of a recreation does, and how those before the deletion are undone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_cluster,
    storage_provisioner,
    storage_provisioner_info,
    volume_backup,
    volume_detach,
    volume_restore,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import policy_change
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import ROLLED_BACK
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.removal import changes

from . import survey
from .context import Context, Facts

# Does a step, and returns the facts that the journal keeps of it.
Run = Callable[[Context], Facts]


def plan(context: Context) -> Facts:
    """Run the actions in check mode, so that whatever they refuse is refused before anything is changed."""
    kind_cluster.run(context.options_of(kind_cluster, context.facts["options"]), True)
    storage = storage_provisioner_info.run(context.options_of(storage_provisioner_info, {}), True)
    context.facts["storage_classes"] = storage.facts["storage_classes"]
    detached = context.run("detached", volume_detach, {"state": "detached"}, check_mode=True)
    in_use = [volume for volume in detached["volumes"] if volume["in_use_by"]]
    if in_use:
        raise TimedOut(
            f"{count(len(in_use), 'volume')} would still be in use: "
            + listed((f"{v['name']}: {v['in_use_by'][0]['text']}" for v in in_use), separator="; ")
            + ". Nothing was changed.",
            next_step="Stop these pods and processes, then run this again.",
            details=in_use,
        )
    survey.check_directories(context)
    archive = context.options["data"] == "archive"
    checksums = {"checksums": "fast" if archive else "none"}
    planned = context.run("backed_up", volume_backup, checksums, check_mode=True)
    context.facts["volumes"] = planned["volumes"]
    check_images(context)
    if archive:
        _check_disk(context)
    return context.facts


def check_images(context: Context) -> None:
    """Raise BadInput if a node could not be created again because the engine lacks its image."""
    engine = context.engine
    missing = [image for image in context.facts["images"] if engine.image_id(image) is None]
    if missing:
        raise BadInput(
            f"The nodes cannot be created again: {engine.name} has no image {', '.join(missing)}. Nothing was changed.",
            tried=f"{engine.name} image inspect {missing[0]}",
            next_step=f"{engine.name} pull {missing[0]}, or the role kindlab.volumes.node_image.",
        )


def detach(context: Context) -> Facts:
    context.run("detached", volume_detach, {"state": "detached"})
    return {}


def back_up(context: Context, without_api: str = "refuse") -> Facts:
    saved = context.run("backed_up", volume_backup, {"without_api": without_api})
    context.facts |= {"generation": saved.get("generation", ""), "volumes": saved["volumes"]}
    return {"generation": saved["generation"]} if "generation" in saved else {}


def delete(context: Context, *, force: bool = False) -> Facts:
    backup = context.path if context.facts.get("generation") else None
    context.run("deleted", kind_cluster, {"state": "absent", "force": force, "backup": backup})
    return {}


def create(context: Context) -> Facts:
    context.run("created", kind_cluster, context.facts["options"])
    return {}


def provision(context: Context) -> Facts:
    ours = [item["options"] for item in context.facts["storage_classes"] if item["options"]]
    for options in ours or [{"state": "absent"}]:
        storage_provisioner.run(context.options_of(storage_provisioner, options), False)
    context.run("provisioned", storage_provisioner_info, {}, check_mode=True)
    return {}


def restore(context: Context) -> Facts:
    options = {"generation": context.facts["generation"], "verify": context.options["checksums"]}
    context.run("restored", volume_restore, options)
    return {}


def verify(context: Context) -> Facts:
    """Raises KindlabError, with the files, if the data that pods will find differs from the backup."""
    cluster = context.connect()
    volumes = read_volumes(*cluster.lists("PersistentVolume", "PersistentVolumeClaim"))
    backup = read_backup(context.path, context.facts["generation"])
    nodes = survey.current_nodes(context, cluster)
    differing = {name: diff for name, diff in changes(backup, volumes, nodes, context.engine).items() if diff}
    if differing:
        raise KindlabError(
            "The restored data differs from the backup: "
            + listed((f"{name}: {difference.text()}" for name, difference in differing.items()), separator="; "),
            next_step="Find out what writes to it, then run this again: it resumes here. To keep the data as it is, "
            f"scale the workloads back up (kindlab.volumes.volume_detach: state=attached, path={context.path}) and "
            f"forget the recreation: mv {context.journal.path} {context.journal.path}.old",
            details=[{"name": name, **difference.as_dict()} for name, difference in differing.items()],
        )
    return {}


def attach(context: Context) -> Facts:
    recorded = {"path": context.path, "generation": context.facts["generation"]}
    context.run("attached", volume_detach, {"state": "attached", **recorded})
    return {}


RUN: dict[str, Run] = {
    "planned": plan,
    "detached": detach,
    "backed_up": back_up,
    "deleted": delete,
    "created": create,
    "provisioned": provision,
    "restored": restore,
    "verified": verify,
    "attached": attach,
}


def undo(context: Context) -> str:
    """Scale workloads back up, and reset the reclaim policies that the backup set; sentences for the error message."""
    deleted = context.results["detached"].get("deleted_pods")
    try:
        volume_detach.run(context.options_of(volume_detach, {"state": "attached"}), False)
        done = "The cluster was not deleted, and the workloads were scaled back up."
        with suppress(KindlabError):
            context.journal.add(ROLLED_BACK)
    except KindlabError as error:
        done = f"The cluster was not deleted. The workloads are still scaled to zero ({error.message})."
    before = {v["name"]: v["reclaim_policy_before"] for v in context.facts.get("volumes", ())}
    changed = [name for name, policy in before.items() if policy != "Retain"]
    try:
        cluster = context.connect()
        cluster.each(lambda name: cluster.patch("PersistentVolume", name, policy_change(before[name])), changed)
    except KindlabError as error:
        done += f" Some volumes may have kept the reclaim policy Retain ({error.message})."
    if deleted:
        done += f" These pods were deleted and have no controller: {', '.join(deleted)}."
    return done


def _check_disk(context: Context) -> None:
    """Raise BadInput if uncompressed archives of the volumes would not fit on the disk."""
    needed = sum(volume["bytes"] for volume in context.facts["volumes"])
    path = Path(context.path)
    free = shutil.disk_usage(next(p for p in (path, *path.parents) if p.exists())).free
    if needed > free:
        raise BadInput(
            f"The disk of {path} may be too small: {free:,} bytes are free, the volumes contain "
            f"{needed:,} bytes. "
            "Nothing was changed.",
            tried=f"df -h {path}",
            next_step="Free some space, or set path to a directory on a larger disk.",
        )
