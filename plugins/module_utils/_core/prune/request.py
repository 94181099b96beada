# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of volume_prune, checked, and which items they select."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_not_empty

from .model import TRASH, Item

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_AGE = re.compile(r"([0-9]{1,9})([smhdw]?)")


@dataclass(frozen=True)
class Request:
    """What to prune: what matches all of names, matching and older_than (seconds) that are given; nothing without any.

    kinds: of KINDS, empty for all but the trash. trash: move instead of remove. last_copies: also what is nowhere else.
    """

    cluster: str
    kinds: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    matching: tuple[str, ...] = ()
    older_than: int | None = None
    directories: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()
    trash: bool = True
    last_copies: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """Raises BadInput."""
        check_not_empty(options, "kinds", "names", "matching", "directories", "backups")
        return cls(
            cluster=options["cluster"],
            kinds=frozenset(options["kinds"] or ()),
            names=frozenset(map(_plain, options["names"] or ())),
            matching=tuple(options["matching"] or ()),
            older_than=_age(options["older_than"]),
            directories=tuple(options["directories"] or ()),
            backups=tuple(options["backups"] or ()),
            trash=options["trash"],
            last_copies=options["last_copies"],
        )

    @property
    def selects_any(self) -> bool:
        """True if anything is to be pruned; otherwise everything is only shown."""
        return bool(self.names or self.matching or self.older_than is not None)

    def shows(self, item: Item) -> bool:
        """True for an item of the requested kinds."""
        return not self.kinds or item.kind in self.kinds

    def selects(self, item: Item, now: float) -> bool:
        """True if it is to be pruned, unless something keeps it. now: seconds since the epoch."""
        named = bool(self.names & item.names)
        if not self.selects_any or not self.shows(item):
            return False
        if item.kind == TRASH and not (self.kinds or named):
            return False
        called = (item.name, posixpath.basename(item.path), item.volume, item.claim)
        return (
            (named or not self.names)
            and (not self.matching or any(fnmatchcase(text, one) for one in self.matching for text in called if text))
            and (self.older_than is None or (item.since is not None and now - item.since >= self.older_than))
        )


def _age(text: str | None) -> int | None:
    """'30d' in seconds."""
    if text is None:
        return None
    found = _AGE.fullmatch(text.strip())
    if not found:
        raise BadInput(
            f"older_than {text!r} is not an age.",
            next_step="Set older_than to a number with a unit: s, m, h, d or w, for example older_than=30d.",
        )
    return int(found[1]) * _SECONDS[found[2]]


def _plain(name: str) -> str:
    return posixpath.normpath(name) if name.startswith("/") else name
