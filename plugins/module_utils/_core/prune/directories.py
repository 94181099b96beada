# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directories where provisioners create volumes: which entries are orphans, leftovers or in the trash."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import made_for

from .model import DIRECTORY, LEFTOVER, TRASH, TRASH_DIRECTORY, Item, Kept
from .names import extraction_of, time_of
from .related import Related

# Volume and claim, '' if they are unknown.
Former = tuple[str, str]
_COMPLETE = "it has data of {}, complete and verified, that a restore was moving there: running it again completes that"


def entry_item(top: str, name: str, related: Related, saved: Mapping[str, Former], *, any_name: bool = False) -> Item:
    """What a directory in one where provisioners create volumes is.

    related: the directories of volumes of all clusters. saved: directory -> the volume that is said to have been in it.
    any_name: whether those may have been made by people.
    """
    path = posixpath.join(top, name)
    left = extraction_of(name)
    if left:
        target, complete = left
        again = "Run kindlab.volumes.volume_restore again."
        kept = Kept(_COMPLETE.format(target), again, is_last_copy=True) if complete else None
        return Item(LEFTOVER, path, path, top, kept=kept)
    volume, claim = _former(path, saved)
    item = Item(DIRECTORY, path, path, top, volume=volume, claim=claim)
    if why := related.why(path):
        return item.but(Kept(why, is_known=True))
    if not (made_for(name) or (any_name and volume)):
        by_hand = f"If nobody needs it, remove it: rm -r {shlex.quote(path)}"
        return item.but(Kept("no provisioner gives a directory such a name", by_hand, is_known=True))
    return item


def trash_item(top: str, stamp: str, name: str, lock: str = "") -> Item:
    """Something in the trash of a directory. stamp: of the run that moved it."""
    path = posixpath.join(top, TRASH_DIRECTORY, stamp, name)
    volume, claim = made_for(name) or ("", "")
    return Item(TRASH, path, path, top, lock, volume, claim, since=time_of(stamp))


def _former(path: str, saved: Mapping[str, Former]) -> Former:
    """A backup knows the claim also where the name of the directory does not say it."""
    volume, claim = made_for(posixpath.basename(path)) or ("", "")
    known, saved_claim = saved.get(path, ("", ""))
    return volume or known, claim or (saved_claim if volume in ("", known) else "")
