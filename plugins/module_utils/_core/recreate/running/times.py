# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Times of a recreation, as the journal has them: when an entry was written, and how long applications were away."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import (
    AGAIN,
    DELETION,
    DETACHMENT,
    DONE,
    FIRST,
    ROLLED_BACK,
)


def between(first: str, last: str) -> float | None:
    """Seconds from one entry's time to another's; None if they are no times, or the clock was set back."""
    try:
        seconds = (datetime.fromisoformat(_iso(last)) - datetime.fromisoformat(_iso(first))).total_seconds()
    except (ValueError, TypeError):
        return None
    return round(seconds, 1) if seconds >= 0 else None


def away(entries: Iterable[Entry]) -> float | None:
    """Seconds in which applications were stopped by the latest recreation; None if it brought none back.

    They are stopped from the entry before the detachment, which may be that of an earlier run that was interrupted,
    until they are back.
    """
    found, begun, before = None, "", ""
    for entry in entries:
        if entry.step == FIRST:
            found = None
        elif entry.step in (DETACHMENT.name, DELETION.begins):
            begun = begun or before
        elif entry.step == DELETION.name and not begun:
            found = None
        elif entry.step in AGAIN and begun:
            found = between(begun, entry.at)
        elif entry.step in (DONE, ROLLED_BACK):
            begun = ""
        before = entry.at
    return found


def _iso(time: str) -> str:
    # Before 3.11 Python does not read the Z.
    return f"{time[:-1]}+00:00" if time.endswith("Z") else time
