# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data of volumes, also in the directories of others: how it differs, which archives bring it, and their order."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Union

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.packed import Packed, in_order
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.data import DataState
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import EMPTY, MISSING

# The difference of a directory into which a killed run was extracting.
UNFINISHED = "its extraction was interrupted"
# The node, '' for the host, and the directory.
Directory = tuple[str, str]
# The entries of a directory, or why they cannot be read.
Existing = Union[Sequence[checksums.Entry], KindlabError]


def with_outer(backup: Backup, steps: Sequence[Step], states: Mapping[str, DataState]) -> dict[str, DataState]:
    """The states, with the volume whose archive contains a directory that is missing or empty, too.

    Of several volumes with one directory, the first by name is the one that is extracted.
    """
    fresh = [s for s in steps if s.selected.saved.archive and states[s.name].state in (MISSING, EMPTY)]
    first: dict[Directory, Step] = {}
    for step in sorted(fresh, key=lambda step: step.name):
        first.setdefault(directory_of(step), step)
    found = dict(states)
    for step in sorted(fresh, key=lambda step: (len(directory_of(step)[1]), step.name)):
        own = directory_of(step)
        outer = next((first[d] for d in (own, *_above(own)) if d in first and first[d] is not step), None)
        if outer is None:
            continue
        difference = _difference(backup, outer, step)
        if difference is not None:
            # The data of the outer one may itself come with another.
            name = found[outer.name].outer or outer.name
            found[step.name] = replace(found[step.name], outer=name, outer_difference=difference)
    return found


def compared(
    backup: Backup, step: Step, state: str, existing: Existing, verify: str, inner: Sequence[str]
) -> DataState:
    """The state with how its data differs. inner: the directories of other volumes in its own, relative to it."""
    if isinstance(existing, KindlabError):
        return DataState(state, unread=existing.message, remedy=existing.next_step)
    saved = backup.entries(step.selected.saved)
    difference = checksums.compare(saved, _without_own(saved, existing, inner) if inner else existing, verify)
    return DataState(state, difference.text() if difference else "")


def _without_own(
    saved: Sequence[checksums.Entry], existing: Iterable[checksums.Entry], inner: Iterable[str]
) -> Iterator[checksums.Entry]:
    """What exists, without what is in the directories of inner volumes that the list does not contain: it is theirs.

    inner: their directories, relative.
    """
    below = (f"{path}/" for path in inner)
    theirs = tuple(prefix for prefix in below if not any(entry.path.startswith(prefix) for entry in saved))
    return (entry for entry in existing if not entry.path.startswith(theirs))


def inner_directories(steps: Sequence[Step]) -> dict[str, list[str]]:
    """Volume's name -> the directories of volumes with archives that lie in its own, relative to it."""
    by_directory: dict[Directory, list[Step]] = {}
    for step in steps:
        by_directory.setdefault(directory_of(step), []).append(step)
    found: dict[str, list[str]] = {}
    for step in (step for step in steps if step.selected.saved.archive):
        own = directory_of(step)
        for above in _above(own):
            for outer in by_directory.get(above, ()):
                found.setdefault(outer.name, []).append(posixpath.relpath(own[1], above[1]))
    return found


def in_groups(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps in groups, one after the other: a directory in a later one than those above it."""
    directories = {directory_of(step) for step in steps}
    groups: dict[int, list[Step]] = {}
    for step in steps:
        depth = sum(above in directories for above in _above(directory_of(step)))
        groups.setdefault(depth, []).append(step)
    return [groups[depth] for depth in sorted(groups)]


def directory_of(step: Step) -> Directory:
    """Where a step's data is."""
    return step.node, step.host_directory or step.selected.volume.node_directory


def _above(directory: Directory) -> Iterator[Directory]:
    """The directories above, the nearest first."""
    node, path = directory
    while path != "/":
        path = posixpath.dirname(path)
        yield node, path


def _difference(backup: Backup, outer: Step, inner: Step) -> str | None:
    """How the data of inner differs in the archive of outer; '' if it does not, None if it is not in there.

    An archive does not contain what was mounted in its directory, except for the empty directory.
    """
    path = posixpath.relpath(directory_of(inner)[1], directory_of(outer)[1])
    found = _below(path, backup.entries(outer.selected.saved))
    brought = Packed(checksums.Entry._make, in_order(checksums.Entry._make, found))
    own = Packed(checksums.Entry._make, (entry._replace(same_as="") for entry in backup.entries(inner.selected.saved)))
    if not brought or (len(brought) == 1 and len(own) > 1):
        return None
    # One of the files may be linked to others outside of the directory.
    mode = "full" if backup.catalog.checksums == "full" else "fast"
    difference = checksums.compare(own, brought, mode)
    return difference.text() if difference else ""


def _below(path: str, entries: Iterable[checksums.Entry]) -> Iterator[checksums.Entry]:
    """The entries of a directory in a list, relative to it."""
    prefix = "" if path == "." else f"{path}/"
    for entry in entries:
        if entry.path == path:
            yield entry._replace(path=".", same_as="")
        elif entry.path.startswith(prefix):
            yield entry._replace(path=entry.path[len(prefix) :], same_as="")
