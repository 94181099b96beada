# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extracts archives of a backup: only when proved harmless, and all of one or nothing."""

from __future__ import annotations

import glob
import hashlib
import os
import shlex
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from ansible_collections.kindlab.volumes.plugins.module_utils._core.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, CommandFailed, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.archive import (
    CHUNK,
    ENVIRONMENT,
    KEEP,
    PROGRAMS,
    check_programs,
    last_said,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import walk


def extract(directory: Path, archive: SavedArchive, target: str, times: Mapping[str, int]) -> None:
    """Put a backup's archive into target, which is missing or empty; all of it, or nothing.

    directory: of the generation. times: path -> mtime_ns of its checksum list; what is not in it has the archive's
    time. The archive's sha256 is checked first, then every member: absolute names, '..',
    devices, hard links that lead out and members below a symbolic link are refused (links themselves are the
    volume's data and kept, wherever they point). It is extracted beside target and renamed.
    Raises BadInput for an archive that is damaged or dangerous, Declined where target holds something.
    """
    source = directory / archive.path
    check_programs(archive.compression)
    _check_empty(target)
    try:
        # One descriptor for all three passes: what was checked is what is extracted.
        with open(os.open(source, os.O_RDONLY | os.O_NOFOLLOW), "rb", buffering=0) as file:
            _check_sha256(file, source, archive.sha256)
            _check_members(file, source, archive.compression)
            _extract(file, archive.compression, target, times)
    except OSError as error:
        raise BadInput(
            f"{source} can't be extracted to {target}: {error.strerror or error}.",
            tried=f"ls -ld {shlex.quote(str(error.filename or source))}",
            next_step="Nothing was left behind there; mend it and run this again.",
        ) from None


def remove_leftovers(target: str) -> None:
    """Remove what extractions into target left beside it when they were killed; none may be running."""
    parent, name = os.path.split(os.path.abspath(target))
    for left in Path(parent).glob(f"{glob.escape(_prefix(name))}*"):
        shutil.rmtree(left, ignore_errors=True)


def _prefix(name: str) -> str:
    return f".{name[:100]}.incomplete-"


def _extract(file: IO[bytes], compression: str, target: str, times: Mapping[str, int]) -> None:
    parent, name = os.path.split(os.path.abspath(target))
    os.makedirs(parent, exist_ok=True)
    temporary = tempfile.mkdtemp(prefix=_prefix(name), dir=parent)
    try:
        command = ["tar", "--extract", *KEEP, "--preserve-permissions", f"--directory={temporary}", "--file=-"]
        with _decompressed(file, compression) as stream:
            done = subprocess.run(
                command, stdin=stream, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False
            )
        if done.returncode != 0:
            raise CommandFailed(
                f"tar could not extract into {parent}: {last_said(done.stderr)}",
                tried=shlex.join(command),
                next_step="Nothing was left behind there; see the free disk space and run this again.",
            )
        _set_times(temporary, times)
        os.rename(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _set_times(directory: str, times: Mapping[str, int]) -> None:
    """Set what was extracted to its times; the walk, not the list, says what that is, so nothing else is reached."""
    for entry in walk(directory):
        if entry.relative in times:
            os.utime(entry.path, ns=(times[entry.relative],) * 2, follow_symlinks=False)


def _check_empty(target: str) -> None:
    try:
        with os.scandir(target) as entries:
            held = [entry.name for entry in entries]
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"{target} can't be used: {error.strerror}.", tried=f"ls -la {shlex.quote(target)}") from None
    if held:
        raise Declined(
            f"The directory {target} is not empty: it has {', '.join(sorted(held)[:5])}.",
            tried=f"ls -A {shlex.quote(target)}",
            next_step="Move its content away, if it is no longer needed.",
        )


def _check_sha256(file: IO[bytes], source: Path, wanted: str) -> None:
    sha256 = hashlib.sha256()
    while piece := file.read(CHUNK):
        sha256.update(piece)
    if sha256.hexdigest() != wanted:
        raise BadInput(
            f"The archive {source} was changed after the backup: its sha256 is {sha256.hexdigest()}, not {wanted}.",
            tried=f"sha256sum {shlex.quote(str(source))}",
            next_step="Use another generation of this backup, or a copy of it.",
        )


def _check_members(file: IO[bytes], source: Path, compression: str) -> None:
    links: set[str] = set()
    names: list[str] = []
    why = ""
    try:
        with (
            _decompressed(file, compression) as stream,
            tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK) as members,
        ):
            for member in members:
                why = _danger(member)
                if why:
                    break
                names.append(_normal(member.name))
                if member.issym():
                    links.add(names[-1])
    except (tarfile.TarError, EOFError) as error:
        why = f"it is no whole archive ({error})"
    through = next((name for name in names if any(above in links for above in _above(name))), "")
    if why or through:
        raise BadInput(
            f"The archive {source} is not extracted: {why or f'{through!r} lies below a symbolic link'}.",
            tried=f"tar --list --verbose --file={shlex.quote(str(source))}",
            next_step="It was not made by kindlab.volumes.volume_backup: use another generation of this backup.",
        )


def _danger(member: tarfile.TarInfo) -> str:
    """Why a member could do harm, '' for what may be extracted."""
    for name in [member.name, *([member.linkname] if member.islnk() else [])]:
        if name.startswith("/") or ".." in name.split("/") or "\0" in name:
            return f"{name!r} leads out of it"
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk() or member.isfifo()):
        return f"{member.name!r} is a device or something unknown"
    return ""


def _normal(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _above(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


@contextmanager
def _decompressed(file: IO[bytes], compression: str) -> Iterator[IO[bytes]]:
    """The content of a compressed file, from its beginning; the program ends with the reader."""
    file.seek(0)
    command = [PROGRAMS[compression], "--decompress", "--quiet", "--stdout"]
    process = subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = cast("IO[bytes]", process.stdout)
    try:
        yield output
    finally:
        output.close()
        process.kill()
        process.wait()
