# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the new cluster before anything is stopped or created: images, ports, directories, and places of volumes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.preflight import refusals
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.checks import volume_refusals
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.moves import (
    move_rows,
    places_of,
    plan_moves,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import (
    are_images_of,
    cluster_spec,
    expected_nodes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import decline
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.look import is_missing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host import machine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host.directories import with_content
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context


def check_new_cluster(
    context: Context, volumes: Iterable[Volume], directories: Mapping[str, str], archived: Collection[str] = ()
) -> None:
    """Raise BadInput or Declined if the new cluster cannot be created, or volumes cannot be restored into it.

    directories: volume's name -> its host directory so far, '' for data inside a node. archived: the volumes whose data
    is, or will be, in an archive.
    """
    facts, target, archived = context.facts, context.target, frozenset(archived)
    spec, engine = cluster_spec(context.name, facts["options"]), context.engine
    nodes = engine.nodes(context.name)
    # An image that has to be pulled may not come, once the cluster is deleted.
    seen = machine.look(engine, spec, context.options["kind"] or "kind", nodes, pulls=False)
    new = expected_nodes(spec, target.get("node_settings") or {})
    # A rerun without a node_map resumes with the one that was given last.
    node_map = {**(facts.get("node_map") or {}), **(context.options["node_map"] or {})}
    moves = plan_moves(volumes, directories, new, node_map, cluster=context.name, archived=archived)
    places = places_of(moves, directories, new, archived)
    fresh = {place.host_directory for name, place in places.items() if place.host_directory != directories[name]}
    # What an interrupted run has brought there is compared when it is restored.
    fresh -= {"", *(row["directory"] for row in (facts.get("moves") or {}).values())}
    unplaced = volume_refusals(
        moves,
        directories,
        new,
        cluster=context.name,
        archived=archived,
        missing={path for path in directories.values() if path and is_missing(path)},
        occupied=with_content(fresh),
    )
    decline(f"Cluster {context.name} cannot be recreated as requested", [*refusals(spec, seen), *unplaced])
    ids = {image: engine.image_id(image) or "" for image in seen.images}
    facts |= {"node_map": dict(moves.node_map), "moves": move_rows(moves, directories, places)}
    # What a generation has was made for the images of its own cluster.
    known = are_images_of(ids, target["images"], () if facts.get("back_to") else nodes)
    version = target["kubernetes_version"] if known else machine.image_version(engine, next(iter(ids)))
    facts |= {"new_version": version, "same_images": known}


def check_generation(context: Context) -> None:
    """The same by the generation that would be restored, for a cluster that is gone or goes back to it."""
    generation = context.target.get("generation")
    if not generation:
        check_new_cluster(context, (), {})
        return
    backup = read_backup(context.path, generation)
    saved = [volume for volume in backup.catalog.volumes if volume.checksum_list]
    archived = [volume.name for volume in saved if volume.archive]
    check_new_cluster(
        context, saved_volumes(backup), {volume.name: volume.host_directory for volume in saved}, archived
    )


def saved_volumes(backup: Backup) -> tuple[Volume, ...]:
    """The volumes of a generation, as they were in its cluster."""
    return read_volumes(backup.objects("PersistentVolume"), backup.objects("PersistentVolumeClaim"))
