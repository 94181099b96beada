# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Probe the processes of a node that use directories, by one command in it. Read only."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.node_processes import directory_users
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.proc import parse_snapshot
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner, last_lines

# A process that ends before its mountinfo is read may have been the only one read for its namespace.
TRIES = 5
# stdin: the paths, each with a NUL. The mounts are read once per namespace, and of every process in a chroot, which
# sees a part of them. Names come last: the script's own programs have ended by then, and so have no name.
PROBE = r"""
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
# What these programs print if a process has ended, or a kernel thread has no such link.
_ENDED = ("No such file or directory", "No such process", "Invalid argument")
_ERROR = re.compile(r"(find|grep|sort|stat|tail|xargs): ")


def probe(
    node: Runner, name: str, directories: Mapping[str, str], own_mounts: Iterable[str]
) -> dict[str, list[VolumeUser]]:
    """Volume's name -> the processes that use its directory in this node. directories: volume's name -> path.

    own_mounts: the paths where the engine has mounted something into the node. Raises CommandFailed if a process
    cannot be read.
    """
    own = tuple(own_mounts)
    paths = sorted({*directories.values(), *own})
    for _try in range(TRIES):
        snapshot = parse_snapshot(name, _output(node, name, paths), paths)
        if not snapshot.unread:
            break
    return directory_users(snapshot, directories, own)


def _output(node: Runner, name: str, paths: Iterable[str]) -> str:
    """The output of the script. Raises CommandFailed if it fails, or may not read something."""
    done = node.run(["sh", "-c", PROBE], stdin="".join(f"{path}\0" for path in paths), check=False)
    errors = [line for line in done.err.splitlines() if _ERROR.match(line) and not line.endswith(_ENDED)]
    if done.code != 0 or errors:
        raise CommandFailed(
            f"Cannot read the processes of node {name}: {errors[0] if errors else last_lines(done)}",
            tried=shlex.join(node.argv(["sh", "-c", "ls -l /proc/[0-9]*/cwd"])),
            next_step="Check that the node runs and that its root user may read all of its processes.",
        )
    return done.out
