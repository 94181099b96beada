"""What it costs a module to prove whose an API server and its host directories are, on a cluster of three nodes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from clusters import KUBECONFIG, NAME, delete, prepare, present
from measure import BUILD, SCRATCH, Figure, play, run

PROGRAM = Path(__file__).with_name("looking.py")
MODULES = ("volume_info", "storage_provisioner_info", "kind_cluster_info")
LIMIT = 0.2


def figures() -> Iterator[Figure]:
    """Each module with and without its looks, in turns in one process; the difference of the shortest runs."""
    places = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(BUILD / "collections")]))
    image = prepare()
    delete()
    play(present(image))
    for name in MODULES:
        run([sys.executable, PROGRAM, name, NAME, KUBECONFIG], PYTHONPATH=places)
        found = json.loads((SCRATCH / "output").read_text())
        with_looks, without = found["shortest"]["with"], found["shortest"]["without"]
        middle = found["median"]["with"] - found["median"]["without"]
        words = f"identity in {name}: {with_looks:.2f} s, {without:.2f} s without (medians differ by {middle:.2f} s)"
        yield Figure(words, with_looks - without, LIMIT, "s")
    delete()
