# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The trash of a directory: what is in it, moving something there, and removing something for good."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.error_text import AS_ROOT
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, CommandFailed, Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.directories import trash_item
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import TRASH_DIRECTORY, Item
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import sync
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import tree_in_node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.ways import HERE, Reach
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.look import mounts_of_host

from .look import mounted_in

# Node -> what runs programs there.
Inside = Callable[[str], Runner]

_AGAIN = "Run this again: it looks at everything once more."


def names_in(path: str, reach: Reach = HERE) -> list[str]:
    """The names of the directories in a directory, sorted, without links. Raises OSError."""
    return sorted(name for name, is_own in reach.listed(path) if is_own and name.isprintable())


def trash_in(top: str, reach: Reach = HERE) -> Iterator[tuple[str, str]]:
    """What is in the trash of a directory: the stamp of the run that moved it, and its name. Raises OSError."""
    trash = os.path.join(top, TRASH_DIRECTORY)
    for stamp in names_in(trash, reach) if is_directory(trash) or not os.access(top, os.X_OK) else ():
        names = sorted(name for name, _is_directory in reach.listed(os.path.join(trash, stamp)))
        yield from ((stamp, name) for name in names if name.isprintable())


def is_directory(path: str) -> bool:
    """True for a directory, False for a link to one."""
    return os.path.isdir(path) and not os.path.islink(path)


def trash_items(top: str, lock: str = "", reach: Reach = HERE) -> Iterator[Item]:
    """What is in the trash of a directory; nothing if that cannot be read."""
    with suppress(OSError):
        for stamp, name in trash_in(top, reach):
            yield trash_item(top, stamp, name, lock)


def move(item: Item, target: str, inside: Inside | None = None) -> None:
    """Move it by one rename. Raises Conflict if it is not what was looked at, KindlabError if it cannot be moved.

    inside: gives what runs programs in a node.
    """
    if item.through and inside and item.identity:
        trash = os.path.join(item.top, TRASH_DIRECTORY)
        places = (item.inside(item.top), item.inside(trash), item.inside(target))
        tree_in_node.move(_directory(item, item.path, inside), item.identity, *places)
        return
    check_same(item)
    try:
        _make(item.top)
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        os.rename(item.path, target)
        for changed in (os.path.dirname(item.path), os.path.dirname(target)):
            sync(Path(changed))
    except OSError as error:
        raise CommandFailed(
            f"{item.path} cannot be moved to {target}: {error.strerror}. What was pruned before stays pruned.",
            tried=f"ls -ld {item.path} {item.top}",
            next_step=f"Correct this, or {AS_ROOT}, and run it again.",
        ) from None


def remove(path: str, item: Item, inside: Inside | None = None) -> None:
    """Remove what was moved to the trash of a directory for good, and the trash if it is empty then.

    A killed removal leaves the rest in the trash. inside: as in move.
    """
    if mounted := mounted_in(path, mounts_of_host()):
        raise CommandFailed(
            f"{path} is not removed: a file system was mounted at {mounted} meanwhile.",
            tried=f"findmnt {mounted}",
            next_step=f"Unmount it if nobody needs it, and run this again: umount {mounted}",
        )
    if item.through and inside:
        tree_in_node.remove(_directory(item, path, inside), item.inside(os.path.join(item.top, TRASH_DIRECTORY)))
        return
    try:
        if is_directory(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise CommandFailed(
            f"{path} cannot be removed: {error.strerror} ({error.filename}). The rest of it is still there.",
            tried=f"ls -ld {error.filename}",
            next_step=f"Correct this, or {AS_ROOT}, and run it again.",
        ) from None
    with suppress(OSError):
        os.rmdir(os.path.dirname(path))
        os.rmdir(os.path.join(item.top, TRASH_DIRECTORY))


def check_same(item: Item) -> None:
    """Raise Conflict unless the path leads to what was looked at; what a node moves is looked at there."""
    if item.through:
        return
    try:
        status = os.lstat(item.path)
        same = (status.st_dev, status.st_ino) == item.identity
    except OSError:
        same = False
    if not same:
        raise Conflict(f"{item.path} was moved or replaced meanwhile.", next_step=_AGAIN)


def _directory(item: Item, path: str, inside: Inside) -> NodeDirectory:
    """The path in the node that has the item."""
    node = item.through.node if item.through else ""
    return NodeDirectory(node, item.inside(path), inside(node))


def _make(top: str) -> None:
    """Create the trash of a directory. Raises BadInput if something else has its place, OSError."""
    trash = os.path.join(top, TRASH_DIRECTORY)
    with suppress(FileExistsError):
        os.mkdir(trash, 0o700)
    if not is_directory(trash) or os.lstat(trash).st_dev != os.stat(top).st_dev:
        raise BadInput(
            f"{trash} is not a directory on the file system of {top}.",
            tried=f"ls -ld {trash}",
            next_step="Move it away and run this again.",
        )
