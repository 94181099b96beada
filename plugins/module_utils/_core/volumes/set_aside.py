# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directories that the data of volumes is set aside to: beside the volume's own, named after it, and dated."""

from __future__ import annotations

import posixpath
import re

# The name of the volume's directory, and the date in UTC, as '20260102T030405Z'.
SET_ASIDE = "{}.set-aside-{}"
# The same directory while entries are being moved to it, and while it is removed.
MOVING, REMOVING = ".{}.setting-aside", ".{}.removing-aside"
_SET_ASIDE = re.compile(r"(.+)\.set-aside-(\d{8}T\d{6}Z)(?:-\d+)?")
_HIDDEN = re.compile(r"\.(.+)\.(setting|removing)-aside(?:-\d+)?")
# The most bytes of a name that leave room for the rest, of the 255 that file systems take.
_LONGEST = 220


def set_aside(directory: str, at: str) -> str:
    """The directory that a volume's data is set aside to at that time."""
    return _beside(directory, SET_ASIDE, at)


def moving(directory: str) -> str:
    """The directory that a volume's data is being moved to; a killed run leaves it behind."""
    return _beside(directory, MOVING)


def removing(directory: str) -> str:
    """The directory of data that was set aside, while it is removed."""
    return _beside(directory, REMOVING)


def origin_of(path: str) -> tuple[str, str] | None:
    """The directory whose data was set aside to this one, and when; None for another path."""
    parent, name = posixpath.split(path)
    found = _SET_ASIDE.fullmatch(name)
    return (posixpath.join(parent, found[1]), found[2]) if found else None


def is_cut(directory: str) -> bool:
    """True if the name of a directory that was derived from another one's may be cut: that cannot be told from it."""
    # Cut within a character.
    return len(posixpath.basename(directory).encode()) > _LONGEST - 4


def unfinished_of(name: str) -> tuple[str, bool] | None:
    """What a killed run left: the name of the directory, and whether it has data of that; None for another name."""
    found = _HIDDEN.fullmatch(name)
    return (found[1], found[2] == "setting") if found else None


def date_of(time: str) -> str:
    """A time, as '2026-01-02T03:04:05.678Z', in the form of names."""
    return re.sub(r"[-:]|\.\d+", "", time)


def _beside(directory: str, form: str, *more: str) -> str:
    parent, name = posixpath.split(posixpath.normpath(directory))
    return posixpath.join(parent, form.format(name.encode()[:_LONGEST].decode(errors="ignore"), *more))
