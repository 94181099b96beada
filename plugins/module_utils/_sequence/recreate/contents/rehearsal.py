# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step of a recreation that creates all objects in a throw-away cluster, before anything is stopped."""

from __future__ import annotations

import secrets

from ansible_collections.kindlab.volumes.plugins.module_utils._action import kind_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.export import saved_claim, saved_volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.contents.objects import refusals, without
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.contents.rehearsal import (
    is_wanted,
    refused_error,
    rehearsal_name,
    rehearsal_options,
    without_classes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import refused as would_refuse
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context, Facts

from . import objects
from .source import to_restore

_POD = "Pod"


def name_it(context: Context, *, known: bool = True) -> None:
    """Give the throw-away cluster a name that nobody else has, if there is to be one. known: whether objects are."""
    facts = context.facts
    known = known and context.options["objects"] == "all"
    shapes = (facts.get("old_options") or {}, facts["options"])
    wanted = known and is_wanted(context.options["rehearse"], *shapes, same_images=facts["same_images"])
    facts["rehearsal"] = rehearsal_name(context.name, secrets.token_hex(3)) if wanted else ""


def rehearse(context: Context) -> Facts:
    """Raises Declined for what the throw-away cluster does not take."""
    name = context.facts["rehearsal"]
    everything = to_restore(context)
    # Pods would run here, too: they are only checked, like volumes.
    pods = [item for item in everything.made if item["kind"] == _POD]
    made = without_classes(without(everything, pods))
    try:
        _run(name, context, rehearsal_options(context.facts["options"]))
        cluster = context.connect(name)
        rows = objects.rehearse(context, cluster, made, objects.UNTIL_LAST)
        # Before admission webhooks are there, which nobody answers.
        refused = would_refuse(cluster, [*_volumes(context), *pods])
        rows = [*rows, *objects.rehearse(context, cluster, made, objects.AT_LAST)]
        version = cluster.version()
    finally:
        remove(context, name)
    if refused := [*refusals(rows), *refused]:
        raise refused_error(version, refused)
    return {"count": f"{len(rows)} objects"}


def remove_left(context: Context) -> None:
    """Remove the throw-away cluster of a run that was killed; its name is random, so it is nobody else's."""
    name = context.progress.facts.get("rehearsal")
    if name and context.engine.nodes(name):
        remove(context, name)


def remove(context: Context, name: str) -> None:
    """Nobody knows it, and nothing runs in it."""
    _run(name, context, {"state": "absent", "force": True})


def _run(name: str, context: Context, options: Facts) -> None:
    own = {"name": name, "kubeconfig": None, **options}
    context.act(kind_cluster, own, check_mode=False)


def _volumes(context: Context) -> list[Object]:
    """Volumes and claims, as they are restored."""
    kinds = ("PersistentVolume", "PersistentVolumeClaim")
    if context.target.get("objects_from"):
        backup = read_backup(context.path, context.target["generation"])
        return [item for kind in kinds for item in backup.objects(kind)]
    volumes, claims = context.connect().lists(*kinds)
    return [*map(saved_volume, volumes), *map(saved_claim, claims)]
