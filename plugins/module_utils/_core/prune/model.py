# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may be pruned: directories, volumes, data that was set aside, generations, leftovers, trash; what keeps each."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place

DIRECTORY, VOLUME, SET_ASIDE, GENERATION, LEFTOVER, TRASH = KINDS = (
    "directory",
    "volume",
    "set_aside",
    "generation",
    "leftover",
    "trash",
)
# Phases of volumes whose claims are gone.
UNCLAIMED = ("Released", "Failed")
# Where things are moved, beside what is left of them: on the same file system.
TRASH_DIRECTORY = ".kindlab-trash"


@dataclass(frozen=True)
class Kept:
    """Why something stays. is_last_copy: because nothing else has what it holds; it may go if that is asked for.

    is_known: not shown unless it is named, because nobody would think that it can go.
    """

    why: str
    next_step: str = ""
    is_last_copy: bool = False
    is_known: bool = False


@dataclass(frozen=True)
class Item:
    """Something that may be pruned.

    kind: of KINDS. name: the PersistentVolume's, or its path. path: what is moved or removed, '' for nothing. top: the
    directory that has the trash for it; lock: the directory whose only writer must be who prunes it, '' for none.
    volume, claim: what it was made for, '' if unknown. bytes: on disk, None if unknown. since: the last change in it,
    in seconds since the epoch, None if unknown. identity: device and inode. kept: None if it may go. through: where a
    node has it, if it is moved and removed there.
    """

    kind: str
    name: str
    path: str = ""
    top: str = ""
    lock: str = ""
    volume: str = ""
    claim: str = ""
    bytes: int | None = None
    since: float | None = None
    identity: tuple[int, int] | None = None
    kept: Kept | None = None
    through: Place | None = None

    @property
    def names(self) -> frozenset[str]:
        """What it may be called. Only its whole path names what is in the trash: it is gone for good."""
        if self.kind == TRASH:
            return frozenset((self.name,))
        return frozenset((self.name, self.path, posixpath.basename(self.path))) - {""}

    def but(self, kept: Kept | None) -> Item:
        """The same, kept for this reason, unless there is one already that counts as much, or none is given."""
        outweighed = self.kept and (kept is None or not self.kept.is_last_copy or kept.is_last_copy)
        return self if kept is None or outweighed else replace(self, kept=kept)

    def target(self, stamp: str) -> str:
        """Where it is moved; what is in the trash stays where it is. stamp: of the run."""
        if self.kind == TRASH:
            return self.path
        return posixpath.join(self.top, TRASH_DIRECTORY, stamp, posixpath.basename(self.path)) if self.path else ""

    def inside(self, path: str) -> str:
        """The path, of its own or of what is near it, in the node that it is reached through."""
        own = self.through.node_directory if self.through else self.path
        return posixpath.normpath(posixpath.join(own, posixpath.relpath(path, self.path)))


@dataclass(frozen=True)
class BackupState:
    """A backup. generations: names and catalogs, oldest first, None for a damaged one.

    resumes: a recreation is not finished, and needs it. writer: another run writes to it.
    """

    path: str
    generations: Sequence[tuple[str, Catalog | None]] = ()
    resumes: bool = False
    writer: bool = False


@dataclass(frozen=True)
class Observed:
    """items: everything, also what is kept. backups: those that were named.

    existing: paths that were named and exist, whether anything is known of them or not. now: seconds since the epoch.
    unknown: engine of the host -> why its clusters are not known.
    """

    items: Sequence[Item]
    now: float
    backups: Sequence[BackupState] = ()
    existing: frozenset[str] = frozenset()
    unknown: Mapping[str, str] = field(default_factory=dict)
