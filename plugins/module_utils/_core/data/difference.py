# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a directory differs from its checksum list, with the first paths and the number of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed, printable

# Paths of each kind that a difference names.
REPORTED = 100


@dataclass(frozen=True)
class Difference:
    """How a directory differs from its list; false if it does not. changed: 'path (fields)'.

    Of each kind the first REPORTED paths are kept, there may be millions; beyond: how many others there are.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    beyond: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self._kinds().values())

    def text(self) -> str:
        """One-line summary: '1 added: a; 2 changed: b (size), c (mode)'."""
        parts = [
            f"{len(paths) + self.beyond.get(kind, 0)} {kind}: "
            + listed(map(printable, paths), beyond=self.beyond.get(kind, 0))
            for kind, paths in self._kinds().items()
            if paths
        ]
        return "; ".join(parts) or "no difference"

    def as_dict(self) -> dict[str, Any]:
        """Structured form: the first paths of each kind, and in counts how many there are."""
        kinds = self._kinds()
        return {
            **{kind: [printable(path) for path in paths] for kind, paths in kinds.items()},
            "counts": {kind: len(paths) + self.beyond.get(kind, 0) for kind, paths in kinds.items()},
        }

    def _kinds(self) -> dict[str, tuple[str, ...]]:
        return {"added": self.added, "removed": self.removed, "changed": self.changed}


class First:
    """The first REPORTED paths, and the number of the others."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.beyond = 0

    def add(self, path: str) -> None:
        if len(self.paths) < REPORTED:
            self.paths.append(path)
        else:
            self.beyond += 1
