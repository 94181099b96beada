"""Starts and stops two servers on loopback: a registry, and one that takes calls and never answers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 20.0
CONFIG = "{version: 0.1, storage: {filesystem: {rootdirectory: %s}}, http: {addr: '127.0.0.1:0'}}"
SILENT = """
import signal, socket
server = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % server.getsockname()[1], flush=True)
signal.pause()
"""


def started(place: Path, name: str, argv: list[str | Path]) -> str:
    """Start a server that goes on when this ends, and answer its address, which it writes into its log."""
    log = place / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*map(str, argv)], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    with (place / "pids").open("a") as pids:
        pids.write(f"{process.pid}\n")
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text())
        if found:
            return found[1]
        time.sleep(0.1)
    sys.exit(f"{name} does not listen: {log.read_text()}")


def start(place: Path, program: str) -> None:
    config = place / "registry.yml"
    config.write_text(CONFIG % (place / "registry"))
    registry = started(place, "registry", [program, "serve", config])
    silent = started(place, "silent", [sys.executable, "-c", SILENT, place])
    print(json.dumps({"registry": registry, "silent": silent}))


def stop(place: Path) -> None:
    """End what an earlier start has begun; a process counts as ours where its command names the place."""
    pids = place / "pids"
    for pid in map(int, pids.read_text().split() if pids.exists() else ()):
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and os.fsencode(place) in command.read_bytes():
            os.kill(pid, signal.SIGTERM)
    pids.unlink(missing_ok=True)


if __name__ == "__main__":
    if sys.argv[1] == "start":
        start(Path(sys.argv[2]), sys.argv[3])
    else:
        stop(Path(sys.argv[2]))
