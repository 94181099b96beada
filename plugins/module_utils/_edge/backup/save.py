# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Save planned volumes: read their data, and write a generation unless the newest one is equal."""

from __future__ import annotations

from contextlib import nullcontext

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.draft import check_room, draft
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.result import BackupResult
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.kept.oldest import remove_oldest
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.directory import free_bytes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from .data import read_lists
from .existing import read_catalogs, read_existing
from .generation import texts, write_generation
from .looks import Data
from .writer import locked


def save(
    plan: Plan,
    found: Data,
    cluster: Cluster | None,
    created: str,
    watch: Stopwatch,
    *,
    check_mode: bool,
) -> BackupResult:
    """Set reclaim policy Retain, write the generation, and remove the oldest beyond request.keep.

    cluster: None if its API server is down. created: the time, e.g. 2026-11-23T06:57:00Z. Raises Declined if there is
    not enough room, before anything is written.
    """
    request = plan.request
    with nullcontext() if check_mode else locked(request.path):
        existing = read_existing(request.path)
        if request.archives:
            check_room(
                plan, found.looks, existing.newest.catalog if existing.newest else None, free_bytes(request.path)
            )
        if cluster is not None and not check_mode:
            cluster.each(lambda item: cluster.patch("PersistentVolume", *item), plan.retain.items())
        watch.lap("observe")
        lists = read_lists(found.sources, request.checksums)
        watch.lap("checksum")
        manifests = texts(plan)
        catalog = draft(plan, lists, manifests, created)
        existing = existing.relied_on_for(catalog)
        newest = existing.newest
        new = not existing.holds(catalog)
        if newest and not new:
            catalog, name = newest.catalog, newest.name
        elif check_mode:
            name = existing.next_name(created)
        else:
            catalog, name = write_generation(plan, catalog, found.sources, lists, manifests, watch)
        before = read_catalogs(request.path, existing.names) if request.keep else []
        generations = [*before, *([(name, catalog)] if new else [])]
        kept = remove_oldest(request.path, generations, request.keep, plan.living, check_mode=check_mode)
    saved = newest.catalog if newest else None
    return BackupResult(plan, name, catalog, new, existing.names, saved, existing.damage, kept, found.through)
