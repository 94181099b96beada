# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Move the content of a volume's directory aside, into one beside it, until a backup is known to hold it."""

from __future__ import annotations

import errno
import glob
import os
import shlex
import shutil
from itertools import chain, count
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import parse_mounts

# Names beside the directory: while its content is moved, once it is there, and while it is removed.
MOVING, ASIDE, REMOVING = ".{}.moving-", ".{}.before-", ".{}.removing-"

_MOUNTS = Path("/proc/self/mountinfo")


def obstacle(directory: str) -> str:
    """Why the content of a directory cannot be moved aside, '' if it can."""
    parent = os.path.dirname(os.path.abspath(directory))
    below = f"{os.path.realpath(directory)}/"
    points = parse_mounts(_MOUNTS.read_text(errors="surrogateescape"))
    mounted = sorted(path for path in points if f"{path}/".startswith(below))
    if mounted:
        return f"it cannot be moved aside: {mounted[0]} is a mount point"
    if not os.access(parent, os.W_OK | os.X_OK):
        return f"it cannot be moved aside: {parent} is not writable"
    return ""


def move(directory: str, generation: str) -> str:
    """Move the content of a directory into a new one beside it, whose path is returned; a rerun completes it.

    generation: the one whose data takes its place. Raises CommandFailed.
    """
    moving = f"{_beside(directory, MOVING)}{generation}"
    try:
        os.makedirs(moving, mode=0o700, exist_ok=True)
        for name in os.listdir(directory):
            target = os.path.join(moving, name)
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, "it was created meanwhile", os.path.join(directory, name))
            os.rename(os.path.join(directory, name), target)
        status = os.stat(directory)
        os.chown(moving, status.st_uid, status.st_gid)
        shutil.copystat(directory, moving)
        aside = _unused(f"{_beside(directory, ASIDE)}{generation}")
        os.rename(moving, aside)
    except OSError as error:
        raise CommandFailed(
            f"The content of {directory} cannot be moved aside: {error.strerror} ({error.filename}).",
            tried=f"ls -lA {shlex.quote(directory)} {shlex.quote(moving)}",
            next_step="Correct this.",
        ) from None
    return aside


def moved(directory: str, generation: str) -> list[str]:
    """What was moved aside for this generation, completely, and is still there."""
    return sorted(glob.glob(f"{glob.escape(f'{_beside(directory, ASIDE)}{generation}')}*"))


def begun(directory: str) -> str:
    """The generation for which a killed run had begun to move the content aside, '' for none."""
    prefix = _beside(directory, MOVING)
    return next((path.removeprefix(prefix) for path in glob.glob(f"{glob.escape(prefix)}*")), "")


def remove(directory: str, aside: str) -> str:
    """Remove what was moved aside; why it cannot be, '' if it is."""
    target = _unused(f"{_beside(directory, REMOVING)}{os.path.basename(aside).rpartition('.before-')[2]}")
    try:
        os.rename(aside, target)
    except OSError as error:
        return error.strerror or str(error)
    shutil.rmtree(target, ignore_errors=True)
    return ""


def remove_rest(directory: str) -> None:
    """Remove what killed runs left of a removal: it is no data of a volume any more."""
    for left in glob.glob(f"{glob.escape(_beside(directory, REMOVING))}*"):
        shutil.rmtree(left, ignore_errors=True)


def _beside(directory: str, form: str) -> str:
    parent, name = os.path.split(os.path.abspath(directory))
    return os.path.join(parent, form.format(name[:200]))


def _unused(path: str) -> str:
    """The path, or the first one with a number that does not exist."""
    numbered = (f"{path}-{number}" for number in count(2))
    return next(candidate for candidate in chain([path], numbered) if not os.path.lexists(candidate))
