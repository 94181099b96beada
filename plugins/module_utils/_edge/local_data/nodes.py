# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A directory in a node: its state and contents, and what a pod's user has no permission for. Nothing is written."""

from __future__ import annotations

import shlex

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.access import Contents, Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.location import DirectoryState
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.request import User
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import unescaped
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import (
    LONG_SECONDS,
    Completed,
    Runner,
    last_lines,
)

FORMAT = r"'%y %m %U %G %P\0'"
# $1: the directory. The last lines are the mount points of the whole node.
STATE = """
cd -- "$1" || exit
test -w . && echo rw || echo ro
cut -d' ' -f5 /proc/self/mountinfo
"""
# $1: the directory, then the command that searches as the user. The kernel decides, by owner, mode and ACLs. The search
# starts inside, because the permissions of the directories above do not matter to pods.
CONTENTS = f"""
cd -- "$1" || exit
shift
find . -type l -printf '%P\\0%l\\0' || exit
printf '\\0'
"$@"
case $? in
  0) ;;
  3) find . -maxdepth 0 -printf {FORMAT} ;;
  *) exit 1 ;;
esac
"""
_TESTS = {"r": "readable", "w": "writable", "x": "executable"}


def state_of_directory(node: Runner, directory: str) -> DirectoryState:
    """The directory in one node. Raises CommandFailed if it is missing."""
    done = node.run(["sh", "-c", STATE, "sh", directory], check=False)
    if done.code != 0:
        raise _unreadable(done, node, directory)
    lines = done.out.splitlines()
    return DirectoryState(lines[0] == "rw", tuple(map(unescaped, lines[1:])))


def contents(node: Runner, directory: str, user: User, *, read_only: bool) -> Contents:
    """Symbolic links, and what that user could not read (or write, unless read_only) in a pod. Raises CommandFailed.

    Not searched: what is below a directory that the user may not enter.
    """
    groups = f"--groups={','.join(map(str, user.groups))}" if user.groups else "--clear-groups"
    become = ["setpriv", f"--reuid={user.uid}", f"--regid={user.gid}", groups]
    search = ["sh", "-c", _search(read_only=read_only)]
    script = ["sh", "-c", CONTENTS, "sh", directory, *become, *search]
    done = node.run(script, check=False, timeout=LONG_SECONDS)
    if done.code != 0:
        raise _unreadable(done, node, directory)
    fields = done.out.split("\0")
    end = next(n for n in range(0, len(fields), 2) if not fields[n])
    links = dict(zip(fields[0:end:2], fields[1:end:2]))
    return Contents(links, tuple(_entry(text) for text in fields[end + 1 :] if text))


def _search(*, read_only: bool) -> str:
    """The search for entries that the current user cannot use; exit code 3 if it may not enter the directory at all."""
    needed = "r" if read_only else "rw"
    unusable = f"\\( -type d \\( {_lacks(f'{needed}x')} \\) -o -type f \\( {_lacks(needed)} \\) \\)"
    # find fails at a directory that it may not enter, and prints that directory.
    return f"test -r . -a -x . || exit 3\nfind . {unusable} -printf {FORMAT} 2>/dev/null\nexit 0"


def _lacks(rights: str) -> str:
    return " -o ".join(f"! -{_TESTS[right]}" for right in rights)


def _entry(text: str) -> Entry:
    kind, mode, uid, gid, path = text.split(" ", 4)
    return Entry(kind, mode, int(uid), int(gid), path)


def _unreadable(done: Completed, node: Runner, directory: str) -> CommandFailed:
    return CommandFailed(
        f"{directory} cannot be read in a node: {last_lines(done)}",
        tried=shlex.join(node.argv(["ls", "-la", directory])),
        next_step="Check that the node runs. If the directory was replaced since it started, restart the node.",
    )
