# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks into a node, by one command, for the processes that hold directories of volumes. Read only."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.node_holders import Holder, holders
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.proc import read_look
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner, last_lines

# A process that ends may take along the only sight of mounts that others have, too.
TRIES = 5
# stdin: the paths, each with a NUL. The mounts are asked for once per namespace, and of every process in a chroot, as
# that sees a part of them. Names come last: programs of this script are gone by then, and so told from the others.
LOOK = r"""
export LC_ALL=C
cd /proc || exit
printf '%s\0' "$$"
xargs -0 -r realpath -mz -- || exit
printf '\0'
{
  find [0-9]*/root -maxdepth 0 -lname / -printf '%h/ns/mnt\0' | xargs -0 -r stat -L -c '%i %n' | sort -u -k1,1
  find [0-9]*/root -maxdepth 0 -lname '/?*' -printf '0 %h/ns/mnt\n'
} | sed 's,.* \(.*\)ns/mnt,\1mountinfo,' | xargs -r tail -v -n +1
test $? -le 123 || exit
printf '\0'
find [0-9]*/ns/mnt [0-9]*/cwd [0-9]*/root [0-9]*/exe [0-9]*/fd [0-9]*/map_files -maxdepth 1 \
  \( -lname '/*' -o -lname 'mnt:*' \) -printf '%H\0%l\0'
test $? -le 1 || exit
printf '\0'
grep -H pod [0-9]*/cgroup
test $? -le 2 || exit
grep -H '' [0-9]*/comm
test $? -le 2 || exit
printf '\0end\0'
"""
# What these programs say where a process has ended, or a thread of the kernel has no such link.
_ENDED = ("No such file or directory", "No such process", "Invalid argument")
_COMPLAINT = re.compile(r"(find|grep|sort|stat|tail|xargs): ")


def look(node: Runner, name: str, directories: Mapping[str, str], own_mounts: Iterable[str]) -> dict[str, list[Holder]]:
    """Volume's name -> who holds its directory in this node. directories: volume's name -> path in the node.

    own_mounts: the paths where the engine has mounted something into the node. Raises CommandFailed where any process
    could not be seen.
    """
    own = tuple(own_mounts)
    paths = sorted({*directories.values(), *own})
    for _try in range(TRIES):
        seen = read_look(name, _printed(node, name, paths), paths)
        if not seen.unread:
            break
    return holders(seen, directories, own)


def _printed(node: Runner, name: str, paths: Iterable[str]) -> str:
    """What the script says. Raises CommandFailed where it fails, or may not see something."""
    done = node.run(["sh", "-c", LOOK], stdin="".join(f"{path}\0" for path in paths), check=False)
    unseen = [line for line in done.err.splitlines() if _COMPLAINT.match(line) and not line.endswith(_ENDED)]
    if done.code != 0 or unseen:
        raise CommandFailed(
            f"Who holds the directories of volumes in node {name} can't be told: "
            f"{unseen[0] if unseen else last_lines(done)}",
            tried=shlex.join(node.argv(["sh", "-c", "ls -l /proc/[0-9]*/cwd"])),
            next_step="See whether the node runs and its root may see all of its processes.",
        )
    return done.out
