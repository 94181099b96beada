# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each step of a recreation does."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_cluster,
    volume_backup,
    volume_detach,
    volume_restore,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import with_policies
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.running.counts import (
    backup_text,
    nodes_text,
    volumes_text,
    workloads_text,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.snapshot import data
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.start.earlier import names

from .contents import images as loaded
from .contents import objects, rehearsal
from .context import Context, Facts
from .new_cluster import configure, create, provision
from .plan import plan
from .undo import undo
from .verify import verify

__all__ = ["RUN", "back_up", "delete", "undo"]

# Does a step, and returns the facts that the journal keeps of it.
Run = Callable[[Context], Facts]


def detach(context: Context) -> Facts:
    done = context.run("detached", volume_detach, {"state": "detached"})
    return {"count": workloads_text(done["workloads"])}


def back_up(context: Context, without_api: str = "refuse") -> Facts:
    everything = context.options["objects"] == "all"
    images = context.facts.get("loaded_images") or []
    pods = context.facts.get("pods") or []
    options = {"without_api": without_api, "objects": everything, "loaded_images": images, "deleted_pods": pods}
    options |= data.saving(context)
    saved = context.run("backed_up", volume_backup, options)
    generation = saved.get("generation", "")
    # Without an API server nothing new is known of the objects.
    objects_from = generation if saved.get("objects") else context.facts.get("objects_from", "")
    restored = {"generation": generation, "objects_from": objects_from}
    context.facts |= {**restored, "volumes": with_policies(saved["volumes"], context.facts)}
    if "replaced" in context.facts:
        restored["replaced"] = context.facts["replaced"]
    facts = {**restored, "count": backup_text(saved)}
    return facts if generation else {**facts, "newest_generation": next(reversed(names(context)), "")}


def delete(context: Context, *, force: bool = False) -> Facts:
    backup = context.path if context.facts.get("generation") else None
    context.run("deleted", kind_cluster, {"state": "absent", "force": force, "backup": backup})
    return {"count": nodes_text(context.facts["nodes"])}


def restore(context: Context) -> Facts:
    facts = context.target
    options = {"generation": facts["generation"], "verify": context.options["checksums"]}
    context.run("restored", volume_restore, {**options, "node_map": facts.get("node_map") or None})
    return {"count": volumes_text(facts["volumes"])}


def attach(context: Context) -> Facts:
    facts = context.target
    # Without all objects, workloads are not there yet: they are created from the backup.
    recorded = {} if context.brings_objects else {"path": context.path, "generation": facts["generation"]}
    down = frozenset(context.target.get("kept_down", ()))
    done = context.run("attached", volume_detach, {"state": "attached", "left_down": down, **recorded})
    return {"count": workloads_text(done["workloads"])}


RUN: dict[str, Run] = {
    "planned": plan,
    "images_saved": loaded.save,
    "rehearsed": rehearsal.rehearse,
    "detached": detach,
    "backed_up": back_up,
    "deleted": delete,
    "created": create,
    "images_loaded": loaded.load,
    "provisioned": provision,
    "configured": configure,
    "prepared": objects.prepare,
    "set_aside": data.set_aside,
    "restored": restore,
    "verified": verify,
    "applied": objects.apply,
    "attached": attach,
    "completed": objects.complete,
}
