# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copy one stream of bytes to the standard input of several programs at once."""

from __future__ import annotations

# ansible-test of 2.21 wants run_command, which has no streams and no bound in time.
# pylint: disable=ansible-bad-function
import queue
import shlex
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import IO, Protocol

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import stalled_killed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import LONG_SECONDS, environment

CHUNK = 1 << 20
# How many chunks the slowest program may lag behind before the source has to wait for it.
BUFFERED = 16


class Readable(Protocol):
    """A stream of bytes, which ends with an empty chunk."""

    def read(self, _size: int, /) -> bytes:
        """At most so many bytes."""


class Tee:
    """Feeds each program by a thread of its own, so that they do not wait for each other."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = threading.Event()

    def end(self) -> None:
        """End what is copied by another thread, which fails then; nothing is copied any more."""
        self._ended.set()
        for program in tuple(self._running):
            program.kill()

    def copy_to(self, source: Readable, programs: Mapping[str, Sequence[str]]) -> None:
        """Copy the source to every program {name: argv}. Raises CommandFailed for the first that fails."""
        queues: dict[str, queue.Queue[bytes]] = {name: queue.Queue(BUFFERED) for name in programs}
        with ThreadPoolExecutor(max_workers=len(programs)) as pool:
            runs = [pool.submit(self._feed, argv, queues[name]) for name, argv in programs.items()]
            try:
                while not self._ended.is_set() and (chunk := source.read(CHUNK)):
                    for chunks in queues.values():
                        chunks.put(chunk)
            finally:
                for chunks in queues.values():
                    chunks.put(b"")
        if self._ended.is_set():
            raise CommandFailed("Copying was ended.")
        for run in runs:
            run.result()

    @contextmanager
    def output_of(self, argv: Sequence[str]) -> Iterator[IO[bytes]]:
        """The output of a program while it runs. Raises CommandFailed if it fails."""
        with (
            tempfile.TemporaryFile() as stderr,
            stalled_killed(LONG_SECONDS) as watch,
            subprocess.Popen(
                list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, env=environment()
            ) as program,
        ):
            if program.stdout is None:
                return
            watch(program)
            try:
                yield program.stdout
            except CommandFailed:
                # If the reader failed because its input ended early, report the producer's error instead.
                program.stdout.read()
                if program.wait() == 0:
                    raise
            program.stdout.read()
            if program.wait() != 0:
                raise _failed(argv, program.returncode, stderr)

    def _feed(self, argv: Sequence[str], chunks: queue.Queue[bytes]) -> None:
        """Run one program with the chunks as its input, until an empty one; after a failure the rest is discarded."""
        with tempfile.TemporaryFile() as stderr, stalled_killed(LONG_SECONDS) as watch:
            try:
                program = subprocess.Popen(
                    list(argv), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr, env=environment()
                )
            except OSError as error:
                while chunks.get():
                    continue
                raise CommandFailed(f"{argv[0]} cannot be started: {error.strerror}", tried=shlex.join(argv)) from None
            with program:
                if program.stdin is None:
                    return
                watch(program)
                self._running.add(program)
                if self._ended.is_set():
                    # It was started while the others were ended.
                    program.kill()
                while chunk := chunks.get():
                    with suppress(BrokenPipeError):
                        program.stdin.write(chunk)
                with suppress(BrokenPipeError):
                    program.stdin.close()
                code = program.wait()
                self._running.discard(program)
                if code != 0:
                    raise _failed(argv, code, stderr)


def _failed(argv: Sequence[str], code: int, stderr: IO[bytes]) -> CommandFailed:
    stderr.seek(0)
    text = b"".join(stderr.readlines()[-8:]).decode("utf-8", "replace").strip()
    if code == -signal.SIGKILL:
        text = f"it was killed, because it read and wrote nothing for {LONG_SECONDS:g} seconds"
    return CommandFailed(f"{argv[0]} failed: {text or 'without an error message'}", tried=shlex.join(argv))
