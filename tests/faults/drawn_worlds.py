"""Drawn worlds: clusters with any objects, machines, options and kubeconfigs, and what modules do in all of them."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Iterator
from typing import Any

import separate

WORLDS = 10_000


def run(seed: int, worlds: int, only: str = "", world: str = "") -> Iterator[dict[str, Any]]:
    """A row per property whose name contains `only`. worlds: their total number. world: the only one, as printed."""
    again = f"--seed {seed} --worlds {worlds}"
    return separate.rows("world_cases.py", seed, worlds, only, world, again=f"drawn_worlds.py {again}")


def main() -> None:
    """Print the rows; exit with 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or secrets.randbelow(10**6)))
    parser.add_argument("--worlds", type=int, default=WORLDS)
    parser.add_argument("--only", default="", help="run only properties whose name contains this")
    parser.add_argument("--world", default="", help="repeat this world, as a failed row prints it")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    sys.exit(not separate.show(run(asked.seed, asked.worlds, asked.only, asked.world)))


if __name__ == "__main__":
    main()
