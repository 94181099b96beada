# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data on the host that a generation replaces: found in the plan, and set aside."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import HOST, SavedVolume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate import snapshot
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.removal import compare_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.aside.anywhere import data_in
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.ways.obstacles import room
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate import survey
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context, Facts

from .sources import for_changing, nodes, sources, whole


def saving(context: Context) -> Facts:
    """How the present state is saved before the cluster goes back to a generation, {} if it does not.

    Sets the fact replaced: pods may have written since the plan. Raises what replaced raises.
    """
    if not context.facts.get("back_to"):
        return {}
    context.facts["replaced"] = replaced(context)
    # Removing the oldest generations could remove the one that the cluster goes back to.
    return {"objects": True, "keep": 0, **({"data": "archive"} if context.facts["replaced"] else {})}


def replaced(context: Context) -> dict[str, str]:
    """Volume's name -> its host directory, where that differs from the generation, which has its data in an archive.

    Raises Declined for data that cannot be rolled back.
    """
    backup = read_backup(context.path, context.target["generation"])
    elsewhere = {name for name, row in (context.target.get("moves") or {}).items() if row["directory"]}
    volumes = [v for v in backup.catalog.volumes if v.data == HOST and v.name not in elsewhere]
    coming = _coming(context, backup, volumes)
    there = [volume for volume in volumes if volume not in coming]
    # That a directory is empty may be the present state, too.
    empty = [volume for volume in coming if os.path.isdir(volume.host_directory)]
    differences = _differences(context, backup, [*there, *empty])
    found = {volume.name: volume.host_directory for volume in (*there, *empty) if volume.name in differences}
    full = {volume.name: volume.host_directory for volume in there if volume.name in differences}
    kept = {volume.name for volume in there} - full.keys()
    context.results["extracted"] = {volume.name for volume in coming} - found.keys()
    extracted = [v for v in backup.catalog.volumes if v.archive and v.name not in kept]
    before = context.facts.get("replaced")
    # Before pods were stopped, the others were read.
    unread = extracted if before is None else [v for v in extracted if v.name in found.keys() - before.keys()]
    refusals = snapshot.data_refusals(
        backup.name,
        backup.catalog.volumes,
        differences,
        backup.damaged_archives(unread),
        {
            **room(backup, extracted, context.options["checksums"], context.engine, nodes(context), full),
            **_nested(backup, full),
        },
    )
    decline(f"The data of cluster {context.name} cannot go back to generation {backup.name}", list(refusals))
    return found


def set_aside(context: Context) -> Facts:
    """Raises Declined if another cluster uses a directory."""
    backup = read_backup(context.path, context.target["generation"])
    directories = set((context.facts.get("replaced") or {}).values())
    volumes = [volume for volume in backup.catalog.volumes if volume.host_directory in directories]
    coming = _coming(context, backup, volumes)
    differing = _differences(context, backup, [volume for volume in volumes if volume not in coming])
    found = sources(context, {path: path for path in directories}, for_changing)
    begun = {path for path, source in found.items() if data_in(source).is_begun(source)}
    pending = {v.name: v.host_directory for v in volumes if v.name in differing or v.host_directory in begun}
    survey.check_unshared(context, pending)
    for directory in sorted(set(pending.values())):
        data_in(found[directory]).set_content_aside(found[directory], context.journal.date())
    return {"count": count(len(pending), "volume")}


def _coming(context: Context, backup: Backup, volumes: Iterable[SavedVolume]) -> list[SavedVolume]:
    """Those whose directory is missing or empty, or into which a killed run was extracting the archive."""
    archived = [volume for volume in volumes if volume.archive is not None]
    found = sources(context, {volume.name: volume.host_directory for volume in archived})
    return [v for v in archived if data_in(found[v.name]).is_free(found[v.name], partial(backup.entries, v))]


def _differences(context: Context, backup: Backup, volumes: Iterable[SavedVolume]) -> dict[str, str]:
    """Volume's name -> how the data in its host directory differs from the generation, for those where it does."""
    volumes = list(volumes)
    listed = {volume.name: volume.host_directory for volume in volumes if volume.checksum_list}
    texts = {volume.name: "it was written to while it was saved" for volume in volumes if volume.name not in listed}
    found = compare_data(backup, sources(context, listed), whole=whole(context))
    return texts | {name: difference.text() for name, difference in found.items() if difference}


def _nested(backup: Backup, found: Facts) -> dict[str, tuple[str, str]]:
    """Volume's name -> why its data cannot be replaced, and the next step. found: volume's name -> its directory."""
    inside = snapshot.nested(backup.catalog.volumes)
    return {
        name: (
            f"its data in {directory} differs from generation {backup.name}, and it cannot be set aside: the directory "
            f"of {inside[name]} is inside it, or around it",
            f"Move away what is in {directory}, then run this again.",
        )
        for name, directory in found.items()
        if name in inside
    }
