"""Everything that may go wrong, done to real clusters and backups; a table of what was found, also as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

import failures
import holding
import kill_matrix
import scene
import tampering
from harness import BUILD, Row

GROUPS = ("tampering", "kill", "failures", "holding")


def rows(groups: list[str], *, short: bool, seed: int) -> Iterator[Row]:
    """The rows of these groups; those on a cluster share one."""
    if "tampering" in groups:
        yield from tampering.run(seed, 1500 if short else tampering.CASES)
    if {"kill", "failures", "holding"} & set(groups):
        was = scene.build(50 if short else 500)
        for name, module in (("holding", holding), ("kill", kill_matrix), ("failures", failures)):
            if name in groups:
                yield from module.rows(was, short=short)
        scene.remove()


def report(found: list[Row]) -> None:
    """The table, here and as JSON."""
    BUILD.mkdir(exist_ok=True)
    (BUILD / "faults.json").write_text(json.dumps(found, indent=2) + "\n")
    width = max((len(line["point"]) for line in found), default=0)
    print(
        "\n"
        + "\n".join(f"{'ok ' if r['ok'] else 'OFF'} {r['point']:{width}}  {r['found']}  {r['result']}" for r in found)
    )
    lost = [line for line in found if not line["ok"]]
    print(f"{len(found)} points, {len(lost)} not as it should be. The same as JSON: {BUILD / 'faults.json'}")


def main() -> None:
    """Exit 1 where anything was lost; what was found is reported also where the rest can't be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", default=[], help=f"of {', '.join(GROUPS)}; all without a choice")
    parser.add_argument("--short", action="store_true", help="a choice of it, in minutes")
    parser.add_argument("--seed", type=int, default=1, help="of the generated cases")
    chosen = parser.parse_args()
    found: list[Row] = []
    try:
        found.extend(rows(chosen.groups or list(GROUPS), short=chosen.short, seed=chosen.seed))
    finally:
        report(found)
    sys.exit(not all(line["ok"] for line in found))


main()
