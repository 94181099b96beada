# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One stream of bytes into several programs at once."""

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
# Chunks that a program may lie behind the fastest one before that waits for it.
AHEAD = 16


class FanOut:
    """Feeds programs, each by a thread of its own, so that none waits for another one's pace."""

    def into(self, source: IO[bytes], sinks: Mapping[str, Sequence[str]]) -> None:
        """Copy the source into the standard input of every program {name: argv}. Raises CommandFailed for the first."""
        queues: dict[str, queue.Queue[bytes]] = {name: queue.Queue(AHEAD) for name in sinks}
        failures: dict[str, CommandFailed] = {}
        threads = [
            threading.Thread(target=_feed, args=(name, argv, queues[name], failures), daemon=True)
            for name, argv in sinks.items()
        ]
        for thread in threads:
            thread.start()
        try:
            while chunk := source.read(CHUNK):
                for waiting in queues.values():
                    waiting.put(chunk)
        finally:
            for waiting in queues.values():
                waiting.put(b"")
            for thread in threads:
                thread.join()
        for name in sinks:
            if name in failures:
                raise failures[name]

    @contextmanager
    def output_of(self, argv: Sequence[str]) -> Iterator[IO[bytes]]:
        """What a program writes, as it writes it. Raises CommandFailed where it fails in the end."""
        with subprocess.Popen(list(argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
            if program.stdout is None or program.stderr is None:
                return
            said: list[bytes] = []
            listener = threading.Thread(target=_listen, args=(program.stderr, said), daemon=True)
            listener.start()
            try:
                yield program.stdout
            except CommandFailed:
                # A program that was fed may have failed because its food ended: then this is the cause.
                program.stdout.read()
                if program.wait() == 0:
                    raise
            program.stdout.read()
            listener.join()
            if program.wait() != 0:
                raise _failed(argv, said)


def _feed(name: str, argv: Sequence[str], chunks: queue.Queue[bytes], failures: dict[str, CommandFailed]) -> None:
    """Run one program with the chunks as its input, until an empty one; goes on taking them where it has failed."""
    said: list[bytes] = []
    with subprocess.Popen(
        list(argv), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as program:
        if program.stdin is None or program.stderr is None:
            return
        listener = threading.Thread(target=_listen, args=(program.stderr, said), daemon=True)
        listener.start()
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
        listener.join()
        if program.wait() != 0:
            failures[name] = _failed(argv, said)


def _listen(stream: IO[bytes], said: list[bytes]) -> None:
    said.extend(stream.readlines()[-8:])


def _failed(argv: Sequence[str], said: Sequence[bytes]) -> CommandFailed:
    text = b"".join(said).decode("utf-8", "replace").strip()
    return CommandFailed(f"{argv[0]} failed: {text or 'it said nothing'}", tried=shlex.join(argv))
