"""Runs the playbook of a use case, or of all of them, and ends with a table of results."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from paths import BUILD, ROOT
from use_cases import USE_CASES, finished

DATA = Path(os.environ.get("KINDLAB_DATA") or Path.home() / "kindlab")
PROOFS = Path(os.environ.get("KINDLAB_PROOFS") or BUILD / "proofs")


def play(name: str, *arguments: str) -> bool:
    """Run a playbook of the collection; True if it succeeded."""
    extra = shlex.split(os.environ.get("ARGS", ""))
    command = [str(BUILD / "venv" / "bin" / "ansible-playbook"), f"kindlab.volumes.{name}", *arguments, *extra]
    # What the playbooks bring: what changed, failures and reports. All tasks are shown with ARGS=-v.
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "default", "KINDLAB_PROOFS": str(PROOFS)}
    return subprocess.call(command, stdin=subprocess.DEVNULL, env=environment) == 0


def line(name: str, good: bool, seconds: float) -> str:
    """The line of a use case in the table. It has passed only if its own report says so."""
    proof = PROOFS / f"{name}.json"
    proved = good and proof.exists() and json.loads(proof.read_text())["ok"]
    return f"{'passed' if proved else 'FAILED'}  {name:24} {seconds:7.1f} s"


def draw() -> None:
    """A map of what the use case leaves, with its backups."""
    page = BUILD / "map.html"
    backups = sorted(str(path.parent) for path in DATA.glob("*/**/generations") if path.is_dir())
    if play("map", "--extra-vars", json.dumps({"kindlab_map": str(page), "map_backups": backups})):
        print(f"open {page.relative_to(ROOT)}", flush=True)


def main() -> None:
    every = sys.argv[1:] == ["all"]
    chosen = list(USE_CASES) if every else sys.argv[1:]
    lines = []
    for name in chosen:
        start = time.monotonic()
        good = play(name)
        lines.append(line(name, good, time.monotonic() - start))
        if not good:
            break
        clusters = finished(name) if every else []
        if clusters and not play("teardown", "--extra-vars", json.dumps({"kindlab_clusters": clusters})):
            break
    if lines and not every:
        draw()
    if every:
        print("\n".join(["", *lines]), flush=True)
    sys.exit(len(lines) < len(chosen) or any(shown.startswith("FAILED") for shown in lines))


if __name__ == "__main__":
    main()
