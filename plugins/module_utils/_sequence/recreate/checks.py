# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check before anything is stopped: room for archives, and a backup that was never restored into the cluster."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import GENERATIONS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate import checks
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.directory import free_bytes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.people import identity

from .context import Context


def check_disk(context: Context) -> None:
    """Raise BadInput if uncompressed archives of the volumes would not fit on the disk."""
    needed = sum(volume["bytes"] for volume in context.facts["volumes"])
    path, free = context.path, free_bytes(context.path)
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
    if context.facts.get("back_to") or not (Path(context.path) / GENERATIONS).is_dir():
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
