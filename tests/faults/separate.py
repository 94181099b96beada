"""Run a program that draws cases in a process of its own: a crash or hang becomes a row of the table, too."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# In memory if possible: most of the time is spent on files.
PLACE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# The file in which each process describes its current case, and seconds after which a case counts as hanging.
CASE, HANGS = "case", 60
# The environment of the unit tests has hypothesis; that of the user may not.
ENVIRONMENT = "from environment import of; from pythons import newest; print(of(newest()) / 'bin' / 'python')"


def rows(program: str, *arguments: object, again: str) -> Iterator[dict[str, Any]]:
    """The rows that the program prints, each as a line of JSON. again: the options that repeat this run."""
    built = str(ROOT / ".build" / "collections")
    places = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), built]))
    with tempfile.TemporaryDirectory(prefix="kindlab-", dir=PLACE) as top, tempfile.TemporaryFile("w+") as said:
        argv = [_python(), str(Path(__file__).with_name(program)), top, *map(str, arguments)]
        with subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=said, text=True, env={**os.environ, "PYTHONPATH": places}
        ) as process:
            for line in process.stdout or ():
                yield json.loads(line)
        if process.returncode:
            said.seek(0)
            last = [path.read_text() for path in sorted(Path(top).rglob(CASE))]
            told = "\n".join([said.read()[-2000:], *last, again])
            found = f"the program ended with {process.returncode}"
            yield {"point": "no crash and no hang", "found": found, "result": told, "ok": False}


def show(rows: Iterator[dict[str, Any]]) -> bool:
    """Print the rows; True if all are ok."""
    good = True
    for row in rows:
        result = "" if row["ok"] else f"\n    {row['result']}"
        print(f"{'ok  ' if row['ok'] else 'FAIL'} {row['point']}: {row['found']}{result}", flush=True)
        good &= row["ok"]
    return good


def _python() -> str:
    if importlib.util.find_spec("hypothesis"):
        return sys.executable
    # Not imported: tools has a module of the same name as one of these.
    argv = [sys.executable, "-c", ENVIRONMENT]
    return subprocess.run(argv, cwd=ROOT / "tools", stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
