# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copy one stream of bytes to the standard input of several programs at once."""

from __future__ import annotations

import queue
import shlex
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed

CHUNK = 1 << 20
# How many chunks the slowest program may lag behind before the source has to wait for it.
BUFFERED = 16


class Tee:
    """Feeds each program by a thread of its own, so that they do not wait for each other."""

    def copy_to(self, source: IO[bytes], programs: Mapping[str, Sequence[str]]) -> None:
        """Copy the source to every program {name: argv}. Raises CommandFailed for the first that fails."""
        queues: dict[str, queue.Queue[bytes]] = {name: queue.Queue(BUFFERED) for name in programs}
        failures: dict[str, CommandFailed] = {}
        threads = [
            threading.Thread(target=_feed, args=(name, argv, queues[name], failures), daemon=True)
            for name, argv in programs.items()
        ]
        for thread in threads:
            thread.start()
        try:
            while chunk := source.read(CHUNK):
                for chunks in queues.values():
                    chunks.put(chunk)
        finally:
            for chunks in queues.values():
                chunks.put(b"")
            for thread in threads:
                thread.join()
        for name in programs:
            if name in failures:
                raise failures[name]

    @contextmanager
    def output_of(self, argv: Sequence[str]) -> Iterator[IO[bytes]]:
        """The output of a program while it runs. Raises CommandFailed if it fails."""
        with subprocess.Popen(list(argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
            if program.stdout is None or program.stderr is None:
                return
            stderr: list[bytes] = []
            reader = threading.Thread(target=_read, args=(program.stderr, stderr), daemon=True)
            reader.start()
            try:
                yield program.stdout
            except CommandFailed:
                # If the reader failed because its input ended early, report the producer's error instead.
                program.stdout.read()
                if program.wait() == 0:
                    raise
            program.stdout.read()
            reader.join()
            if program.wait() != 0:
                raise _failed(argv, stderr)


def _feed(name: str, argv: Sequence[str], chunks: queue.Queue[bytes], failures: dict[str, CommandFailed]) -> None:
    """Run one program with the chunks as its input, until an empty one; after a failure the rest is discarded."""
    stderr: list[bytes] = []
    with subprocess.Popen(
        list(argv), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as program:
        if program.stdin is None or program.stderr is None:
            return
        reader = threading.Thread(target=_read, args=(program.stderr, stderr), daemon=True)
        reader.start()
        broken = False
        while chunk := chunks.get():
            try:
                if not broken:
                    program.stdin.write(chunk)
            except BrokenPipeError:
                broken = True
        try:
            program.stdin.close()
        except BrokenPipeError:
            broken = True
        reader.join()
        if program.wait() != 0:
            failures[name] = _failed(argv, stderr)


def _read(stream: IO[bytes], lines: list[bytes]) -> None:
    lines.extend(stream.readlines()[-8:])


def _failed(argv: Sequence[str], stderr: Sequence[bytes]) -> CommandFailed:
    text = b"".join(stderr).decode("utf-8", "replace").strip()
    return CommandFailed(f"{argv[0]} failed: {text or 'without an error message'}", tried=shlex.join(argv))
