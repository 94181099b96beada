# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names in directories of volumes and backups: what a killed run left, and when something was moved to the trash."""

from __future__ import annotations

import posixpath
import re
from datetime import datetime, timezone

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import STAMP

# Of an extraction (_edge/restore/extract.py), beside the directory of its volume; moving: its data is complete.
_EXTRACTION = re.compile(r"\.(?P<target>.{1,100})\.(?P<state>incomplete|extracted)-[a-z0-9_]{8}")
_STAMP = re.compile(r"(\d{8}T\d{6}Z)")
# In the trash, while it is removed; a killed run leaves a part of it.
_REMOVING, _LONGEST = ".removing-", 255


def extraction_of(name: str) -> tuple[str, bool] | None:
    """The directory that a killed extraction was for, and whether its data was complete; None for another name."""
    found = _EXTRACTION.fullmatch(name)
    return (found["target"], found["state"] == "extracted") if found else None


def time_of(name: str) -> float | None:
    """The time that a name ends with, as stamp() and generations write it, in seconds since the epoch."""
    found = _STAMP.search(name[-16:])
    try:
        return datetime.strptime(found[1], STAMP).replace(tzinfo=timezone.utc).timestamp() if found else None
    except ValueError:
        return None


def iso(seconds: float | None) -> str:
    """A time for people and programs, '' for none."""
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def removing(path: str) -> str:
    """Where something in the trash is while it is removed."""
    parent, name = posixpath.split(path)
    hidden = name if name.startswith(_REMOVING) else f"{_REMOVING}{name}"
    return posixpath.join(parent, hidden.encode()[:_LONGEST].decode(errors="ignore"))
