# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directories where provisioners create volumes: which entries are orphans, set aside, leftovers or in the trash."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Collection, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import made_for
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import (
    is_cut,
    moving,
    origin_of,
    unfinished_of,
)

from .model import DIRECTORY, LEFTOVER, SET_ASIDE, TRASH, TRASH_DIRECTORY, Item, Kept
from .names import extraction_of, time_of
from .related import Related

# Volume and claim, '' if they are unknown.
Former = tuple[str, str]
_COMPLETE = "it has data of {}, complete and verified, that a restore was moving there: running it again completes that"
_PARTLY = "a killed run was setting aside data of {}, and part of it is in {}: running it again completes that"
_RESTORE = "Run kindlab.volumes.volume_restore again."
_RUN = "Run kindlab.volumes.volume_restore or kindlab.volumes.kind_cluster_recreate again."


def entry_item(
    top: str,
    name: str,
    related: Related,
    saved: Mapping[str, Former],
    *,
    any_name: bool = False,
    beside: Collection[str] = (),
    empty: Collection[str] = (),
) -> Item:
    """What a directory in one where provisioners create volumes is.

    related: the directories of volumes of all clusters. saved: directory -> the volume that is said to have been in it.
    any_name: whether those may have been made by people. beside: the names of all directories there;
    empty: of those without any content.
    """
    path = posixpath.join(top, name)
    if left := _leftover(top, name):
        return left
    origin, date = origin_of(path) or (path, "")
    volume, claim = _former(path if path in saved else origin, saved)
    item = Item(SET_ASIDE if date else DIRECTORY, path, path, top, volume=volume, claim=claim, since=time_of(date))
    if why := related.why(path):
        return item.but(Kept(why, is_known=True))
    if date:
        return item.but(_only_data(origin, beside, empty, related))
    hidden = posixpath.basename(moving(path))
    if hidden in beside:
        return item.but(Kept(_PARTLY.format(name, hidden), _RUN, is_last_copy=True))
    if not (made_for(name) or (any_name and volume)):
        by_hand = f"If nobody needs it, remove it: rm -r {shlex.quote(path)}"
        return item.but(Kept("no provisioner gives a directory such a name", by_hand, is_known=True))
    return item


def _only_data(origin: str, beside: Collection[str], empty: Collection[str], related: Related) -> Kept | None:
    """Why data that was set aside may be the only data of a volume: a killed run has not replaced it yet."""
    if is_cut(origin):
        return Kept("its name is too long to say whose data it is", is_last_copy=True)
    name = posixpath.basename(origin)
    who = related.why(origin)
    if not who or (name in beside and name not in empty):
        return None
    return Kept(f"{who}, and has no data: this may be it", _RUN, is_last_copy=True)


def trash_item(top: str, stamp: str, name: str, lock: str = "") -> Item:
    """Something in the trash of a directory. stamp: of the run that moved it."""
    path = posixpath.join(top, TRASH_DIRECTORY, stamp, name)
    volume, claim = made_for(name) or ("", "")
    return Item(TRASH, path, path, top, lock, volume, claim, since=time_of(stamp))


def _leftover(top: str, name: str) -> Item | None:
    """What a killed run left, None for another name."""
    path = posixpath.join(top, name)
    item = Item(LEFTOVER, path, path, top)
    if extraction := extraction_of(name):
        target, complete = extraction
        return item.but(Kept(_COMPLETE.format(target), _RESTORE, is_last_copy=True) if complete else None)
    if aside := unfinished_of(name):
        target, has_data = aside
        return item.but(Kept(_PARTLY.format(target, name), _RUN, is_last_copy=True) if has_data else None)
    return None


def _former(path: str, saved: Mapping[str, Former]) -> Former:
    """A backup knows the claim also where the name of the directory does not say it."""
    volume, claim = made_for(posixpath.basename(path)) or ("", "")
    known, saved_claim = saved.get(path, ("", ""))
    return volume or known, claim or (saved_claim if volume in ("", known) else "")
