# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each step of a recreation does."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_cluster,
    storage_provisioner,
    storage_provisioner_info,
    volume_backup,
    volume_detach,
    volume_restore,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import provisioner_options
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.preflight import check_disk, check_images
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.removal import changes

from .context import Context, Facts

# Does a step, and returns the facts that the journal keeps of it.
Run = Callable[[Context], Facts]


def plan(context: Context) -> Facts:
    """Run the actions in check mode, so that whatever they refuse is refused before anything is changed."""
    options = context.action_options
    kind_cluster.run(options.cluster(**context.facts["options"]), True)
    storage = storage_provisioner_info.run(options.common, True)
    context.facts["storage_classes"] = storage.facts["storage_classes"]
    detached = context.run("detached", volume_detach.run, options.detach("detached"), check_mode=True)
    in_use = [volume for volume in detached["volumes"] if volume["in_use_by"]]
    if in_use:
        raise TimedOut(
            f"{count(len(in_use), 'volume')} would still be in use: "
            + listed((f"{v['name']}: {v['in_use_by'][0]['text']}" for v in in_use), separator="; ")
            + ". Nothing was changed.",
            next_step="Stop what uses them, then run this again.",
            details=in_use,
        )
    archive = context.options["data"] == "archive"
    checksums = "fast" if archive else "none"
    planned = context.run("backed_up", volume_backup.run, options.backup(checksums=checksums), check_mode=True)
    context.facts["volumes"] = planned["volumes"]
    check_images(context.engine, context.facts["images"])
    check_disk(context.path, context.facts["volumes"] if archive else ())
    return context.facts


def detach(context: Context) -> Facts:
    context.run("detached", volume_detach.run, context.action_options.detach("detached"))
    return {}


def back_up(context: Context, **options: str) -> Facts:
    saved = context.run("backed_up", volume_backup.run, context.action_options.backup(**options))
    context.facts |= {"generation": saved.get("generation", ""), "volumes": saved["volumes"]}
    return {"generation": saved["generation"]} if "generation" in saved else {}


def delete(context: Context, *, force: bool = False) -> Facts:
    options = context.action_options.cluster(state="absent", force=force)
    if context.facts.get("generation"):
        options["backup"] = context.path
    context.run("deleted", kind_cluster.run, options)
    return {}


def create(context: Context) -> Facts:
    context.run("created", kind_cluster.run, context.action_options.cluster(**context.facts["options"]))
    return {}


def provision(context: Context) -> Facts:
    options = context.action_options
    ours, _others = provisioner_options(context.facts["storage_classes"])
    for recorded in ours or [{"state": "absent"}]:
        storage_provisioner.run(options.storage(recorded), False)
    context.run("provisioned", storage_provisioner_info.run, options.common, check_mode=True)
    return {}


def restore(context: Context) -> Facts:
    context.run("restored", volume_restore.run, context.action_options.restore(context.facts["generation"]))
    return {}


def verify(context: Context) -> Facts:
    """Raises KindlabError, with the files, if the data that pods will find differs from the backup."""
    volumes = read_volumes(*context.connect().lists("PersistentVolume", "PersistentVolumeClaim"))
    backup = read_backup(context.path, context.facts["generation"])
    nodes = context.engine.nodes(context.name)
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
    options = context.action_options.detach("attached", path=context.path, generation=context.facts["generation"])
    context.run("attached", volume_detach.run, options)
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
