# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check what is known before anything is stopped or created: images, ports, directories, and places of volumes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import GENERATIONS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.preflight import refusals
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate import checks
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import (
    are_images_of,
    cluster_spec,
    expected_nodes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host import machine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.people import identity

from .context import Context


def check_new_cluster(
    context: Context, volumes: Iterable[Volume], places: Mapping[str, str], archived: Collection[str] = ()
) -> None:
    """Raise BadInput or Declined if the new cluster cannot be created, or volumes cannot be restored into it.

    places: volume's name -> its host directory so far, '' for data inside a node. archived: the volumes whose data
    is, or will be, in an archive.
    """
    spec, engine = cluster_spec(context.name, context.facts["options"]), context.engine
    nodes = engine.nodes(context.name)
    # An image that has to be pulled may not come, once the cluster is deleted.
    seen = machine.look(engine, spec, context.options["kind"] or "kind", nodes, pulls=False)
    lost = {path for path in places.values() if path and not os.path.exists(path)}
    expected = expected_nodes(spec, context.facts.get("node_settings") or {})
    unplaced = checks.volume_refusals(volumes, places, expected, archived=archived, missing=lost)
    decline(f"Cluster {context.name} cannot be recreated as requested", [*refusals(spec, seen), *unplaced])
    ids = {image: engine.image_id(image) or "" for image in seen.images}
    known = are_images_of(ids, context.facts["images"], nodes)
    version = context.facts["kubernetes_version"] if known else machine.image_version(engine, next(iter(ids)))
    context.facts["new_version"] = version


def check_generation(context: Context) -> None:
    """The same for a cluster that does not exist any more, by the generation that would be restored."""
    generation = context.facts.get("generation")
    if not generation:
        check_new_cluster(context, (), {})
        return
    backup = read_backup(context.path, generation)
    saved = [volume for volume in backup.catalog.volumes if volume.checksum_list]
    archived = [volume.name for volume in saved if volume.archive]
    volumes = read_volumes(backup.objects("PersistentVolume"), backup.objects("PersistentVolumeClaim"))
    check_new_cluster(context, volumes, {volume.name: volume.host_directory for volume in saved}, archived)


def check_disk(context: Context) -> None:
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


def check_unrestored(context: Context, volumes: Collection[str]) -> None:
    """Raise Declined for an empty cluster that was never given the volumes of its backup; warn if it lacks some."""
    if not (Path(context.path) / GENERATIONS).is_dir():
        return
    try:
        backup = read_backup(context.path)
    except KindlabError:
        # A new generation does not depend on a damaged one.
        return
    uid, created = identity(context.connect())
    if backup.catalog.cluster.name != context.name or _was_restored(context, backup.name, uid):
        return
    missing = checks.unrestored(backup.catalog, volumes, created)
    if missing and (not volumes or context.stranger):
        raise checks.unrestored_error(context.name, context.path, backup.name, missing)
    if missing:
        context.warnings.append(
            f"Generation {backup.name} of the backup contains {listed(missing)}, which cluster {context.name} does "
            "not have; they are not restored."
        )


def _was_restored(context: Context, generation: str, uid: str) -> bool:
    """True if a recreation restored this generation into this very cluster."""
    progress = context.progress
    known = progress.facts.get("cluster_id")
    return bool(progress.ended and uid and known == uid and progress.facts.get("generation") == generation)
