# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at what may be pruned: identity, size and last change, and whether this user can move it."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.error_text import AS_ROOT
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, is_below
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import (
    TRASH_DIRECTORY,
    VOLUME,
    Item,
    Kept,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import tree_in_node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.usage import Usage, usage
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.ways import HERE, Reach
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

THREADS = 8
_AS_ROOT = f"{AS_ROOT[0].upper()}{AS_ROOT[1:]}."


def reach_of(engine: Engine, nodes: Iterable[Node]) -> Reach:
    """What this user may not do on the host is done in these nodes."""
    return Reach(engine, tuple(nodes))


def looked(items: Iterable[Item], mounts: Collection[str] | None, reach: Reach = HERE) -> list[Item]:
    """The items as they are on the disk, without those that are gone.

    mounts: the mount points of this host, None if nothing is to be moved. What everybody knows to be needed is not
    read: that may be the data of thousands of volumes. reach: of this user.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        return [item for item in pool.map(partial(_looked, mounts, reach), items) if item]


def _looked(mounts: Collection[str] | None, reach: Reach, item: Item) -> Item | None:
    if not item.path or (item.kept and item.kept.is_known):
        return item
    item = replace(item, through=reach.changed_in(item.path))
    try:
        identity, found = _usage(item, reach)
    except FileNotFoundError:
        # A Released volume without its directory is only an object.
        return replace(item, path="") if item.kind == VOLUME else None
    except OSError as error:
        return item.but(Kept(f"this user cannot read it: {error.strerror}", _AS_ROOT))
    seen = replace(item, identity=identity, bytes=found.bytes, since=_since(item, found.changed))
    try:
        return seen if mounts is None else seen.but(_obstacle(seen, mounts))
    except OSError as error:
        return seen.but(Kept(f"{item.top} cannot be read: {error.strerror}", f"Look at it: ls -ld {item.top}"))


def _usage(item: Item, reach: Reach) -> tuple[tuple[int, int], Usage]:
    """Its device and inode, and what it takes. Raises OSError."""
    if inside := reach.inside(item.through):
        return tree_in_node.usage(inside)
    status = os.lstat(item.path)
    return (status.st_dev, status.st_ino), usage(item.path)


def _since(item: Item, changed: float) -> float | None:
    """A generation and what is in the trash have a time of their own; a volume was needed until it was Released."""
    if item.kind == VOLUME:
        return None if item.since is None else max(item.since, changed)
    return changed if item.since is None else item.since


def mounted_in(path: str, mounts: Iterable[str]) -> str:
    """The first of these mount points that is a directory, or in it; '' for none."""
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    return next((point for point in sorted(mounts) if is_below(point, real)), "")


def _obstacle(item: Item, mounts: Collection[str]) -> Kept | None:
    """Why it cannot be moved into the trash of its directory, or removed; None if it can. Raises OSError."""
    if mounted := mounted_in(item.path, mounts):
        return Kept(f"a file system is mounted at {mounted}", f"Unmount it if nobody needs it: umount {mounted}")
    if item.through:
        return None
    status = os.lstat(item.path)
    device, trash = os.stat(item.top).st_dev, os.path.join(item.top, TRASH_DIRECTORY)
    if status.st_dev != device:
        return Kept(f"it is on another file system than {item.top}")
    there = os.lstat(trash) if os.path.lexists(trash) else None
    if there and not (stat.S_ISDIR(there.st_mode) and there.st_dev == device):
        return Kept(f"{trash} is not a directory on the file system of {item.top}", f"Move it away: ls -ld {trash}")
    places = [
        os.path.dirname(item.path),
        trash if there else item.top,
        *([item.path] if stat.S_ISDIR(status.st_mode) else []),
    ]
    closed = next((place for place in places if not os.access(place, os.W_OK | os.X_OK)), "")
    return Kept(f"this user may not write to {closed}", _AS_ROOT) if closed else None
