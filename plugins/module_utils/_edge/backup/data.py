# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Saves the data of volumes: their checksum lists, archives of what the lists say, and both as a generation."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeAlias

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    COMPRESSIONS,
    Catalog,
    SavedArchive,
    file_stem,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.draft import Listed, Modes, listed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import node_directory as node_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import content, write_archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.hash_pool import cpu_count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.read_errors import DETACH
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan, scan_all

from .writer import Writer

# Volumes whose entries are in memory at the same time.
BATCH = 64
# More at once make a disk slower; each compressor uses all cores by itself.
ARCHIVES_AT_ONCE = 4

# Where a volume's data is read: a directory of the host, or one inside a node.
Source: TypeAlias = "str | NodeDirectory"


def read_lists(sources: Mapping[str, Source], mode: str) -> dict[str, Listed]:
    """Volume's name -> its list. Raises what data.scan_all and node_data.read raise."""
    if mode == "none":
        return {name: Listed() for name in sources}
    found: dict[str, Listed] = {}
    on_host = {name: source for name, source in sources.items() if isinstance(source, str)}
    names = list(on_host)
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        for name, entries in zip(batch, scan_all([on_host[name] for name in batch], mode), strict=True):
            found[name] = listed(entries, mode)
    in_nodes = {name: source for name, source in sources.items() if isinstance(source, NodeDirectory)}
    # Behind the others, which may fork: that must not happen beside threads.
    with ThreadPoolExecutor(cpu_count()) as pool:
        lists = pool.map(lambda source: listed(node_data.read(source, mode), mode), in_nodes.values())
        found |= zip(in_nodes, lists, strict=True)
    return {name: found[name] for name in sources}


def archives(
    writer: Writer,
    sources: Mapping[str, Source],
    lists: Mapping[str, Listed],
    modes: Modes,
) -> dict[str, SavedArchive]:
    """Write an archive per volume, the largest first, several at once.

    Raises Conflict where data changed since its list was made, and whatever archive.write_archive raises. What was
    read inside a node may soon be gone: its archive is read again, and holds what the list says.
    """
    ordered = sorted(sources, key=lambda name: -lists[name].bytes)
    failed: list[str] = []

    def save(name: str) -> SavedArchive | None:
        if failed:
            return None
        try:
            return _archive(writer, name, sources[name], lists[name], modes)
        except BaseException:
            failed.append(name)
            raise

    with ThreadPoolExecutor(min(ARCHIVES_AT_ONCE, cpu_count())) as pool:
        saved = [(name, pool.submit(save, name)) for name in ordered]
    for _name, future in saved:
        if future.exception():
            future.result()
    return {name: archive for name, future in saved if (archive := future.result()) is not None}


def write_files(writer: Writer, texts: Mapping[str, str], lists: Mapping[str, Listed], wanted: Catalog) -> None:
    """Write manifests (texts by path) and the checksum lists that the catalog names."""
    for path, text in texts.items():
        writer.write(path, text)
    for volume in wanted.volumes:
        if volume.checksum_list:
            writer.write(volume.checksum_list, lists[volume.name].text)


def completed(writer: Writer, wanted: Catalog, saved: Mapping[str, SavedArchive]) -> Catalog:
    """The catalog of all that was written."""
    volumes = tuple(replace(volume, archive=saved.get(volume.name)) for volume in wanted.volumes)
    return replace(wanted, volumes=volumes, files=dict(writer.files))


def needed_bytes(texts: Mapping[str, str], lists: Mapping[str, Listed], modes: Modes) -> int:
    """What a generation takes at most, about."""
    small = sum(map(len, texts.values())) + sum(len(found.text) for found in lists.values())
    return small + (sum(found.bytes for found in lists.values()) if modes.archives else 0)


def refuse_devices(lists: Mapping[str, Listed]) -> None:
    """Raise Declined for volumes with device nodes: an archive with such is never extracted."""
    names = sorted(name for name, found in lists.items() if found.devices)
    if names:
        raise Declined(
            f"{len(names)} volume(s) hold device nodes, which no archive may bring back: {', '.join(names[:10])}",
            next_step="Save them with data: in_place, or leave them out.",
            details=names,
        )


def _archive(writer: Writer, name: str, source: Source, found: Listed, modes: Modes) -> SavedArchive:
    path = f"archives/{file_stem(name)}{COMPRESSIONS[modes.compression]}"
    saved = checksums.from_text(found.text, name)
    with writer.open(path) as file:
        if isinstance(source, str):
            written = write_archive(source, file.write, modes.compression, modes.level)
        else:
            with node_data.unchanged_during(source):
                written = write_archive(source.path, file.write, modes.compression, modes.level, source.tar)
    if isinstance(source, str):
        since = checksums.compare(saved, scan(source, "fast"), "fast")
    else:
        # An archive's times are whole seconds: full is the comparison without times.
        now = content(writer.directory / path, modes.compression, modes.checksums)
        since = checksums.compare(saved, now, "full")
    if since:
        raise Conflict(
            f"The data of {name} in {source} was written to while it was saved: {since.text()}", next_step=DETACH
        )
    writer.files[path] = written.sha256
    return SavedArchive(path, written.sha256, written.bytes, modes.compression)
