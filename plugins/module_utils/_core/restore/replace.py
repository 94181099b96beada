# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace the data of volumes: it is set aside for the archive, unless a mount or another volume prevents that."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedVolume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.report import more_than_workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import above
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import is_below
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    Volume,
    read_volumes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import volume_places
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import set_aside

from .data import RESULTS, DataState, decide, path_of
from .model import CREATE, NOT_COMPARED, Observed, Request, Step

# The node, '' for the host, and the directory.
_Directory = tuple[str, str]
_BY_HAND = "Stop its pods and move its data away by hand, or select other volumes (names)."


def decide_replacing(step: Step, data: DataState, request: Request, observed: Observed) -> Step | Refusal:
    """The step as decide() returns it, but data that differs is set aside if there is an archive of the backup's."""
    saved, refuse = step.selected.saved, step.selected.refuse
    unknown = data.unread or ("" if request.verify != "none" and saved.checksum_list else "it is not compared")
    if data.elsewhere or data.state != "there" or not (data.difference or unknown):
        return decide(step, data, request.verify)
    path = path_of(step)
    if saved.archive is None:
        if not data.difference:
            return decide(step, data, request.verify)
        return refuse(
            f"its data in {path} differs from the backup, which has no archive of it: {data.difference}",
            "Use a generation that was made with data=archive, or select other volumes (names).",
        )
    if why := _immovable(step, observed):
        return refuse(why, _BY_HAND)
    directory = _directory(step)[1]
    aside = set_aside(directory, request.at)
    reason = f"it differs from the backup: {data.difference}" if data.difference else unknown.rstrip(".")
    return replace(
        step,
        why=f"{step.why}; its data in {path} is set aside as {posixpath.basename(aside)} ({reason}); its archive "
        f"({count(saved.files, 'file')}) is extracted in its place",
        extract=True,
        difference=data.difference,
        aside=aside,
        in_place=not step.node and directory in observed.mounted,
        checksum=RESULTS[request.verify] if saved.checksum_list else NOT_COMPARED,
    )


def nested_refusals(steps: Sequence[Step], observed: Observed) -> list[Refusal]:
    """Steps that another volume prevents which has the directory, one above, or one below it.

    Data cannot be set aside then, nor a volume be created under another name beside the one that it was, nor get the
    place of one that stays. Volumes from different places must not meet in one directory.
    """
    concerned = [s for s in steps if s.aside or s.freed or _is_renamed(s) or _is_moved(s)]
    if not concerned:
        return []
    at: dict[_Directory, set[str]] = {}
    below: dict[_Directory, set[str]] = {}
    for name, (node, path) in _directories(steps, observed):
        at.setdefault((node, path), set()).add(name)
        for outer in above(path):
            below.setdefault((node, outer), set()).add(name)
    origins = {saved.name: _origin(saved) for saved in observed.generation.catalog.volumes}
    origins |= {step.name: _origin(step.selected.saved) for step in steps}
    refusals = []
    for step in concerned:
        node, path = _directory(step)
        same = at.get((node, path), set()) - {step.name}
        others = below.get((node, path), set()).union(*(at.get((node, outer), ()) for outer in above(path)))
        strange = {name for name in same if origins.get(name) != origins[step.name]}
        refusals.append(_nested(step, others - {step.name}, strange, observed))
    return [refusal for refusal in refusals if refusal]


def _nested(step: Step, others: set[str], strange: set[str], observed: Observed) -> Refusal | None:
    """others: volumes that have its directory, or one above or below it. strange: those that had another place."""
    has = "{} has that directory, too, or one above or below it"
    refuse, path = step.selected.refuse, path_of(step)
    if step.aside:
        return (
            refuse(f"its data in {path} cannot be set aside: {has.format(min(others))}", _BY_HAND) if others else None
        )
    freed = step.freed["metadata"]["name"] if step.freed else ""
    if freed in others:
        return refuse(
            f"its directory is {path}, and the existing claim {step.selected.volume.claim} keeps its volume: "
            f"{has.format(freed)}",
            "Leave the claim as it is, and select other volumes (names).",
        )
    if _is_renamed(step) and (existing := others & observed.volumes.keys()):
        return refuse(
            f"it cannot be created under another name for {path}: {has.format(min(existing))}",
            f"Delete that volume if it is not needed (kubectl delete pv {min(existing)}), or restore into another "
            "cluster.",
        )
    if _is_moved(step) and strange:
        return refuse(
            f"on its new node its directory is {path}, which {min(strange)} has, too",
            "Map its node to another one (node_map), or restore one of them without the other (names).",
        )
    return None


def _is_renamed(step: Step) -> bool:
    """True for a volume to create whose data another one of this cluster may have under its old name."""
    selected = step.selected
    other = step.action == CREATE and step.name != selected.saved.name
    return other and bool(selected.volume.node_directory) and not selected.elsewhere


def _is_moved(step: Step) -> bool:
    """True for a volume to create on other nodes than it was."""
    return step.action == CREATE and step.compare and {*step.selected.volume.nodes} != {*step.selected.saved.nodes}


def _origin(saved: SavedVolume) -> tuple[str, ...]:
    """Where the data was: volumes that have it in one place may share it again."""
    return (saved.host_directory,) if saved.host_directory else (*saved.nodes, saved.node_directory)


def _directories(steps: Iterable[Step], observed: Observed) -> Iterator[tuple[str, _Directory]]:
    """The directories of all volumes of the cluster, and of those that are restored."""
    existing = read_volumes(observed.volumes.values(), observed.claims.values())
    volumes: dict[str, Volume] = {volume.name: volume for volume in existing}
    volumes |= {step.name: step.selected.volume for step in steps}
    for name, volume in volumes.items():
        for place in volume_places(volume, observed.nodes):
            host = place.host_directory
            yield name, ("", host) if host else (place.node, place.node_directory)


def _directory(step: Step) -> _Directory:
    return step.node, step.host_directory or step.selected.volume.node_directory


def _immovable(step: Step, observed: Observed) -> str:
    """Why a directory cannot be moved: it, or one in it, is mounted."""
    node, path = _directory(step)
    inner = "" if node else min((m for m in observed.mounted if m != path and is_below(m, path)), default="")
    point = (inner and f"a node has {inner} in it mounted") or min(_mount_points(node, path, observed), default="")
    return f"its data in {path_of(step)} cannot be set aside: {point}" if point else ""


def _mount_points(node: str, path: str, observed: Observed) -> Iterator[str]:
    """The mount points of nodes in a directory. node: '' for one of the host, whose own mount points do not count."""
    for one in observed.nodes:
        own = [path] if one.name == node else []
        places = own if node else [place for place in one.paths_of(path) if one.host_directory(place) == path]
        for point in (posixpath.normpath(mount.node_path) for mount in one.mounts):
            if point in own:
                yield "that is a mount point"
            elif any(is_below(point, place) for place in places if point != place):
                yield f"{point} in it is a mount point of {one.name}"


def check_stoppable(rows: Sequence[Object]) -> None:
    """Raise Declined for volumes that stay in use when their workloads are stopped. rows: of volume_detach."""
    refusals = more_than_workloads(rows)
    decline(f"The data of {count(len(refusals), 'volume')} cannot be replaced", refusals)
