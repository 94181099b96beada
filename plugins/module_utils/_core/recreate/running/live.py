# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a running recreation is doing, in lines for people, from the entries of its journal."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.activity import Activity
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import (
    DONE,
    FIRST,
    STEPS,
    TURNED_BACK,
)

from .times import away, between

_DOES = {step.name: step.does for step in STEPS}


class Live:
    """One running recreation. known: how many entries the journal had before. Times are seconds of one clock."""

    def __init__(self, known: int, now: float) -> None:
        self._known = known
        self._began = self._since = now
        self._steps: Sequence[str] = ()
        self._place = 0

    def lines(self, entries: Sequence[Entry], now: float) -> list[str]:
        """A line for each step that has ended since the last call, and what all of it meant at the end."""
        new = entries[self._known :]
        if not new:
            return []
        found, first = [], entries[max(self._known - 1, 0)]
        for before, entry in zip([first, *new], new):
            # The first step begins with the run, and not with what an earlier one wrote.
            seconds = round(now - self._since) if entry.step == FIRST else between(before.at, entry.at)
            found += self._read(entry, seconds)
        if new[-1].step == DONE and (seconds := away(entries)) is not None:
            found.append(f"  applications were away for {seconds:g} s")
        self._known, self._since = len(entries), now
        return found

    def doing(self, now: float, activity: Activity) -> str:
        """The current step, with its number and seconds, and what it does at the moment."""
        # That of a run that was killed is there until this one has the lock.
        own = activity.text(now) if activity.at >= self._began else ""
        return "; ".join(filter(None, (self._step(now), own)))

    def _step(self, now: float) -> str:
        if not self._steps:
            return _DOES[STEPS[0].name]
        if self._place >= len(self._steps):
            return ""
        name = self._steps[self._place]
        return f"step {self._place + 1} of {len(self._steps)}, {_DOES[name]}, {now - self._since:.0f} s"

    def _read(self, entry: Entry, seconds: float | None) -> list[str]:
        self._steps = entry.facts.get("steps") or self._steps
        if entry.step not in self._steps:
            # A run that goes on, and a deletion that is recorded again, begin with the first of their steps.
            self._place = 0 if entry.facts.get("steps") else self._place
            return [f"  going back to the old shape: {entry.facts['why']}"] if entry.step == TURNED_BACK else []
        self._place = self._steps.index(entry.step) + 1
        took = "" if seconds is None else f", {seconds:g} s"
        counted = f": {entry.facts['count']}" if entry.facts.get("count") else ""
        return [f"  step {self._place} of {len(self._steps)}, {entry.step}{took}{counted}"]
