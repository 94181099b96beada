"""Restore randomly damaged backups: each is refused or restored exactly as saved, and nothing else is changed."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Any

import separate

CASES = 11_000


def run(seed: int, cases: int, only: str = "") -> Iterator[dict[str, Any]]:
    """A row per kind of damage whose name contains `only`. cases: their total number."""
    return separate.rows("damage_cases.py", seed, cases, only, again=f"--seed {seed} --cases {cases}")


def main() -> None:
    """Print the rows; exit with 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or secrets.randbelow(10**6)))
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--only", default="", help="run only kinds of damage whose name contains this")
    asked = parser.parse_args()
    start = time.monotonic()
    print(f"seed {asked.seed}", flush=True)
    good = separate.show(run(asked.seed, asked.cases, asked.only))
    print(f"{time.monotonic() - start:.0f} s")
    sys.exit(not good)


if __name__ == "__main__":
    main()
