"""Seconds of each plan for 10,000 volumes and 10,000 workloads, and the memory for a list of a million files."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import BUILD, SCRATCH, Figure, run

PROGRAM = Path(__file__).with_name("planning.py")


def figures() -> Iterator[Figure]:
    """No cluster is needed: the objects are made up, and only the decisions are measured."""
    places = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(BUILD / "collections")]))
    run([sys.executable, PROGRAM], PYTHONPATH=places)
    for name in json.loads((SCRATCH / "output").read_text()):
        run([sys.executable, PROGRAM, name], PYTHONPATH=places)
        seconds = float((SCRATCH / "output").read_text())
        yield Figure(f"plan of 10,000 volumes and workloads: {name}", seconds, 3, "s")
    peak = run([sys.executable, PROGRAM, "list"], PYTHONPATH=places).megabytes
    yield Figure("checksum list of 1,000,000 files: peak memory", peak, 300, "MB")
