# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directories in a node: their names and size, and how one is moved to a trash, or removed."""

from __future__ import annotations

import errno
import shlex
import time

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import LONG_SECONDS

from .node_directory import NodeDirectory
from .usage import BLOCK, Usage

_REPLACED = 9
# $1: what is moved; $2: its device and inode; $3: the directory that has the trash; $4: the trash; $5: the target.
_MOVE = f"""set -e
[ "$(stat --format='%d %i' -- "$1")" = "$2" ] || exit {_REPLACED}
for place in "$4" "$(dirname -- "$5")"; do
  [ -d "$place" ] || {{ mkdir -m 0700 -- "$place"; chown --reference="$3" -- "$place"; }}
done
if [ "${{2%% *}}" != "$(stat --format=%d -- "$3")" ]; then echo "it is on another file system than $3" >&2; exit 1; fi
if [ -L "$4" ] || [ "$(stat --format=%d -- "$4")" != "$(stat --format=%d -- "$3")" ]; then
  echo "$4 is not a directory on the file system of $3" >&2; exit 1
fi
if [ -e "$5" ] || [ -L "$5" ]; then echo "$5 exists" >&2; exit 1; fi
mv --no-target-directory -- "$1" "$5"
sync -- "$(dirname -- "$1")" "$(dirname -- "$5")"
"""
# $1: what is removed; $2: the trash, which goes if it is empty then.
_REMOVE = """rm -rf --one-file-system -- "$1" || exit
rmdir -- "$(dirname -- "$1")" "$2" 2>/dev/null || :
"""


def names(directory: NodeDirectory) -> list[tuple[str, bool]]:
    """The names in it, each with whether it is a directory. Raises FileNotFoundError."""
    argv = ["find", directory.path, "-mindepth", "1", "-maxdepth", "1", "-printf", r"%y%f\0"]
    done = directory.inside.run(argv, check=False)
    if done.code:
        raise FileNotFoundError(errno.ENOENT, done.err.strip(), directory.path)
    return [(text[1:], text[0] == "d") for text in done.out.split("\0")[:-1]]


def usage(path: NodeDirectory) -> tuple[tuple[int, int], Usage]:
    """Device and inode of a directory or file, and what usage.usage finds. Raises FileNotFoundError."""
    argv = ["find", path.path, "-xdev", "-printf", r"%D %i %n %b %y %C@\n"]
    done = path.inside.run(argv, check=False, timeout=LONG_SECONDS)
    rows = [line.split(" ") for line in done.out.splitlines()]
    if not rows:
        raise FileNotFoundError(errno.ENOENT, done.err.strip(), path.path)
    own = (int(rows[0][0]), int(rows[0][1]))
    total, changed = 0, time.time() if done.code else 0.0
    linked: set[str] = set()
    for device, inode, links, blocks, kind, since in rows:
        if int(device) != own[0] or inode in linked:
            continue
        if kind != "d" and int(links) > 1:
            linked.add(inode)
        total += int(blocks) * BLOCK
        changed = max(changed, float(since))
    return own, Usage(total, changed)


def move(path: NodeDirectory, identity: tuple[int, int], top: str, trash: str, target: str) -> None:
    """Move it by one rename; all are paths in the node. Raises CommandFailed, Conflict if it is not what it was."""
    argv = ["sh", "-c", _MOVE, "sh", path.path, f"{identity[0]} {identity[1]}", top, trash, target]
    done = path.inside.run(argv, check=False)
    if done.code == _REPLACED:
        raise Conflict(f"{path} was moved or replaced meanwhile.", next_step="Run this again.")
    if done.code:
        raise CommandFailed(
            f"{path} cannot be moved to {target}: {done.err.strip()}. What was pruned before stays pruned.",
            tried=shlex.join(path.inside.argv(["ls", "-ld", path.path, top])),
            next_step="Correct this, and run it again.",
        )


def remove(path: NodeDirectory, trash: str) -> None:
    """Remove it, and the trash if it is empty then. Raises CommandFailed."""
    done = path.inside.run(["sh", "-c", _REMOVE, "sh", path.path, trash], check=False, timeout=LONG_SECONDS)
    if done.code:
        raise CommandFailed(
            f"{path} cannot be removed: {done.err.strip()}. The rest of it is still there.",
            tried=shlex.join(path.inside.argv(["ls", "-ld", path.path])),
            next_step="Correct this, and run it again.",
        )
