# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check before anything is changed: how data compares, and whether archives can be extracted, by programs and room."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedVolume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import is_below
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import (
    CHUNK,
    check_programs,
    decompressed,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.look import mounts_of_host
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation

from .data import compare

# Why an archive cannot be extracted, and the next step.
Obstacle = tuple[str, str]

_MOUNTED = "Check how it is mounted: findmnt -T {}"
_ROOT = "Run this as root (become: true)."
# For each path the nearest existing one above it: whether it can be written to, free bytes and inodes, its device.
_LOOK = """command -v tar >/dev/null || { echo "tar is missing" >&2; exit 3; }
for path do
while [ ! -e "$path" ] && [ "$path" != / ]; do path=$(dirname -- "$path"); done
[ -d "$path" ] && [ -w "$path" ] && w=yes || w=no
echo "$w $(df --block-size=1 --output=avail,iavail -- "$path" | tail -n 1) $(stat --format=%d -- "$path") $path"
done"""


class Disk(NamedTuple):
    """A file system. inodes: that are free, None if they are not limited."""

    free: int
    inodes: int | None
    path: str


def complete(planned: Plan, backup: Backup, observation: Observation, earlier: Plan | None = None) -> Plan:
    """The plan with the comparison of data. Raises Declined or BadInput if data or archives prevent the restore.

    earlier: the complete plan of a moment ago. Data that differed then is not read again, nor are archives.
    """
    REPORTER.step("compare the data")
    verify, engine, sharing = planned.request.verify, observation.engine, observation.sharing
    before = {step.name: step for step in (earlier.steps if earlier else ()) if step.extract}
    differing = [step for step in planned.to_compare if step.name in before and before[step.name].difference]
    known = {step.name for step in differing}
    others = [step for step in planned.to_compare if step.name not in known]
    states = compare(backup, others, verify, engine, sharing)
    if differing:
        there = compare(backup, differing, "none", engine, sharing)
        states |= {name: replace(state, difference=before[name].difference) for name, state in there.items()}
    planned = planned.with_data(states)
    check_archives(backup, [step for step in planned.steps if step.name not in before])
    planned.check_extraction(obstacles(backup, planned.steps, verify, engine))
    return planned


def check_archives(backup: Backup, steps: Sequence[Step]) -> None:
    """Raise BadInput if an archive to extract was changed after the backup, or a program for it is missing."""
    needed = tuple(step.selected.saved for step in steps if step.extract or step.extracted_with)
    for compression in {saved.archive.compression for saved in needed if saved.archive}:
        check_programs(compression)
    replace(backup, catalog=replace(backup.catalog, volumes=needed)).check_archives()


def obstacles(backup: Backup, steps: Sequence[Step], verify: str, engine: Engine) -> dict[str, Obstacle]:
    """Volume's name -> why its archive cannot be extracted. Raises BadInput for a node without tar."""
    extracted = [step for step in steps if step.extract]
    points: Iterable[str] = mounts_of_host() if any(s.aside for s in extracted) else ()
    found: dict[str, Obstacle] = {}
    by_disk: dict[tuple[str, str], list[Step]] = {}
    disks: dict[tuple[str, str], Disk] = {}
    for step, writable, device, disk in _looks(extracted, engine):
        by_disk.setdefault((step.node, device), []).append(step)
        disks[step.node, device] = disk
        if not writable:
            found[step.name] = _unwritable(step, disk.path)
        elif point := _mount_point(step, points):
            why = f"its data cannot be set aside: {point} is a mount point"
            found[step.name] = (why, f"Unmount it, or move its data away by hand: findmnt {point}")
        elif not step.node and verify != "none" and (owner := _foreign_owner(backup, step)):
            found[step.name] = (f"it has files of {owner}, which only root can restore", _ROOT)
    for key, disk in disks.items():
        why = _shortage(backup, by_disk[key], disk)
        where = f"{disk.path} in {key[0]}" if key[0] else disk.path
        for step in by_disk[key] if why else ():
            found.setdefault(step.name, (f"there is not enough room at {where} for the archives: {why}", "Free space."))
    return found


def room(
    backup: Backup, volumes: Iterable[SavedVolume], verify: str, engine: Engine, replaced: Collection[str] = ()
) -> dict[str, Obstacle]:
    """The same for volumes whose archives are to be extracted to the host directories that they were saved from.

    replaced: names of those whose current data is set aside.
    """
    steps = [Step.of_archive(saved, replaces=saved.name in replaced) for saved in volumes if saved.host_directory]
    return obstacles(backup, steps, verify, engine)


def _unwritable(step: Step, path: str) -> Obstacle:
    """The obstacle of a path that is not a writable directory."""
    cannot = "its archive cannot be extracted"
    if step.node:
        return f"{cannot}: {path} in {step.node} is not a writable directory", _MOUNTED.format(path)
    if os.path.islink(path) and not os.path.exists(path):
        leads = os.path.realpath(path)
        return f"{cannot}: {path} is a link to {leads}, which does not exist", f"Mount or create it: ls -ld {leads}"
    return f"{cannot}: {path} is not a writable directory", _ROOT if os.geteuid() else _MOUNTED.format(path)


def _looks(steps: Sequence[Step], engine: Engine) -> Iterator[tuple[Step, bool, str, Disk]]:
    """Each step with whether its directory can be written to, its device and disk."""
    inside: dict[str, list[Step]] = {}
    for step in steps:
        if step.node:
            inside.setdefault(step.node, []).append(step)
            continue
        path = _written_to(step)
        while not os.path.lexists(path):
            path = os.path.dirname(path)
        # A link may lead to a disk that is not mounted.
        there = path if os.path.exists(path) else os.path.dirname(path)
        status, space = os.stat(there), os.statvfs(there)
        disk = Disk(space.f_bavail * space.f_frsize, space.f_favail if space.f_files else None, path)
        yield step, os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK), str(status.st_dev), disk
    for node, own in inside.items():
        paths = "".join(f"{_written_to(step)}\0" for step in own)
        done = engine.inside(node).run(["xargs", "-0", "sh", "-c", _LOOK, "sh"], stdin=paths, check=False)
        if done.code:
            raise BadInput(
                f"Archives cannot be extracted in the node {node}: {done.err.strip()}",
                next_step="Use a node image that has GNU tar and coreutils.",
            )
        lines = done.out.splitlines()
        for number, step in enumerate(own):
            writable, free, inodes, device, path = lines[number].split(None, 4)
            yield step, writable == "yes", device, Disk(int(free), int(inodes) if inodes.isdecimal() else None, path)


