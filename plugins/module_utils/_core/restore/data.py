# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the data says to a restore: equal, extracted from its archive first, or refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .model import EQUAL, NOT_COMPARED, Step

NAMES = 10
# So many files of each kind are named to programs; the rest is counted.
REPORTED = 100
_SAID = {"full": f"checksum {EQUAL}", "fast": "sizes and times equal", "none": NOT_COMPARED}


@dataclass(frozen=True)
class Finding:
    """A volume's directory: missing, empty or there (other: no directory); how it differs from the saved list."""

    state: str
    difference: Difference


def check_verify(verify: str, catalog: Catalog) -> None:
    """Raise BadInput where the backup can't prove what is asked for."""
    proves = {"full": ("full", "fast", "none"), "fast": ("fast", "none"), "none": ("none",)}[catalog.checksums]
    if verify in proves:
        return
    raise BadInput(
        f"The backup has no checksums for verify={verify}: it was made with checksums={catalog.checksums}.",
        next_step=f"Set verify={proves[0]}, or use a generation that was made with checksums={verify}.",
    )


def judge(step: Step, finding: Finding, verify: str) -> Step:
    """The step, with what its data says."""
    saved, path = step.wanted.saved, step.data_at
    files = f"{saved.files} file{'' if saved.files == 1 else 's'}"
    unlike = finding.state == "empty" and (finding.difference or verify == "none")
    if saved.archive and (finding.state == "missing" or unlike):
        why = f"{step.why}, its archive is extracted to {path} first, {files}"
        said = _SAID[verify if saved.checksum_list else "none"]
        return replace(step, why=why, extract=True, checksum=said.removeprefix("checksum "))
    if finding.state == "other":
        return step.refused(f"its data belongs at {path}, which is no directory", "Move away what is in its place.")
    if finding.state == "missing":
        return step.refused(
            f"its host directory {path} is not there", "Bring it back from a copy, or mount the one that has the data."
        )
    if verify == "none":
        return _unproved(step)
    if not saved.checksum_list:
        return step.refused(
            "the backup has nothing to compare its data with: it had no directory of the host",
            "Set verify=none to restore it with the data that is there now, or select other volumes.",
        )
    if finding.difference:
        return step.refused(
            f"its data in {path} differs from the backup: {difference_text(finding.difference)}",
            "Bring the saved data back, name a generation that fits, or set verify=none to take it as it is.",
        )
    said = _SAID[verify]
    why = f"{step.why}, {_directory(step)} there, {files}, {said}"
    return replace(step, why=why, checksum=said.removeprefix("checksum "))


def difference_text(difference: Difference) -> str:
    """'1 changed (a), 2 added (b, c), 0 removed'; no more than ten names of each."""
    parts = []
    for word, paths in (("changed", difference.changed), ("added", difference.added), ("removed", difference.removed)):
        more = ", ..." if len(paths) > NAMES else ""
        parts.append(
            f"{len(paths)} {word}" + (f" ({', '.join(map(ascii_path, paths[:NAMES]))}{more})" if paths else "")
        )
    return ", ".join(parts)


def report(difference: Difference) -> dict[str, Any]:
    """For programs: how many files were changed, added and removed, and the first ones of each."""
    kinds = {"changed": difference.changed, "added": difference.added, "removed": difference.removed}
    return {
        **{kind: [ascii_path(path) for path in paths[:REPORTED]] for kind, paths in kinds.items()},
        "counts": {kind: len(paths) for kind, paths in kinds.items()},
    }


def ascii_path(path: str) -> str:
    """A path as it can be shown anywhere: what can't be printed is escaped."""
    return path if path.isprintable() else ascii(path)[1:-1]


def _unproved(step: Step) -> Step:
    """Without a look at the data, its place must be the one that it was saved from."""
    saved = step.wanted.saved
    if saved.host_directory and saved.host_directory != step.host_directory:
        return step.refused(
            f"in this cluster its directory is {step.data_at}, the data was saved from {saved.host_directory}",
            "Set verify=full to prove that it is there too, or mount the directory that it had.",
        )
    return replace(step, why=f"{step.why}, {_directory(step)} there, not compared", checksum=NOT_COMPARED)


def _directory(step: Step) -> str:
    return f"{'node' if step.node else 'host'} directory {step.data_at}"
