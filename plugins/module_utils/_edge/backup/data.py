# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read the data of volumes, on the host or inside nodes: checksum lists, and archives that match them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Union

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    SavedArchive,
    archive_path,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.difference import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import node_directory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import content, write_archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.hashing import cpu_count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import ATTEMPTS, scan, scan_each

from .writer import Writer

# Volumes that are scanned together.
BATCH = 64
# More at once slow down a disk; each compressor uses all processors by itself.
ARCHIVES_AT_ONCE = 4

# Where a volume's data is read: a directory of the host, or one inside a node.
Source = Union[str, NodeDirectory]


class Archived(NamedTuple):
    """An archive, and the list of what it contains."""

    archive: SavedArchive
    listed: ChecksumList


def read_lists(sources: Mapping[str, Source], mode: str) -> dict[str, ChecksumList]:
    """Volume's name -> its checksum list; not consistent, and empty, if the data changes whenever it is read.

    Raises BadInput if a directory cannot be read.
    """
    if mode == "none":
        return {name: ChecksumList() for name in sources}
    REPORTER.step("read the data")
    lists: dict[str, ChecksumList] = {}
    on_host = [(name, source) for name, source in sources.items() if isinstance(source, str)]
    for start in range(0, len(on_host), BATCH):
        names, directories = zip(*on_host[start : start + BATCH])
        for name, found in zip(names, scan_each(directories, mode)):
            lists[name] = _listed(found, mode)
    in_nodes = {name: source for name, source in sources.items() if isinstance(source, NodeDirectory)}
    # After the others, which may fork: that must not happen beside threads.
    with ThreadPoolExecutor(cpu_count()) as pool:
        read = pool.map(lambda source: _listed(_read_in_node(source, mode), mode), in_nodes.values())
        lists |= zip(in_nodes, read)
    return {name: lists[name] for name in sources}


def write_archives(
    writer: Writer, sources: Mapping[str, Source], lists: Mapping[str, ChecksumList], request: Request
) -> dict[str, Archived]:
    """Write an archive per volume, the largest first, several at once.

    Each one is read back and compared with its list. If the data has changed since, both are made again; if it never
    rests, the archive is what tar could read, and its list is not consistent. Raises what write_archive raises.
    """
    failed: list[str] = []

    def write(name: str) -> Archived | None:
        if failed:
            return None
        try:
            archived = _write_archive(writer, name, sources[name], lists[name], request)
        except BaseException:
            failed.append(name)
            raise
        REPORTER.done("archives written")
        return archived

    REPORTER.step("write archives")
    REPORTER.done("archives written", 0, of=len(sources))
    with ThreadPoolExecutor(min(ARCHIVES_AT_ONCE, cpu_count())) as pool:
        ordered = sorted(sources, key=lambda name: -lists[name].bytes)
        futures = [(name, pool.submit(write, name)) for name in ordered]
    return {name: archived for name, future in futures if (archived := future.result()) is not None}


def _listed(found: Sequence[Entry] | Conflict, mode: str) -> ChecksumList:
    return ChecksumList(consistent=False) if isinstance(found, Conflict) else ChecksumList.from_entries(found, mode)


def _read_in_node(source: NodeDirectory, mode: str) -> Sequence[Entry] | Conflict:
    failure = Conflict("")
    for _attempt in range(ATTEMPTS):
        try:
            return node_directory.read(source, mode)
        except Conflict as error:
            failure = error
    return failure


def _write_archive(writer: Writer, name: str, source: Source, listed: ChecksumList, request: Request) -> Archived:
    difference = Difference()
    for _attempt in range(ATTEMPTS):
        if not listed.consistent:
            break
        try:
            archive = _archive(writer, name, source, request)
            difference = _difference(writer, archive, source, listed.entries, request)
            if not difference:
                return Archived(archive, listed)
        except Conflict:
            difference = Difference()
        before, listed = listed, read_lists({name: source}, request.checksums)[name]
        if difference and before.digest == listed.digest:
            raise KindlabError(
                f"The archive of {name} does not contain what {source} does: {difference.text()}",
                next_step="Check that tar is GNU tar, and not a script: tar --version",
            )
    archive = _archive(writer, name, source, request, changing=True)
    entries = content(writer.directory / archive.path, request.compression, request.checksums)
    return Archived(archive, ChecksumList.from_entries(entries, request.checksums, consistent=False))


def _archive(writer: Writer, name: str, source: Source, request: Request, *, changing: bool = False) -> SavedArchive:
    """changing: whatever tar can read of data that is written to."""
    path = archive_path(name, request.compression)
    how = request.compression, request.compression_level
    writer.discard(path)
    with writer.open(path) as file:
        if isinstance(source, str):
            written = write_archive(source, file.write, *how, changing=changing)
        elif changing:
            written = write_archive(source.path, file.write, *how, source.tar, changing=True)
        else:
            with node_directory.unchanged_during(source):
                written = write_archive(source.path, file.write, *how, source.tar)
    writer.files[path] = written.sha256
    return SavedArchive(path, written.sha256, written.bytes, request.compression)


def _difference(
    writer: Writer, archive: SavedArchive, source: Source, entries: Iterable[Entry], request: Request
) -> Difference:
    """How an archive differs from its list."""
    archived = content(writer.directory / archive.path, request.compression, request.checksums)
    # An archive's times are whole seconds: full is the comparison without times.
    difference = checksums.compare(entries, archived, "full")
    if not difference and request.checksums == "fast" and isinstance(source, str):
        # Content was not compared.
        return checksums.compare(entries, scan(source, "fast"), "fast")
    return difference
