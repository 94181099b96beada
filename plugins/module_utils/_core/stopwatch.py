# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long each phase of an action took."""

from __future__ import annotations

import time
from collections.abc import Callable


class Stopwatch:
    """Phases in their order. seconds: phase -> seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self.seconds: dict[str, float] = {}

    def lap(self, phase: str) -> None:
        """A phase ends here; it began where the one before ended."""
        now = self._clock()
        self.seconds[phase] = round(now - self._last, 3)
        self._last = now