def _mount_point(step: Step, points: Iterable[str]) -> str:
    """The first mount point of this host in data that is set aside, '' for none."""
    inside = (point for point in points if is_below(point, os.path.realpath(step.host_directory)))
    return min(inside, default="") if step.aside and not step.node else ""


def _written_to(step: Step) -> str:
    """The directory that must be writable: for data that is set aside the one above."""
    path = step.host_directory or step.selected.volume.node_directory
    return posixpath.dirname(path) if step.aside else path


def _foreign_owner(backup: Backup, step: Step) -> str:
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


def _shortage(backup: Backup, steps: Sequence[Step], disk: Disk) -> str:
    """Why the archives do not fit on a disk, '' if they do."""
    files = sum(step.selected.saved.files for step in steps)
    if disk.inodes is not None and files > disk.inodes:
        return f"{files:,} files, {disk.inodes:,} inodes are free"
    if sum(step.selected.saved.bytes for step in steps) <= disk.free:
        return ""
    # Files may have holes, which archives do not contain.
    needed = sum(_unpacked(backup, step) for step in steps)
    return f"{needed:,} bytes are needed, {disk.free:,} are free (df -h {disk.path})" if needed > disk.free else ""


def _unpacked(backup: Backup, step: Step) -> int:
    archive = step.selected.saved.archive
    if archive is None:
        return 0
    size = 0
    with (
        open(backup.directory / archive.path, "rb", buffering=0) as file,
        decompressed(file, archive.compression) as tar,
    ):
        while piece := tar.read(CHUNK):
            size += len(piece)
    return size
