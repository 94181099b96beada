# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Save planned volumes: read their data, and write a generation unless the newest one is equal."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    Catalog,
    generation_name,
    generation_number,
    same_content,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.draft import check_room, draft
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import MANIFESTS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import Look
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.result import BackupResult
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.retention import retention
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import manifests as manifest_text
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from . import data
from .reader import ExistingBackups, read_catalogs, read_existing
from .writer import Writer, free_bytes, locked, remove_generations

# Of a checksum list, about.
LINE_BYTES = 200


def save(
    plan: Plan,
    sources: Mapping[str, data.Source],
    looks: Mapping[str, Look],
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
            check_room(plan, looks, existing.newest.catalog if existing.newest else None, free_bytes(request.path))
        if cluster is not None and not check_mode:
            cluster.each(lambda item: cluster.patch("PersistentVolume", *item), plan.retain.items())
        watch.lap("observe")
        lists = data.read_lists(sources, request.checksums)
        watch.lap("checksum")
        manifests = {MANIFESTS[kind]: manifest_text.to_text(items) for kind, items in plan.manifests.items() if items}
        catalog = draft(plan, lists, manifests, created)
        existing = _verified(existing, catalog)
        newest = existing.newest
        new = newest is None or not same_content(catalog, newest.catalog)
        if newest and not new:
            catalog, name = newest.catalog, newest.name
        elif check_mode:
            number = max((generation_number(name) or 0 for name in existing.names), default=0)
            name = generation_name(number + 1, created)
        else:
            catalog, name = _write(plan, catalog, sources, lists, manifests, watch)
        generations = [*read_catalogs(request.path, existing.names), *([(name, catalog)] if new else [])]
        kept = retention(generations, request.keep, plan.living)
        if not check_mode:
            remove_generations(request.path, kept.removed)
    saved = newest.catalog if newest else None
    return BackupResult(plan, name, catalog, new, existing.names, saved, existing.damage, kept)


def _verified(existing: ExistingBackups, catalog: Catalog) -> ExistingBackups:
    """Without the newest generation if this backup would rely on it, and its archives are damaged."""
    if existing.newest is None or not same_content(catalog, existing.newest.catalog):
        return existing
    try:
        existing.newest.check_archives()
    except BadInput as error:
        return replace(existing, newest=None, damage=error.message)
    return existing


def _write(
    plan: Plan,
    catalog: Catalog,
    sources: Mapping[str, data.Source],
    lists: Mapping[str, ChecksumList],
    manifests: Mapping[str, str],
    watch: Stopwatch,
) -> tuple[Catalog, str]:
    """Write a generation; its complete catalog and its name."""
    request = plan.request
    with Writer(request.path, needed_bytes(manifests, lists, archives=request.archives)) as writer:
        if request.archives:
            written = data.write_archives(writer, sources, lists, request)
            lists = {name: archived.listed for name, archived in written.items()}
            catalog = with_archives(draft(plan, lists, manifests, catalog.created), written)
            watch.lap("archive")
        write_files(writer, manifests, lists, catalog)
        catalog = replace(catalog, files=dict(writer.files))
        name = writer.publish(catalog)
        watch.lap("write")
    return catalog, name


def with_archives(catalog: Catalog, written: Mapping[str, data.Archived]) -> Catalog:
    """The catalog with the archives that were written."""
    volumes = (replace(v, archive=written[v.name].archive) if v.name in written else v for v in catalog.volumes)
    return replace(catalog, volumes=tuple(volumes))


def write_files(
    writer: Writer, manifests: Mapping[str, str], lists: Mapping[str, ChecksumList], catalog: Catalog
) -> None:
    """Write the manifests (text by path) and the checksum lists of the catalog."""
    for path, text in manifests.items():
        writer.write(path, text)
    for volume in catalog.volumes:
        if volume.checksum_list:
            writer.write(volume.checksum_list, lists[volume.name].lines())


def needed_bytes(manifests: Mapping[str, str], lists: Mapping[str, ChecksumList], *, archives: bool) -> int:
    """The approximate size of a generation, at most."""
    small = sum(map(len, manifests.values())) + LINE_BYTES * sum(len(item.entries) for item in lists.values())
    return small + (sum(item.bytes for item in lists.values()) if archives else 0)
