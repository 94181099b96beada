# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who has a directory, or one above or below it: lookups for thousands of directories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

# Of those who have something below a directory so many are remembered: one more than can be left out.
_ENOUGH = 2


class Related:
    """Directories with their owners."""

    def __init__(self, owned: Iterable[tuple[str, str, str]]) -> None:
        """owned: directory, its owner's name, and who that is, for people."""
        self._at: dict[str, dict[str, str]] = {}
        self._below: dict[str, dict[str, str]] = {}
        for path, owner, who in owned:
            self._at.setdefault(path, {})[owner] = f"{path} is the directory of {who}"
            for above in map(str, PurePosixPath(path).parents):
                known = self._below.setdefault(above, {})
                if len(known) < _ENOUGH:
                    known[owner] = f"{path}, in it, is the directory of {who}"

    def why(self, path: str, besides: str = "") -> str:
        """Why a directory is not free, '' if it is. besides: an owner that does not count."""
        return next(self._whys(path, besides), "")

    def _whys(self, path: str, besides: str) -> Iterator[str]:
        for owners in (self._at.get(path, {}), self._below.get(path, {})):
            yield from (why for owner, why in owners.items() if not besides or owner != besides)
        for above in map(str, PurePosixPath(path).parents):
            yield from (why for owner, why in self._at.get(above, {}).items() if not besides or owner != besides)
