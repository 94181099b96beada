# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes archives of directories, by tar and zstd or gzip, in one pass."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple, cast

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_entries import entries
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import Damaged, TarStream
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Conflict,
    KindlabError,
)

from .hashing import DETACH

CHUNK = 1 << 20
PROGRAMS = {"zstd": "zstd", "gzip": "gzip"}
LEVELS = {"zstd": range(1, 20), "gzip": range(1, 10)}
KEEP = ("--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner")
# Their messages are shown; in their own language they can be looked up.
ENVIRONMENT = {**os.environ, "LC_ALL": "C"}

# What tar would not write twice alike is left out. So are fractions of a second where nobody asks for them: they take
# a second header for every file, and the checksum list has them (see extraction.extract).
_PLAIN = ("--format=posix", "--sort=name", "--sparse", "--one-file-system")
_LEFT_OUT = "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime"
# Large pieces from one program to the next: with tar's own 10 KiB they would wait for each other most of the time.
_LARGE = "--blocking-factor=512"
_CHANGED = 1


class Written(NamedTuple):
    """An archive's file: sha256 and size of what was written."""

    sha256: str
    bytes: int


def check_programs(compression: str, level: int | None = None) -> None:
    """Raise BadInput where tar or the compressor is not on this host, or the level is not one of the compressor's."""
    for program in ("tar", PROGRAMS[compression]):
        if shutil.which(program) is None:
            raise BadInput(
                f"The program {program} is not on this host.",
                tried=f"command -v {program}",
                next_step=f"Install {program}"
                + (", or choose compression: gzip." if program == "zstd" else ", or put its directory on PATH."),
            )
    if level is not None and level not in LEVELS[compression]:
        levels = LEVELS[compression]
        raise BadInput(f"{compression} has no level {level}.", next_step=f"Use {levels[0]} to {levels[-1]}.")


def create(directory: str, *, times: bool = False) -> list[str]:
    """The words that follow tar's name to write a directory's archive to standard output.

    Owners (by number), modes, times (in seconds, or exactly), hard links, holes, extended attributes and ACLs are
    kept; what other file systems mounted in it hold is not.
    """
    left_out = _LEFT_OUT if times else f"{_LEFT_OUT},delete=mtime"
    return ["--create", *_PLAIN, left_out, *KEEP, _LARGE, f"--directory={directory}", "--file=-", "."]


def write_archive(
    directory: str,
    write: Callable[[memoryview], object],
    compression: str,
    level: int | None,
    tar: Sequence[str] = ("tar",),
) -> Written:
    """Hand a directory's archive to write, piece by piece (a piece is only good until the next one).

    tar: how tar is called, there where the directory is. Raises Conflict where a file changed meanwhile,
    CommandFailed where tar fails; an error of write ends the programs.
    """
    sha256, size = hashlib.sha256(), 0
    view = memoryview(bytearray(CHUNK))
    with _pipeline([*tar, *create(directory)], _compressor(compression, level)) as output:
        while count := os.readv(output.fileno(), [view]):
            sha256.update(view[:count])
            size += count
            write(view[:count])
    return Written(sha256.hexdigest(), size)


def tar_failure(command: str, code: int, said: bytes) -> KindlabError:
    """The error for a tar that ended with a code: Conflict where it only found that data changed."""
    text = last_said(said)
    # An engine that can't run tar in a node ends with the same code.
    if code == _CHANGED and b"tar: " in said:
        return Conflict(f"Data was written to while it was read: {text}", tried=command, next_step=DETACH)
    return CommandFailed(f"tar failed: {text or f'it ended with {code}'}", tried=command)


def last_said(said: bytes) -> str:
    """The end of what a program said."""
    return "\n".join(said.decode("utf-8", "backslashreplace").strip().splitlines()[-5:])


def _compressor(compression: str, level: int | None) -> list[str]:
    chosen = [] if level is None else [f"-{level}"]
    if compression == "zstd":
        return ["zstd", "--quiet", "--threads=0", *chosen, "--stdout"]
    return ["gzip", "--no-name", *chosen, "--stdout"]


@contextmanager
def _pipeline(first: Sequence[str], second: Sequence[str]) -> Iterator[IO[bytes]]:
    """The output of first | second; raises when either failed, and ends both where the reader fails."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as also_said:
        one = subprocess.Popen(first, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, env=ENVIRONMENT)
        two = subprocess.Popen(second, stdin=one.stdout, stdout=subprocess.PIPE, stderr=also_said, env=ENVIRONMENT)
        between, output = cast("IO[bytes]", one.stdout), cast("IO[bytes]", two.stdout)
        for pipe in (between, output):
            with suppress(OSError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, CHUNK)
        between.close()
        try:
            yield output
        except BaseException:
            one.kill()
            two.kill()
            raise
        finally:
            output.close()
            codes = one.wait(), two.wait()
            cast("IO[bytes]", one.stdin).close()
        if codes == (0, 0):
            return
        said.seek(0)
        also_said.seek(0)
        command = f"{shlex.join(first)} | {shlex.join(second)}"
        if codes[1] == 0:
            raise tar_failure(command, codes[0], said.read())
        raise CommandFailed(f"tar or {second[0]} failed: {last_said(said.read() + also_said.read())}", tried=command)


def content(archive: Path, compression: str, mode: str) -> list[Entry]:
    """What extracting it would give, with times in seconds. mode: full, or fast for no sha256."""
    with archive.open("rb", buffering=0) as file, decompressed(file, compression) as stream:
        try:
            return entries(TarStream(stream.read), mode)
        except Damaged as error:
            raise KindlabError(
                f"The archive {archive} can't be read back: {error}.",
                next_step="See that the disk of the backup directory is sound, then run this again.",
            ) from None


@contextmanager
def decompressed(file: IO[bytes], compression: str) -> Iterator[IO[bytes]]:
    """The content of a compressed file, from its beginning; the program ends with the reader."""
    file.seek(0)
    command = [PROGRAMS[compression], "--decompress", "--quiet", "--stdout"]
    process = subprocess.Popen(command, bufsize=CHUNK, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = cast("IO[bytes]", process.stdout)
    try:
        yield output
    finally:
        output.close()
        process.kill()
        process.wait()
