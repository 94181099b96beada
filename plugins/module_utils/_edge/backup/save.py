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
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.draft import ChecksumList, draft
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import MANIFESTS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.result import BackupResult
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import manifests as manifest_text
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from . import data
from .reader import read_existing
from .writer import Writer, locked, remove_generations


def save(
    plan: Plan,
    sources: Mapping[str, data.Source],
    cluster: Cluster | None,
    created: str,
    watch: Stopwatch,
    *,
    check_mode: bool,
) -> BackupResult:
    """Set reclaim policy Retain, write the generation, and remove the oldest beyond request.keep.

    cluster: None if its API server is down. created: the time, e.g. 2026-11-23T06:57:00Z.
    """
    request = plan.request
    with nullcontext() if check_mode else locked(request.path):
        existing = read_existing(request.path)
        if cluster is not None and not check_mode:
            cluster.each(lambda item: cluster.patch("PersistentVolume", *item), plan.retain.items())
        watch.lap("observe")
        lists = data.read_lists(sources, request.checksums)
        watch.lap("checksum")
        manifests = {MANIFESTS[kind]: manifest_text.to_text(items) for kind, items in plan.manifests.items() if items}
        catalog, newest = draft(plan, lists, manifests, created), existing.newest
        new = newest is None or not same_content(catalog, newest.catalog)
        if newest and not new:
            catalog, name = newest.catalog, newest.name
        elif check_mode:
            number = max((generation_number(name) or 0 for name in existing.names), default=0)
            name = generation_name(number + 1, created)
        else:
            catalog, name = _write(catalog, sources, lists, manifests, request, watch)
        names = [*existing.names, *([name] if new else [])]
        removed = names[: -request.keep] if request.keep else []
        if not check_mode:
            remove_generations(request.path, removed)
    saved = newest.catalog if newest else None
    return BackupResult(plan, name, catalog, new, existing.names, saved, existing.damage, removed)


def _write(
    catalog: Catalog,
    sources: Mapping[str, data.Source],
    lists: Mapping[str, ChecksumList],
    manifests: Mapping[str, str],
    request: Request,
    watch: Stopwatch,
) -> tuple[Catalog, str]:
    """Write a generation; its complete catalog and its name."""
    with Writer(request.path, needed_bytes(manifests, lists, archives=request.archives)) as writer:
        if request.archives:
            archives = data.write_archives(writer, sources, lists, request)
            catalog = replace(catalog, volumes=tuple(replace(v, archive=archives[v.name]) for v in catalog.volumes))
            watch.lap("archive")
        write_files(writer, manifests, lists, catalog)
        catalog = replace(catalog, files=dict(writer.files))
        name = writer.publish(catalog)
        watch.lap("write")
    return catalog, name


def write_files(
    writer: Writer, manifests: Mapping[str, str], lists: Mapping[str, ChecksumList], catalog: Catalog
) -> None:
    """Write the manifests (text by path) and the checksum lists of the catalog."""
    for path, text in manifests.items():
        writer.write(path, text)
    for volume in catalog.volumes:
        if volume.checksum_list:
            writer.write(volume.checksum_list, lists[volume.name].text)


def needed_bytes(manifests: Mapping[str, str], lists: Mapping[str, ChecksumList], *, archives: bool) -> int:
    """The approximate size of a generation, at most."""
    small = sum(map(len, manifests.values())) + sum(len(item.text) for item in lists.values())
    return small + (sum(item.bytes for item in lists.values()) if archives else 0)
