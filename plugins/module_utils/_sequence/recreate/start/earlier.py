# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was before a recreation: backups of the cluster, and whether a living one is that of an interrupted run."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import GENERATIONS, generation_number
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import is_terminal, pods_by_claim
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import of_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.resume import stranger
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import (
    Backup,
    generations,
    read_backup,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.people import identity
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context, Facts


def names(context: Context) -> list[str]:
    """The generations in the context's path."""
    return list(generations(context.path)) if (Path(context.path) / GENERATIONS).is_dir() else []


def last_backup(context: Context) -> Facts:
    """The facts that the newest backup has of this cluster; {} if there is none, or it is another cluster's."""
    if not names(context):
        return {}
    backup = read_backup(context.path)
    described = backup.objects("Cluster")
    if backup.catalog.cluster.name != context.name or not described:
        return {}
    return of_backup(backup.catalog, described[0], backup.name, context.engine.name)


def has_objects(backup: Backup) -> bool:
    """Whether a generation has all objects of its cluster, not only volumes and what uses them."""
    return backup.catalog.objects is not None


def set_generation(context: Context) -> None:
    """Set what is restored where the cluster is gone; a later backup counts more than a generation it went back to."""
    generation = newest_generation(context)
    later = generation != (context.facts.get("generation") or "")
    if later and context.facts.get("back_to"):
        context.facts |= {**context.target, "back_to": {}}
    if "replaced" in context.facts and (later or context.progress.ended or "verified" in context.progress.finished):
        # What was written since is in no generation: it is compared, and not replaced.
        context.facts["replaced"] = {}
    context.facts["generation"] = generation
    if generation and has_objects(read_backup(context.path, generation)):
        context.facts["objects_from"] = generation


def newest_generation(context: Context) -> str:
    """The generation of a cluster that is gone: the recreation's own, or a later backup of it."""
    recorded = context.facts.get("generation") or ""
    # A recreation without volumes, or from an older generation, restores none of those that were saved before it.
    known = max(generation_number(name) or 0 for name in (recorded, context.facts.get("newest_generation") or ""))
    for name in reversed(names(context)):
        if (generation_number(name) or 0) <= known:
            break
        catalog = read_backup(context.path, name).catalog
        if catalog.cluster.name == context.name:
            missing = {v["name"] for v in context.facts.get("volumes", ())} - {v.name for v in catalog.volumes}
            if missing:
                context.warnings.append(
                    f"Generation {name}, saved after the recreation, is restored. It does not contain "
                    f"{listed(sorted(missing))}, which {recorded} does."
                )
            return name
    return recorded


def find_stranger(context: Context) -> str:
    """Why a complete cluster is not the one that the interrupted run created."""
    api = context.connect()
    pvs, claims, pods = api.lists("PersistentVolume", "PersistentVolumeClaim", "Pod")
    using = pods_by_claim(pod for pod in pods if not is_terminal(pod))
    volumes = read_volumes(pvs, claims)
    used = [volume.name for volume in volumes if volume.claim_phase and volume.claim in using]
    why = stranger(context.progress, identity(api)[0], [volume.name for volume in volumes], used)
    if why:
        context.warnings.append(
            f"The recreation that the journal {context.journal.path} records was not completed, and is not continued: "
            f"{why}. Cluster {context.name} is recreated as it is now."
        )
    return why
