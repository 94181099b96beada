"""Runs a command and kills it with all its descendants, two seconds after a line of its output named a task."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def descendants(root: int) -> list[int]:
    """All processes below one; those that a service manager or init has adopted are not."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def main() -> None:
    """kill_at.py TASK COMMAND..."""
    name, *command = sys.argv[1:]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        for line in process.stdout:
            if line.startswith("TASK [") and line.partition("]")[0].endswith(name):
                time.sleep(2)
                for victim in descendants(process.pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(victim, signal.SIGKILL)
                print(f"killed in {line.strip()}")
                return
    sys.exit(f"the task {name!r} never began")


main()
