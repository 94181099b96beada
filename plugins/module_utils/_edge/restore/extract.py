# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extract a backup's archive on the host: nothing becomes visible before it is complete and verified."""

from __future__ import annotations

# ansible-test of 2.21 wants run_command, which has no streams and no bound in time.
# pylint: disable=ansible-bad-function
import errno
import glob
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, CommandFailed, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import moving
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import stalled_killed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import (
    ENVIRONMENT,
    KEEP,
    decompressed,
    killed,
    last_lines,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.walk import walk

from .verified import check_extracted, verified

# The prefix of a temporary directory: while an archive is extracted into it, and then while its content, which was
# verified, is moved into the existing directory that it lies in.
EXTRACTING, MOVING = ".{}.incomplete-", ".{}.extracted-"
_ADVICE = "Run this as root, on a file system that keeps owners and attributes"


def extract(directory: Path, archive: SavedArchive, target: str, saved: Sequence[checksums.Entry], verify: str) -> None:
    """Extract a backup's archive into target, which is missing or empty, or complete what a killed run began.

    directory: of the generation. saved: the checksum list, for the times, and with verify full or fast for the
    comparison. The archive is verified, extracted beside target, compared, and renamed to target. An existing target
    stays the same directory, as nodes and containers may have it mounted: its content is extracted inside it, and
    moved up. Raises BadInput for an archive that is damaged or unsafe, Declined if target is not empty, KindlabError
    if the extracted data differs from the checksum list.
    """
    source = directory / archive.path
    if unfinished(target, lambda: saved):
        _move_up(_leftovers(target, target, MOVING)[0], target, saved)
        check_extracted(source, saved, lambda: scan(target, verify), verify, f"Move away what is in {target}")
        return
    _check_empty(target)
    with verified(directory, archive, target, saved, verify) as file:
        _extract(file, source, archive.compression, target, saved, verify)


def unfinished(target: str, saved: Callable[[], Sequence[checksums.Entry]]) -> bool:
    """True if a killed run had verified the extracted content and moved some of it: what is there is all its own."""
    left = _leftovers(target, target, MOVING)
    if len(left) != 1:
        return False
    moved = {name for name in content_of(target) if name != os.path.basename(left[0])}
    return is_rest(moved, os.listdir(left[0]), saved())


def is_rest(moved: Iterable[str], to_move: Iterable[str], saved: Sequence[checksums.Entry]) -> bool:
    """True if these names are together all that the list has at its top, each once."""
    top = [entry.path for entry in saved if entry.path != "." and "/" not in entry.path]
    return sorted([*moved, *to_move]) == sorted(top)


def is_begun(directory: str) -> bool:
    """True if a killed run has begun to set aside what is in a directory."""
    return os.path.isdir(moving(directory))


def remove_leftovers(target: str) -> None:
    """Remove the temporary directories of killed extractions into target; none may be running."""
    for parent in (os.path.dirname(os.path.abspath(target)), target):
        for left in _leftovers(parent, target, EXTRACTING):
            shutil.rmtree(left, ignore_errors=True)


def content_of(target: str) -> list[str]:
    """The names in a directory, without what killed extractions left. Raises OSError."""
    prefix = _prefix(target, EXTRACTING)
    return sorted(name for name in os.listdir(target) if not name.startswith(prefix))


def _prefix(target: str, form: str) -> str:
    return form.format(os.path.basename(os.path.abspath(target))[:100])


def _leftovers(parent: str, target: str, form: str) -> list[str]:
    return glob.glob(f"{glob.escape(os.path.join(parent, _prefix(target, form)))}*")


def _extract(
    file: IO[bytes], source: Path, compression: str, target: str, saved: Sequence[checksums.Entry], verify: str
) -> None:
    exists = os.path.isdir(target)
    parent = target if exists else os.path.dirname(os.path.abspath(target))
    os.makedirs(parent, exist_ok=True)
    before = os.stat(parent)
    temporary = tempfile.mkdtemp(prefix=_prefix(target, EXTRACTING), dir=parent)
    try:
        _untar(file, compression, temporary)
        _set_times(temporary, saved)
        check_extracted(source, saved, lambda: scan(temporary, verify), verify, _ADVICE)
        if not exists:
            os.rename(temporary, target)
            return
        complete = f"{os.path.join(parent, _prefix(target, MOVING))}{temporary.rpartition('-')[2]}"
        os.rename(temporary, complete)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        # The directory of a refused volume, or the one above it, is as it was.
        with suppress(OSError):
            os.utime(parent, ns=(before.st_atime_ns, before.st_mtime_ns))
        raise
    _move_up(complete, target, saved)


def _untar(file: IO[bytes], compression: str, directory: str) -> None:
    command = ["tar", "--extract", *KEEP, "--preserve-permissions", f"--directory={directory}", "--file=-"]
    with (
        tempfile.TemporaryFile() as stderr,
        stalled_killed() as watch,
        decompressed(file, compression) as stream,
        subprocess.Popen(command, stdin=stream, stdout=subprocess.DEVNULL, stderr=stderr, env=ENVIRONMENT) as process,
    ):
        watch(process)
        try:
            code = process.wait()
        except BaseException:
            process.kill()
            raise
        stderr.seek(0)
        if code != 0:
            raise killed("tar", shlex.join(command), code) or CommandFailed(
                f"tar could not extract into {os.path.dirname(directory)}: {last_lines(stderr.read())}",
                tried=shlex.join(command),
                next_step="Check the free disk space (df) and run this again; nothing was left behind.",
            )


def _move_up(complete: str, target: str, saved: Sequence[checksums.Entry]) -> None:
    """Move the content of a directory into the one that it lies in, with its own attributes; a rerun completes it.

    Its time is the saved one: moving its content changes its own.
    """
    try:
        for name in os.listdir(complete):
            if os.path.lexists(os.path.join(target, name)):
                raise FileExistsError(errno.EEXIST, "it was created meanwhile", os.path.join(target, name))
            os.rename(os.path.join(complete, name), os.path.join(target, name))
        copy_attributes(complete, target)
        os.rmdir(complete)
        for top in (entry for entry in saved if entry.path == "."):
            os.utime(target, ns=(top.mtime_ns, top.mtime_ns))
    except OSError as error:
        raise CommandFailed(
            f"The extracted data cannot be moved to {target}: {error.strerror} ({error.filename}).",
            tried=f"ls -lA {shlex.quote(target)}",
            next_step="Correct this and run it again: it completes the extraction.",
        ) from None


def copy_attributes(source: str, target: str) -> None:
    """Owner, mode, extended attributes and ACLs of a directory. Raises OSError."""
    with suppress(OSError):
        for name in set(os.listxattr(target)) - set(os.listxattr(source)):
            os.removexattr(target, name)
    status = os.stat(source)
    os.chown(target, status.st_uid, status.st_gid)
    shutil.copystat(source, target)


def _set_times(directory: str, saved: Sequence[checksums.Entry]) -> None:
    """Set the modification times of the extracted entries: those that exist, so that the list reaches nothing else.

    Both are sorted by path.
    """
    rest = iter(saved)
    entry = next(rest, None)
    for found in walk(directory):
        while entry and entry.path < found.relative:
            entry = next(rest, None)
        if entry and entry.path == found.relative:
            os.utime(found.path, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)


def _check_empty(target: str) -> None:
    try:
        names = content_of(target)
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"{target} cannot be used: {error.strerror}.", tried=f"ls -la {shlex.quote(target)}") from None
    if names:
        raise Declined(
            f"The directory {target} is not empty: it contains {listed(names, 5)}.",
            tried=f"ls -A {shlex.quote(target)}",
            next_step="Move its content away if it is no longer needed.",
        )
