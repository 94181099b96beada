# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check what is known before anything is stopped or created: images, ports, directories, and places of volumes."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import GENERATIONS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate import checks
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import (
    are_images_of,
    cluster_spec,
    expected_nodes,
    images_of,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate import host
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.people import identity

from .context import Context


def check_new_cluster(
    context: Context, volumes: Iterable[Volume], directories: Mapping[str, str], archived: Collection[str] = ()
) -> None:
    """Raise BadInput or Declined if the new cluster cannot be created, or volumes cannot be restored into it.

    directories: volume's name -> its host directory so far, '' for data inside a node. archived: the volumes whose data
    is, or will be, in an archive.
    """
    spec, nodes = cluster_spec(context.name, context.facts["options"]), context.engine.nodes(context.name)
    ids = image_ids(context, images_of(spec))
    ports = checks.new_ports(spec, nodes)
    refusals = [
        *checks.host_refusals(host.unusable(ports), host.missing(spec.directories), spec),
        *checks.volume_refusals(
            volumes,
            directories,
            expected_nodes(spec, context.facts.get("node_settings") or {}),
            archived=archived,
            missing=host.missing_directories(path for path in directories.values() if path),
        ),
    ]
    decline(f"Cluster {context.name} cannot be recreated as requested", refusals)
    known = are_images_of(ids, context.facts["images"], nodes)
    version = context.facts["kubernetes_version"] if known else host.image_version(context.engine, next(iter(ids)))
    context.facts |= {"new_version": version, "same_images": known}


def image_ids(context: Context, images: Collection[str]) -> dict[str, str]:
    """The id of each image. Raises BadInput if a node could not be created because the engine lacks its image."""
    engine = context.engine
    ids = {image: engine.image_id(image) for image in images}
    missing = [image for image, found in ids.items() if found is None]
    if missing:
        raise BadInput(
            f"The nodes cannot be created: {engine.name} has no image {', '.join(missing)}. Nothing was changed.",
            tried=f"{engine.name} image inspect {missing[0]}",
            next_step=f"{engine.name} pull {missing[0]}, or the role kindlab.volumes.node_image.",
        )
    return {image: found for image, found in ids.items() if found is not None}


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
