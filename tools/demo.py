"""Runs the playbook of a use case, or all of them one after another, and closes with a line for each."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from lab import BUILD

# In this order, so that those that share a cluster follow each other; and the clusters that no later one needs.
CASES = {
    "default_storage_class": (),
    "pod_restart": ("kindlab-stock",),
    "restore_volumes": (),
    "local_data": ("kindlab-mounted",),
    "volume_mobility": ("kindlab-hostpath", "kindlab-local-path-shared"),
}
PROOFS = Path(os.environ.get("KINDLAB_PROOFS") or BUILD / "proofs")


def play(name: str, *arguments: str) -> bool:
    extra = shlex.split(os.environ.get("ARGS", ""))
    command = [str(BUILD / "venv" / "bin" / "ansible-playbook"), f"kindlab.volumes.{name}", *arguments, *extra]
    return subprocess.call(command, stdin=subprocess.DEVNULL) == 0


def line(name: str, good: bool, seconds: float) -> str:
    """One case in the closing table; without a proof of its own it was not proved, whatever Ansible says."""
    proof = PROOFS / f"{name}.json"
    proved = good and proof.exists() and json.loads(proof.read_text())["ok"]
    return f"{'proved' if proved else 'FAILED'}  {name:24} {seconds:7.1f} s"


def main() -> None:
    chosen = sys.argv[1:]
    every = chosen == ["all"]
    lines = []
    for name in CASES if every else chosen:
        start = time.monotonic()
        good = play(name)
        lines.append(line(name, good, time.monotonic() - start))
        if not good:
            break
        if every and CASES[name]:
            wanted = json.dumps({"kindlab_clusters": CASES[name]})
            if not play("teardown", "--extra-vars", wanted):
                break
    if every:
        print("\n".join(["", *lines]), flush=True)
    sys.exit(len(lines) < len(CASES if every else chosen) or any(shown.startswith("FAILED") for shown in lines))


if __name__ == "__main__":
    main()
