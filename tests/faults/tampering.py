"""Restore randomly damaged backups: each is refused or restored exactly as saved, and nothing else is changed."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CASES = 11_000
# In memory if possible: most of the time is spent on writing backups.
PLACE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# The environment of the unit tests has hypothesis; that of the user may not.
ENVIRONMENT = "from environment import environment; print(environment('core-2.19') / 'bin' / 'python')"


def run(seed: int, cases: int, only: str = "") -> list[dict[str, Any]]:
    """A row per kind of damage whose name contains `only`. cases: their total number."""
    return list(_rows(seed, cases, only))


def _rows(seed: int, cases: int, only: str) -> Iterator[dict[str, Any]]:
    """Run in a separate process: a crash or hang of the reader becomes a row, too."""
    program = str(Path(__file__).with_name("damage_cases.py"))
    built = str(ROOT / ".build" / "collections")
    places = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), built]))
    with tempfile.TemporaryDirectory(prefix="kindlab-", dir=PLACE) as top, tempfile.TemporaryFile("w+") as said:
        argv = [_python(), program, top, str(seed), str(cases), only]
        with subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=said, text=True, env={**os.environ, "PYTHONPATH": places}
        ) as process:
            for line in process.stdout or ():
                yield json.loads(line)
        if process.returncode:
            said.seek(0)
            last = Path(top, "case")
            told = f"{said.read()[-2000:]}\n{last.read_text() if last.exists() else ''}; --seed {seed} --cases {cases}"
            found = f"the program ended with {process.returncode}"
            yield {"point": "no crash and no hang", "found": found, "result": told, "ok": False}


def _python() -> str:
    if importlib.util.find_spec("hypothesis"):
        return sys.executable
    # Not imported: tools has a module of the same name as one of these.
    argv = [sys.executable, "-c", ENVIRONMENT]
    return subprocess.run(argv, cwd=ROOT / "tools", stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def main() -> None:
    """Print the rows; exit with 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or secrets.randbelow(10**6)))
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--only", default="", help="run only kinds of damage whose name contains this")
    asked = parser.parse_args()
    start, total, good = time.monotonic(), 0, True
    print(f"seed {asked.seed}", flush=True)
    for row in _rows(asked.seed, asked.cases, asked.only):
        result = "" if row["ok"] else f"\n    {row['result']}"
        print(f"{'ok  ' if row['ok'] else 'FAIL'} {row['point']}: {row['found']}{result}", flush=True)
        total += int(row["found"].split()[0]) if row["found"][0].isdigit() else 0
        good &= row["ok"]
    print(f"{total} cases, {time.monotonic() - start:.0f} s")
    sys.exit(not good)


if __name__ == "__main__":
    main()
