# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read the data of volumes, on the host or inside nodes: checksum lists, and archives that match them."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    SavedArchive,
    archive_path,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.draft import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import node_directory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import content, write_archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.hashing import cpu_count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.read_errors import changed_while_read
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import check_readable, scan, scan_all
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from .writer import Writer

# Volumes whose entries are in memory at the same time.
BATCH = 64
# More at once slow down a disk; each compressor uses all processors by itself.
ARCHIVES_AT_ONCE = 4

# Where a volume's data is read: a directory of the host, or one inside a node.
Source: TypeAlias = "str | NodeDirectory"


def data_sources(plan: Plan, engine: Engine) -> dict[str, Source]:
    """Volume's name -> where its data is read. Raises BadInput if any of it cannot be read."""
    if plan.request.checksums != "none":
        check_readable(plan.host_directories)
    in_nodes = node_directory.node_directories(engine, plan.in_nodes)
    node_directory.check_readable(in_nodes)
    return {**plan.host_directories, **in_nodes}


def read_lists(sources: Mapping[str, Source], mode: str) -> dict[str, ChecksumList]:
    """Volume's name -> its checksum list. Raises what scan_all and node_directory.read raise."""
    if mode == "none":
        return {name: ChecksumList() for name in sources}
    lists: dict[str, ChecksumList] = {}
    on_host = [(name, source) for name, source in sources.items() if isinstance(source, str)]
    for start in range(0, len(on_host), BATCH):
        names, directories = zip(*on_host[start : start + BATCH], strict=True)
        for name, entries in zip(names, scan_all(directories, mode), strict=True):
            lists[name] = ChecksumList.from_entries(entries, mode)
    in_nodes = {name: source for name, source in sources.items() if isinstance(source, NodeDirectory)}

    def read(source: NodeDirectory) -> ChecksumList:
        return ChecksumList.from_entries(node_directory.read(source, mode), mode)

    # After the others, which may fork: that must not happen beside threads.
    with ThreadPoolExecutor(cpu_count()) as pool:
        lists |= zip(in_nodes, pool.map(read, in_nodes.values()), strict=True)
    return {name: lists[name] for name in sources}


def write_archives(
    writer: Writer, sources: Mapping[str, Source], lists: Mapping[str, ChecksumList], request: Request
) -> dict[str, SavedArchive]:
    """Write an archive per volume, the largest first, several at once.

    Raises Conflict if data changed since its list was made, and whatever write_archive raises. Data inside a node
    may be deleted with it: its archive is read back and compared with the list.
    """
    failed: list[str] = []

    def write(name: str) -> SavedArchive | None:
        if failed:
            return None
        try:
            return _write_archive(writer, name, sources[name], lists[name], request)
        except BaseException:
            failed.append(name)
            raise

    with ThreadPoolExecutor(min(ARCHIVES_AT_ONCE, cpu_count())) as pool:
        ordered = sorted(sources, key=lambda name: -lists[name].bytes)
        futures = [(name, pool.submit(write, name)) for name in ordered]
    return {name: archive for name, future in futures if (archive := future.result()) is not None}


def _write_archive(
    writer: Writer, name: str, source: Source, checksum_list: ChecksumList, request: Request
) -> SavedArchive:
    path = archive_path(name, request.compression)
    saved = checksums.from_text(checksum_list.text, name)
    how = request.compression, request.compression_level
    if isinstance(source, str):
        with writer.open(path) as file:
            written = write_archive(source, file.write, *how)
        difference = checksums.compare(saved, scan(source, "fast"), "fast")
    else:
        with writer.open(path) as file, node_directory.unchanged_during(source):
            written = write_archive(source.path, file.write, *how, source.tar)
        # An archive's times are whole seconds: full is the comparison without times.
        archived = content(writer.directory / path, request.compression, request.checksums)
        difference = checksums.compare(saved, archived, "full")
    if difference:
        raise changed_while_read(f"The data of {name} in {source}", difference.text())
    writer.files[path] = written.sha256
    return SavedArchive(path, written.sha256, written.bytes, request.compression)
