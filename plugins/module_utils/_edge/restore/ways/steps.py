# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Choose which volumes are compared, and extracted, in a node, because this user may not do so on the host."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from contextlib import suppress

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import moving
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.ways import through
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import ways
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.look import lacking, may_rename, may_write
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.text_file import nearest


def for_comparing(steps: Iterable[Step], nodes: Iterable[Node]) -> dict[str, Place]:
    """Volume's name -> its directory in a node, for those that this user cannot read, and a node has."""
    return ways.for_reading({step.name: step.host_directory for step in steps if step.host_directory}, nodes)


def for_writing(backup: Backup, steps: Iterable[Step], nodes: Iterable[Node]) -> dict[str, Place | None]:
    """The same for those that this user cannot extract as they are in the backup, None if no node can either."""
    nodes, lacks = tuple(nodes), missing_here()
    if ways.may_everything() and not lacks:
        return {}
    own = [step for step in steps if step.host_directory]
    chosen = [s for s in own if lacks or s.through or not is_writable(s) or foreign_owner(backup, s)]
    # What comes with the archive of another volume is there in one way only.
    outer = {step.extracted_with for step in own} & {step.name for step in chosen}
    chosen += [step for step in own if step.extracted_with in outer and step not in chosen]
    return {s.name: through(s.host_directory, nodes, changing=True, beside=bool(s.aside)) for s in chosen}


def missing_here() -> str:
    """What this host lacks to extract archives, '' for nothing."""
    return next(iter(lacking(archives=True)), "")


def foreign_owner(backup: Backup, step: Step) -> str:
    """An owner of its files that this user cannot give them, '' for none."""
    if os.geteuid() == 0:
        return ""
    groups = {os.getegid(), *os.getgroups()}
    for entry in backup.entries(step.selected.saved):
        if entry.uid != os.geteuid():
            return f"the user {entry.uid}"
        if entry.gid not in groups:
            return f"the group {entry.gid}"
    return ""


def is_writable(step: Step) -> bool:
    """Whether this user can extract its archive on the host, and set aside what is there."""
    path = nearest_to(step)
    writable = os.path.isdir(path) and may_write(path) and all(map(may_write, _moved(step)))
    return writable and all(map(may_rename, _renamed(step)))


def nearest_to(step: Step) -> str:
    """The directory that must be writable on the host, or the nearest path above it that exists."""
    return nearest(written_to(step))


def written_to(step: Step) -> str:
    """The directory that must be writable: for data that is set aside the one above."""
    place = step.place
    path = place.node_directory if place.node else place.host_directory
    return posixpath.dirname(path) if step.aside else path


def _moved(step: Step) -> Iterator[str]:
    """The directories that move to another one, the one that they are in, and what a killed run made of that."""
    hidden = moving(step.host_directory)
    if os.path.isdir(hidden):
        yield hidden
    if step.in_place:
        yield step.host_directory
        with suppress(OSError), os.scandir(step.host_directory) as entries:
            yield from (entry.path for entry in entries if entry.is_dir(follow_symlinks=False))


def _renamed(step: Step) -> list[str]:
    """What is set aside: all that is in its directory, or that itself."""
    directory = step.host_directory
    if step.in_place:
        with suppress(OSError):
            return [os.path.join(directory, name) for name in os.listdir(directory)]
    return [directory] if step.aside and os.path.lexists(directory) else []
