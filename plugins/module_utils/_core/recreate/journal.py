# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal of recreations: an entry per finished step, and how far the latest recreation came."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .steps import DELETION, DONE, ENTRIES, FIRST, RESUMED, ROLLED_BACK, TURNED_BACK

_KNOWN = (*ENTRIES, ROLLED_BACK, RESUMED, TURNED_BACK)


@dataclass(frozen=True)
class Entry:
    """A line of the journal. step: one of _KNOWN; at: the time; facts: for later steps."""

    step: str
    at: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """How far one recreation came. finished: its entries; facts: those of all of them; begun: when it began."""

    finished: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    begun: str = ""

    @property
    def ended(self) -> bool:
        """True if it is complete or rolled back, or none was begun."""
        return not self.finished or self.finished[-1] in (DONE, ROLLED_BACK)


def to_text(entry: Entry) -> str:
    """The entry as a line, with its newline."""
    return json.dumps({"step": entry.step, "at": entry.at, **entry.facts}) + "\n"


def read(text: str, path: str) -> tuple[Entry, ...]:
    """The entries of a journal, without lines that were cut while they were written. path: its file, for errors.

    Raises BadInput if a complete line is not an entry.
    """
    entries = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            data = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            continue
        if data is None:
            continue
        if not isinstance(data, dict) or data.get("step") not in _KNOWN:
            raise BadInput(
                f"Line {number} of the journal {path} is not a valid entry.",
                next_step=f"Restore the journal from a copy, or forget the recreation: mv {path} {path}.old",
            )
        entries.append(Entry(data.pop("step"), str(data.pop("at", "")), data))
    return tuple(entries)


def latest(entries: Iterable[Entry]) -> Progress:
    """The latest recreation; each one starts with the first step.

    A deletion that is recorded once more means that the cluster is gone again: the steps after the earlier one must be
    repeated.
    """
    before_deletion = ENTRIES[: ENTRIES.index(DELETION.name)]
    finished: list[str] = []
    facts: dict[str, Any] = {}
    begun = ""
    for entry in entries:
        if entry.step == FIRST:
            finished, facts, begun = [], {}, entry.at
        elif entry.step == DELETION.name:
            finished = [name for name in finished if name in before_deletion]
        if entry.step != RESUMED:
            finished.append(entry.step)
        facts |= entry.facts
    return Progress(tuple(finished), facts, begun)
