# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of a cluster as they were collected, and what a module tells of them: numbers and names, no content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import LeftOut, Saved, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.selection import Selection
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed


@dataclass(frozen=True)
class Collected:
    """What is saved. baseline: it was recorded what the cluster brought. unread: what could not be read."""

    saved: Saved
    baseline: bool
    selection: Selection = field(default_factory=Selection)
    unread: Sequence[LeftOut] = ()

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """All that is not saved, although people may look for it."""
        return (*sorted(self.unread, key=lambda row: row.key), *self.saved.left_out)

    def adding(self, items: Sequence[Object]) -> Collected:
        """With these objects too, as they were saved before; what is there now counts more."""
        present = {key_of(item) for item in self.saved.made}
        more = [item for item in items if key_of(item) not in present]
        return replace(self, saved=replace(self.saved, made=(*self.saved.made, *more)))

    def summary(self) -> Object:
        """The numbers of objects by kind, and the names of those of the cluster's own that were changed."""
        return {
            "made": dict(sorted(Counter(_kind(item) for item in self.saved.made).items())),
            "changed": [str(change.key) for change in self.saved.changed],
        }

    def result(self) -> Object:
        """What a module returns."""
        return {
            **self.summary(),
            "baseline": self.baseline,
            "left_out": [{**row.key._asdict(), "why": row.why} for row in self.left_out],
        }

    def warnings(self) -> tuple[str, ...]:
        """What a restore will not bring back."""
        if not self.unread:
            return ()
        rows = sorted(f"{row.key} ({row.why})" for row in self.unread)
        return (f"Some objects cannot be read, and are not saved: {listed(rows, 5)}",)


def _kind(item: Object) -> str:
    key = key_of(item)
    return f"{key.kind}.{key.group}" if key.group else key.kind
