# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives of directories: written in one pass by tar and zstd or gzip, and read back."""

from __future__ import annotations

# ansible-test of 2.21 wants run_command, which has no streams and no bound in time.
# pylint: disable=ansible-bad-function
import fcntl
import hashlib
import os
import shlex
import shutil
import signal
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
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import STALL_SECONDS, stalled_killed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import environment

from .read_errors import DETACH

CHUNK = 1 << 20
# By compression, which is the name of its program.
LEVELS = {"zstd": range(1, 20), "gzip": range(1, 10)}
KEEP = ("--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner")
# Untranslated messages: they are shown, and users look them up.
ENVIRONMENT = environment({"LC_ALL": "C"})

# Omit headers that make archives non-reproducible, and fractions of a second: these take a second header for every
# file, and the checksum list has them (see restore/extract.py).
_PLAIN = ("--format=posix", "--sort=name", "--sparse", "--one-file-system")
_OMITTED = "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime"
# Large pieces from one program to the next: with tar's own 10 KiB they would wait for each other most of the time.
_LARGE = "--blocking-factor=512"
_COMPRESS = {"zstd": ("--quiet", "--threads=0"), "gzip": ("--no-name",)}
_CHANGED = 1
# F_SETPIPE_SZ, which Python names since 3.10.
_SET_PIPE_SIZE = 1031


class Written(NamedTuple):
    """An archive's file: sha256 and size of what was written."""

    sha256: str
    bytes: int


def check_compressor(compression: str, level: int | None = None) -> None:
    """Raise BadInput if the compressor is not installed, or does not have this level. tar may be that of a node."""
    if shutil.which(compression) is None:
        raise BadInput(
            f"{compression} is not installed on this host.",
            tried=f"command -v {compression}",
            next_step=f"Install {compression}"
            + (", or set compression: gzip." if compression == "zstd" else ", or add its directory to PATH."),
        )
    levels = LEVELS[compression]
    if level is not None and level not in levels:
        raise BadInput(
            f"compression_level {level} is invalid for {compression}.", next_step=f"Use {levels[0]} to {levels[-1]}."
        )


def create(directory: str, *, times: bool = False) -> list[str]:
    """The arguments of tar that write a directory's archive to standard output.

    It keeps numeric owners, modes, times (in seconds, or exactly), hard links, holes, extended attributes and ACLs,
    but not the content of file systems mounted in the directory.
    """
    omitted = _OMITTED if times else f"{_OMITTED},delete=mtime"
    return ["--create", *_PLAIN, omitted, *KEEP, _LARGE, f"--directory={directory}", "--file=-", "."]


def write_archive(
    directory: str,
    write: Callable[[memoryview], object],
    compression: str,
    level: int | None,
    tar: Sequence[str] = ("tar",),
    *,
    changing: bool = False,
) -> Written:
    """Pass a directory's archive to write, piece by piece (a piece is valid only until the next one).

    tar: the command that runs tar where the directory is. Raises Conflict if a file changed meanwhile, unless it may
    be changing; CommandFailed if tar fails. An error of write ends the programs.
    """
    compressor = [compression, *_COMPRESS[compression], *([] if level is None else [f"-{level}"]), "--stdout"]
    sha256, size = hashlib.sha256(), 0
    view = memoryview(bytearray(CHUNK))
    with pipeline([*tar, *create(directory)], compressor, changing=changing) as output:
        while count := os.readv(output.fileno(), [view]):
            sha256.update(view[:count])
            size += count
            write(view[:count])
            REPORTER.moved("archives", count)
    return Written(sha256.hexdigest(), size)


def tar_failure(command: str, code: int, stderr: bytes) -> KindlabError:
    """The error for tar's exit code: Conflict if it only found that data changed, TimedOut if it was killed."""
    text = last_lines(stderr)
    # An engine that can't run tar in a node exits with the same code.
    if code == _CHANGED and b"tar: " in stderr:
        return Conflict(f"Data was written to while it was read: {text}", tried=command, next_step=DETACH)
    return killed("tar", command, code) or CommandFailed(f"tar failed: {text or f'exit code {code}'}", tried=command)


def killed(program: str, command: str, code: int) -> TimedOut | None:
    """The error for the exit code of a program that was killed, None for another code."""
    why = f"it read and wrote nothing for {STALL_SECONDS:g} seconds, or the machine is out of memory"
    return TimedOut(f"{program} was killed: {why}.", tried=command) if code == -signal.SIGKILL else None


def last_lines(stderr: bytes) -> str:
    """The last lines of a program's standard error."""
    return "\n".join(stderr.decode("utf-8", "backslashreplace").strip().splitlines()[-5:])


@contextmanager
def pipeline(
    first: Sequence[str],
    second: Sequence[str],
    *,
    changing: bool,
    written: Callable[[int], None] = lambda _bytes: None,
) -> Iterator[IO[bytes]]:
    """The output of first | second; raises if either fails, and ends both if the reader fails.

    written: see stalled_killed.
    """
    watched = stalled_killed(written=written)
    with tempfile.TemporaryFile() as stderr, tempfile.TemporaryFile() as stderr2, watched as watch:
        one = subprocess.Popen(first, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=ENVIRONMENT)
        watch(one)
        two = subprocess.Popen(second, stdin=one.stdout, stdout=subprocess.PIPE, stderr=stderr2, env=ENVIRONMENT)
        between, output = cast("IO[bytes]", one.stdout), cast("IO[bytes]", two.stdout)
        # Of Linux, since Python 3.10.
        for pipe in (between, output) if hasattr(fcntl, "F_SETPIPE_SZ") else ():
            with suppress(OSError):
                fcntl.fcntl(pipe, _SET_PIPE_SIZE, CHUNK)
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
        stderr.seek(0)
        stderr2.seek(0)
        command = f"{shlex.join(first)} | {shlex.join(second)}"
        if codes[1] == 0:
            failure = tar_failure(command, codes[0], stderr.read())
            if changing and isinstance(failure, Conflict):
                return
            raise failure
        raise CommandFailed(f"tar or {second[0]} failed: {last_lines(stderr.read() + stderr2.read())}", tried=command)


def content(archive: Path, compression: str, mode: str) -> Sequence[Entry]:
    """The entries that extracting it would create, with times in seconds. mode: full, or fast for no sha256."""
    with archive.open("rb", buffering=0) as file, decompressed(file, compression) as stream:
        try:
            return entries(TarStream(stream.read), mode)
        except Damaged as error:
            raise KindlabError(
                f"Cannot read back the archive {archive}: {error}.",
                next_step="Check the disk of the backup directory, then run this again.",
            ) from None


@contextmanager
def decompressed(file: IO[bytes], compression: str) -> Iterator[IO[bytes]]:
    """The decompressed content of a file, from its start; the program ends with the reader. Raises TimedOut."""
    file.seek(0)
    command = [compression, "--decompress", "--quiet", "--stdout"]
    with stalled_killed() as watch:
        process = subprocess.Popen(
            command, bufsize=CHUNK, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT
        )
        watch(process)
        output = cast("IO[bytes]", process.stdout)
        try:
            yield output
        finally:
            output.close()
            try:
                # It ends, as nobody reads; the exit code of one that was killed may come after its last byte.
                failure = killed(compression, shlex.join(command), process.wait(1))
            except subprocess.TimeoutExpired:
                failure = None
            finally:
                process.kill()
                process.wait()
            if failure is not None:
                raise failure
