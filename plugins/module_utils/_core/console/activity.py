# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run is doing within a step, for people: bytes that it moved, and what it waits for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import size


@dataclass(frozen=True)
class Activity:
    """moved: what -> [bytes so far, and in all, 0 if unknown]; waits: for what -> since when; at: when it was so.

    Times are seconds of a clock that all processes of a machine share.
    """

    moved: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    waits: Mapping[str, float] = field(default_factory=dict)
    at: float = 0.0

    def text(self, now: float) -> str:
        """'images loaded: 120 MB of 200 MB, waits for 2 Pods: shop/a, shop/b, 5 s'; '' for nothing."""
        return ", ".join(self._parts(now))

    def to_text(self) -> str:
        """For a file."""
        return json.dumps(asdict(self))

    def _parts(self, now: float) -> Iterator[str]:
        for what, (done, total) in self.moved.items():
            yield f"{what}: {size(done)}{f' of {size(total)}' if total else ''}"
        for what, since in self.waits.items():
            yield f"waits for {what}, {max(0.0, now - since):.0f} s"


def read_activity(text: str) -> Activity:
    """What to_text() wrote; nothing for anything else."""
    try:
        found = json.loads(text)
        moved = {what: (int(done), int(total)) for what, (done, total) in found["moved"].items()}
        waits = {what: float(since) for what, since in found["waits"].items()}
        return Activity(moved, waits, float(found["at"]))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Activity()
