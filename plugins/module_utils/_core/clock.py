# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Time: durations of phases, deadlines and polling."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

# Of times in names of directories.
STAMP = "%Y%m%dT%H%M%SZ"


class Stopwatch:
    """Measures phases. seconds: phase -> duration, in their order."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self.seconds: dict[str, float] = {}

    def lap(self, phase: str) -> None:
        """End a phase, which began at the end of the previous one; the durations of one phase are added up."""
        now = self._clock()
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + now - self._last, 3)
        self._last = now


class Deadline:
    """The time at which so many seconds have passed."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self.seconds = seconds

    def left(self, least: float = 0.0) -> float:
        """Remaining seconds, but no fewer than `least`."""
        return max(least, self._end - self._clock())

    def over(self) -> bool:
        """True once it has passed."""
        return self._clock() >= self._end

    def end(self) -> None:
        """Let it pass now."""
        self._end = self._clock()


def poll(deadline: Deadline, pause: float, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Iterate once, then after each pause (seconds) until the deadline is over."""
    while True:
        yield
        if deadline.over():
            return
        sleep(pause)


def stamp(now: float) -> str:
    """The time in the name of a directory, in UTC. now: seconds since the epoch."""
    return f"{datetime.fromtimestamp(now, timezone.utc):{STAMP}}"
