# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at directories for a map: how much is in them and when it was written; with bounds, and without content."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.model import Seen
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.usage import BLOCK
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import ANSWER_SECONDS, Engine

THREADS = 8
# Entries of one directory; beyond, a map shows what was seen until then. Seconds for all directories of the host.
ENTRIES, SECONDS = 50_000, 20.0
# For each path a line '=', and one for each entry: type, inode, links, bytes, blocks of 512, modification.
_LOOK = rf"""for path do echo =
find "$path" -xdev -printf '%y %D:%i %n %s %b %T@\n' 2>/dev/null | head -n {ENTRIES + 1}; done"""


def look(places: Mapping[str, Place], engine: Engine, running: Iterable[str]) -> dict[str, Seen]:
    """Name -> what is in its directory, for those that could be read. running: the nodes that can be asked."""
    end = time.monotonic() + SECONDS
    on_host = {name: place.host_directory for name, place in places.items() if not place.node}
    asked = set(running)
    by_node: dict[str, list[str]] = {}
    for name, place in places.items():
        if place.node in asked:
            by_node.setdefault(place.node, []).append(name)
    with ThreadPoolExecutor(THREADS) as pool:
        inside = [
            pool.submit(_in_node, engine, node, {name: places[name].node_directory for name in names})
            for node, names in by_node.items()
        ]
        seen = pool.map(lambda name: (name, _on_host(on_host[name], end)), on_host)
        found = {name: one for name, one in seen if one is not None}
        for future in inside:
            found |= future.result()
    return found


def _on_host(top: str, end: float) -> Seen | None:
    """None for what is not there, or cannot be read at all."""
    found, number = Seen(), 0
    linked: set[int] = set()
    try:
        # A symbolic link is where a node has mounted a directory.
        first = os.stat(top)
        todo = [top] if stat.S_ISDIR(first.st_mode) else []
        while todo:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    number += 1
                    if number > ENTRIES or time.monotonic() > end:
                        return replace(found, complete=False)
                    own = entry.stat(follow_symlinks=False)
                    if own.st_dev != first.st_dev:
                        continue
                    if stat.S_ISDIR(own.st_mode):
                        todo.append(entry.path)
                    found = _with(found, own, linked)
    except OSError:
        return replace(found, complete=False) if number else None
    return found if stat.S_ISDIR(first.st_mode) else None


def _with(found: Seen, own: os.stat_result, linked: set[int]) -> Seen:
    """linked: inodes of hard links that were counted."""
    is_file = stat.S_ISREG(own.st_mode)
    repeated = own.st_nlink > 1 and not stat.S_ISDIR(own.st_mode) and own.st_ino in linked
    if own.st_nlink > 1 and not stat.S_ISDIR(own.st_mode):
        linked.add(own.st_ino)
    return Seen(
        found.bytes + (0 if repeated else own.st_blocks * BLOCK),
        found.files + is_file,
        found.size + (own.st_size if is_file and not repeated else 0),
        max(found.changed, own.st_mtime) if is_file else found.changed,
        found.complete,
    )


def _in_node(engine: Engine, node: str, paths: Mapping[str, str]) -> dict[str, Seen]:
    """By one command for all paths of a node; nothing if it fails."""
    given = "".join(f"{path}\0" for path in paths.values())
    try:
        printed = engine.inside(node).run(["xargs", "-0", "sh", "-c", _LOOK, "sh"], stdin=given, timeout=ANSWER_SECONDS)
    except KindlabError:
        return {}
    parts = [part.splitlines() for part in printed.out.split("=\n")[1:]]
    if len(parts) != len(paths):
        return {}
    found = {name: _of_lines(parts[number]) for number, name in enumerate(paths)}
    return {name: seen for name, seen in found.items() if seen is not None}


def _of_lines(lines: list[str]) -> Seen | None:
    """What find printed; None if there is nothing, or a file. The first line is the directory's own."""
    if not lines or not lines[0].startswith("d "):
        return None
    found = Seen(complete=len(lines) <= ENTRIES)
    linked: set[str] = set()
    device = lines[0].split(" ")[1].partition(":")[0]
    for line in lines[1 : ENTRIES + 1]:
        kind, inode, links, size, blocks, changed = line.split(" ")
        if inode.partition(":")[0] != device:
            continue
        repeated = links != "1" and kind != "d" and inode in linked
        linked |= {inode} if links != "1" and kind != "d" else set()
        found = Seen(
            found.bytes + (0 if repeated else int(blocks) * BLOCK),
            found.files + (kind == "f"),
            found.size + (int(size) if kind == "f" and not repeated else 0),
            max(found.changed, float(changed)) if kind == "f" else found.changed,
            found.complete,
        )
    return found
