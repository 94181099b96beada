"""Runs ansible-playbook and kills it, with all its descendants, two seconds after the nth start of a module."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

# Ansible prints the path of each module that it runs (verbosity 3), at once and not by blocks of kilobytes.
VERBOSE = {"ANSIBLE_VERBOSITY": "3", "PYTHONUNBUFFERED": "1"}


def descendants(root: int) -> list[int]:
    """A process and all below it, except those that a service manager or init has adopted."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def main() -> None:
    """kill_at.py MODULE:NUMBER COMMAND..."""
    point, *command = sys.argv[1:]
    module, _colon, number = point.partition(":")
    environment, left = {**os.environ, **VERBOSE}, int(number)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True, env=environment
    ) as process:
        for line in process.stdout:
            left -= line.startswith("Using module file ") and line.rstrip().endswith(f"/{module}.py")
            if not left:
                time.sleep(2)
                for victim in descendants(process.pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(victim, signal.SIGKILL)
                print(f"killed at {point}")
                return
    sys.exit(f"the playbook ended before {point}")


main()
