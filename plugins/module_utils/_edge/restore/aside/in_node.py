# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data in a node that is set aside, to be replaced, and removed later. on_host.py has the same functions."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import moving, removing, set_aside
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import LONG_SECONDS
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import KEEP
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import (
    EMPTY,
    MISSING,
    NodeDirectory,
    states,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.extract import EXTRACTING
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.extract_in_node import look, prefix

# What the scripts have in common. unused: prints a path, or the first one with a number that does not exist.
_UNUSED = """set -e
exists() { [ -e "$1" ] || [ -L "$1" ]; }
unused() {
  place=$1 number=2
  while exists "$place"; do place=$1-$number; number=$((number + 1)); done
  printf '%s' "$place"
}
"""
# $1: the directory. $2: where its content is moved to first. $3: the name that this gets then. $4: the beginning of
# names that are left out. $5: options of tar. As set_content_aside does on the host.
_SET_CONTENT_ASIDE = rf"""{_UNUSED}
directory=$1 hidden=$2 aside=$3 leave=$4 keep=$5
content() {{ find "$directory" -mindepth 1 -maxdepth 1 ! -name "$leave*" "$@"; }}
finish() {{
  tar --create --no-recursion --format=posix $keep --directory="$directory" . |
  tar --extract $keep --preserve-permissions --directory="$hidden"
  mv --no-target-directory -- "$hidden" "$(unused "$aside")"
}}
above=$(dirname -- "$hidden")
if [ "$(stat --format=%d -- "$directory")" != "$(stat --format=%d -- "$above")" ]
then echo "it is on another file system than $above" >&2; exit 1; fi
if [ -z "$(content -print -quit)" ] && [ ! -d "$hidden" ]; then exit; fi
if [ -n "$(content -exec sh -c '[ -e "$1/${{2##*/}}" ] || [ -L "$1/${{2##*/}}" ]' sh "$hidden" {{}} ';' -print -quit)" ]
then finish; fi
[ -d "$hidden" ] || mkdir -m 0700 -- "$hidden"
content -exec mv --no-clobber --target-directory="$hidden" -- {{}} +
if [ -n "$(content -print -quit)" ]; then echo "something is written to $directory" >&2; exit 1; fi
finish
"""
# $1: what is removed; $2: the name that it has meanwhile.
_REMOVE = f"""{_UNUSED}
gone=$(unused "$2")
mv --no-target-directory -- "$1" "$gone"
rm -rf --one-file-system -- "$gone" || :
"""
_NOT_SET_ASIDE = "The data in {} cannot be set aside"


def is_begun(directory: NodeDirectory) -> bool:
    """True if a killed run has begun to set aside what is in a directory."""
    return directory.inside.run(["test", "-d", moving(directory.path)], check=False).code == 0


def is_free(directory: NodeDirectory, saved: Callable[[], Sequence[checksums.Entry]]) -> bool:
    """True if it is missing or empty, or a killed run was extracting an archive into it. saved: the archive's list."""
    return look(directory, states({"": directory})[""], saved)[0] in (MISSING, EMPTY)


def rename(directory: NodeDirectory, aside: str) -> None:
    """Set a whole directory aside. Raises CommandFailed."""
    target = posixpath.join(posixpath.dirname(directory.path), posixpath.basename(aside))
    _run(directory, ["mv", "--no-target-directory", "--", directory.path, target], _NOT_SET_ASIDE.format(directory))


def set_content_aside(directory: NodeDirectory, at: str) -> None:
    """Set aside what is in a directory, which stays the same one. Raises CommandFailed; nothing is overwritten."""
    path = directory.path
    places = [path, moving(path), set_aside(path, at), prefix(directory, EXTRACTING), " ".join(KEEP)]
    _run(directory, ["sh", "-c", _SET_CONTENT_ASIDE, "sh", *places], _NOT_SET_ASIDE.format(directory))


def what_was_set_aside(directory: NodeDirectory, at: str) -> list[NodeDirectory]:
    """What was set aside at that time, completely, and is still there."""
    script = 'for place in "$1" "$1"-*; do [ ! -d "$place" ] || printf "%s\\0" "$place"; done'
    found = directory.inside.run(["sh", "-c", script, "sh", set_aside(directory.path, at)]).out.split("\0")[:-1]
    return [replace(directory, path=path) for path in sorted(found)]


def remove_rest(directory: NodeDirectory) -> None:
    """Remove what killed runs left of data that they were removing: it is no data of a volume any more."""
    script = 'rm -rf --one-file-system -- "$1"*'
    directory.inside.run(["sh", "-c", script, "sh", removing(directory.path)], check=False, timeout=LONG_SECONDS)


def remove_aside(directory: NodeDirectory, aside: NodeDirectory) -> None:
    """Remove what was set aside. Raises CommandFailed."""
    _run(aside, ["sh", "-c", _REMOVE, "sh", aside.path, removing(directory.path)], f"{aside} cannot be removed")


def _run(directory: NodeDirectory, argv: Sequence[str], failure: str) -> None:
    done = directory.inside.run(argv, check=False, timeout=LONG_SECONDS)
    if done.code:
        raise CommandFailed(
            f"{failure}: {done.err.strip()}",
            tried=shlex.join(directory.inside.argv(["ls", "-ld", posixpath.dirname(directory.path), directory.path])),
            next_step="Correct this.",
        )
