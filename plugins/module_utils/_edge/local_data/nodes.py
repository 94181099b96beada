# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A directory as nodes see it: the directory itself, and what a pod's user may not use of it. Read only."""

from __future__ import annotations

import shlex

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.access import Contents, Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.place import Looked
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.request import User
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import unescaped
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner, last_lines

FORMAT = r"'%y %m %U %G %P\0'"
# $1: the directory. The mount points of the whole node follow, a line each.
LOOK = """
cd -- "$1" && stat -c '%d %i' . || exit
cat /proc/sys/kernel/random/boot_id
test -w . && echo rw || echo ro
cut -d' ' -f5 /proc/self/mountinfo
"""
# $1: the directory, then the command that looks as the user. The kernel judges: owner, mode, ACLs and all. It is
# asked from inside, as pods are not held up by what lies above the directory.
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


def look(node: Runner, directory: str) -> Looked:
    """What one node shows of a directory. Raises CommandFailed where there is none."""
    done = node.run(["sh", "-c", LOOK, "sh", directory], check=False)
    if done.code != 0:
        raise _unread(done, node, directory)
    lines = done.out.splitlines()
    device, inode = lines[0].split()
    return Looked(int(device), int(inode), lines[1], lines[2] == "rw", tuple(map(unescaped, lines[3:])))


def contents(node: Runner, directory: str, user: User, *, read_only: bool) -> Contents:
    """Links in the directory, and what that user could not read (or write to, unless read_only) in a pod.

    What lies below a directory that the user may not enter is not seen. Raises CommandFailed.
    """
    groups = f"--groups={','.join(map(str, user.groups))}" if user.groups else "--clear-groups"
    become = ["setpriv", f"--reuid={user.uid}", f"--regid={user.gid}", groups]
    search = ["sh", "-c", _search(read_only=read_only)]
    done = node.run(["sh", "-c", CONTENTS, "sh", directory, *become, *search], check=False)
    if done.code != 0:
        raise _unread(done, node, directory)
    fields = done.out.split("\0")
    end = next(n for n in range(0, len(fields), 2) if not fields[n])
    links = dict(zip(fields[0:end:2], fields[1:end:2], strict=True))
    return Contents(links, tuple(_entry(text) for text in fields[end + 1 :] if text))


def _search(*, read_only: bool) -> str:
    """The search for entries that whoever runs it can't use; exit code 3 where it may not enter at all."""
    needed = "r" if read_only else "rw"
    unusable = f"\\( -type d \\( {_lacks(f'{needed}x')} \\) -o -type f \\( {_lacks(needed)} \\) \\)"
    # find fails where it may not enter a directory; that one is among what it shows.
    return f"test -r . -a -x . || exit 3\nfind . {unusable} -printf {FORMAT} 2>/dev/null\nexit 0"


def _lacks(rights: str) -> str:
    return " -o ".join(f"! -{_TESTS[right]}" for right in rights)


def _entry(text: str) -> Entry:
    kind, mode, uid, gid, path = text.split(" ", 4)
    return Entry(kind, mode, int(uid), int(gid), path)


def _unread(done: Completed, node: Runner, directory: str) -> CommandFailed:
    return CommandFailed(
        f"{directory} can't be looked at in a node: {last_lines(done)}",
        tried=shlex.join(node.argv(["ls", "-la", directory])),
        next_step="See whether the node runs and the directory was replaced since it started: then start it anew.",
    )
