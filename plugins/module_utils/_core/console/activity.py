# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run is doing at the moment, for people: its step, what it moved and counted, and what it waits for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import size

# Seconds after which a rate says something.
SETTLED = 1.0


@dataclass(frozen=True)
class Activity:
    """moved: what -> [bytes so far, and in all, 0 if unknown]; counted: the same in numbers; began: each one, when.

    waits: for what -> since when; step: what the run does; at: when it was so.
    Times are seconds of a clock that all processes of a machine share.
    """

    moved: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    waits: Mapping[str, float] = field(default_factory=dict)
    at: float = 0.0
    counted: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    began: Mapping[str, float] = field(default_factory=dict)
    step: str = ""

    def text(self, now: float) -> str:
        """'images loaded: 120 MB of 200 MB (40 MB/s, 2 s left), waits for 2 Pods: shop/a, b, 5 s'; '' for nothing."""
        return ", ".join(self._parts(now))

    def share(self) -> float | None:
        """How much is done of what is known, from 0 to 1: of bytes unless all are moved; None if nothing is known."""
        share = None
        for amounts in (self.moved, self.counted):
            known = [(done, total) for done, total in amounts.values() if 0 < total >= done]
            if known:
                share = sum(done for done, _total in known) / sum(total for _done, total in known)
                if share < 1:
                    break
        return share

    def to_text(self) -> str:
        """For a file."""
        return json.dumps(asdict(self))

    def _parts(self, now: float) -> Iterator[str]:
        if self.step:
            yield self.step
        for what, (done, total) in self.moved.items():
            known = 0 < total >= done
            yield f"{what}: {size(done)}{f' of {size(total)}' if known else ''}{self._rate(what, done, total)}"
        for what, (done, total) in self.counted.items():
            yield f"{what}: {done:,}{f' of {total:,}' if 0 < total >= done else ''}"
        for what, since in self.waits.items():
            yield f"waits for {what}, {max(0.0, now - since):.0f} s"

    def _rate(self, what: str, done: int, total: int) -> str:
        """' (40 MB/s, 2 s left)', '' as long as nothing can be said."""
        seconds = self.at - self.began.get(what, self.at)
        if not done or seconds < SETTLED or done == total:
            return ""
        left = f", {(total - done) * seconds / done:.0f} s left" if total > done else ""
        return f" ({size(round(done / seconds))}/s{left})"


def read_activity(text: str) -> Activity:
    """What to_text() wrote; nothing for anything else."""
    try:
        found = json.loads(text)
        return Activity(
            _amounts(found["moved"]),
            _times(found["waits"]),
            float(found["at"]),
            _amounts(found.get("counted", {})),
            _times(found.get("began", {})),
            str(found.get("step", "")),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Activity()


def _amounts(found: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    return {what: (int(done), int(total)) for what, (done, total) in found.items()}


def _times(found: Mapping[str, float]) -> dict[str, float]:
    return {what: float(since) for what, since in found.items()}
