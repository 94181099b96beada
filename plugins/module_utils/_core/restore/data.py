# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decide from the data of a volume whether it is restored as it is, from its archive, or refused."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count

from .model import NOT_COMPARED, Step

RESULTS = {"full": "equal", "fast": "sizes and times equal", "none": NOT_COMPARED}


@dataclass(frozen=True)
class DataState:
    """A volume's directory. state: missing, empty, there, or other (not a directory).

    difference: how its content differs from the backup, for people; '' if it does not or was not compared. outer: the
    volume whose archive contains this directory, too, and is extracted; outer_difference: how it differs there.
    elsewhere: why another cluster uses it; it was not compared then. unread: why it could not be read, and remedy: what
    helps.
    """

    state: str
    difference: str = ""
    outer: str = ""
    outer_difference: str = ""
    elsewhere: str = ""
    unread: str = ""
    remedy: str = ""


def check_verify(verify: str, catalog: Catalog) -> None:
    """Raise BadInput if the backup's checksums do not allow that comparison."""
    possible = {"full": ("full", "fast", "none"), "fast": ("fast", "none"), "none": ("none",)}[catalog.checksums]
    if verify not in possible:
        raise BadInput(
            f"The backup has no checksums for verify={verify}: it was made with checksums={catalog.checksums}.",
            next_step=f"Set verify={possible[0]}, or use a generation that was made with checksums={verify}.",
        )


def decide(step: Step, data: DataState, verify: str) -> Step | Refusal:
    """The step with the result of comparing its data, or why its data prevents the restore."""
    saved, refuse = step.selected.saved, step.selected.refuse
    path = path_of(step)
    files, result = count(saved.files, "file"), RESULTS[verify]
    if data.elsewhere:
        return refuse(
            f"another cluster uses {path}: {data.elsewhere}",
            "Delete the volume or the cluster there, or mount another directory here: two clusters must not write to "
            "one directory. A cluster that is stopped has to be started or deleted.",
        )
    if data.unread:
        return refuse(f"its data in {path} cannot be compared with the backup: {data.unread.rstrip('.')}", data.remedy)
    if data.state == "other":
        return refuse(f"{path} is not a directory", f"Move away what is at {path}.")
    fresh = data.state == "missing" or (data.state == "empty" and (data.difference or verify == "none"))
    if saved.archive and fresh:
        checksum = result if saved.checksum_list else NOT_COMPARED
        if data.outer:
            return _in_outer(step, data, files, checksum)
        why = f"{step.why}; its archive ({files}) is extracted to {path} first"
        return replace(step, why=why, extract=True, checksum=checksum)
    if data.state == "missing":
        return refuse(
            f"its host directory {path} does not exist", f"Copy the data to {path}, or mount the directory that has it."
        )
    if verify == "none":
        return _not_compared(step)
    if not saved.checksum_list:
        return refuse(
            "the backup has no checksums of its data"
            + ("" if saved.consistent else ", which was written to while it was backed up"),
            "Set verify=none to accept the data as it is, or select other volumes.",
        )
    if data.difference:
        return refuse(
            f"its data in {path} differs from the backup: {data.difference}",
            _differs(step),
        )
    checked = "checksums equal" if verify == "full" else result
    return replace(step, why=f"{step.why}; {files} in {_directory(step)}, {checked}", checksum=result)


def _in_outer(step: Step, data: DataState, files: str, checksum: str) -> Step | Refusal:
    """Data in a directory that the archive of another volume brings."""
    if data.outer_difference:
        return step.selected.refuse(
            f"its directory {path_of(step)} is also in the archive of {data.outer}, which differs there: "
            f"{data.outer_difference}",
            f"Use a generation for which nothing wrote to both, or restore all but {data.outer} (names).",
        )
    why = f"{step.why}; its data ({files}) is in the archive of {data.outer}, which is extracted first"
    return replace(step, why=why, extracted_with=data.outer, checksum=checksum)


def _not_compared(step: Step) -> Step | Refusal:
    """Data that is not compared must be in the directory that it was backed up from."""
    origin = step.selected.saved.host_directory
    if origin and origin != step.host_directory:
        return step.selected.refuse(
            f"its data was backed up from {origin}, but its directory in this cluster is {path_of(step)}",
            "Set verify=full to compare the data there, or mount the directory that it was backed up from.",
        )
    return replace(step, why=f"{step.why}; {_directory(step)} is not compared")


def _directory(step: Step) -> str:
    return f"{'node' if step.node else 'host'} directory {path_of(step)}"


def path_of(step: Step) -> str:
    """Where its data is, for people."""
    return step.host_directory or f"{step.selected.volume.node_directory} in {step.node}"


def _differs(step: Step) -> str:
    """What to do about data that differs from the backup."""
    archived = step.selected.saved.archive is not None
    replacing = ", or set existing=replace to set it aside and extract the archive" if archived else ""
    accept = "or set verify=none to accept the data as it is"
    return f"Restore the data from a copy, choose another generation{replacing}, {accept}."
