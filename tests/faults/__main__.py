"""Inject faults into real clusters and backups; report the results as a table and as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

import drawn_worlds
import failures
import holding
import identity
import kill_matrix
import kinds_of_volumes
import machines
import moves
import scene
import tampering
from harness import BUILD, Row

# Sections with clusters of their own.
SECTIONS = {"kinds": kinds_of_volumes, "identity": identity, "machines": machines, "moves": moves}
# Those that have a short form; unit tests draw worlds as well.
SHORT = ("tampering", "kill", "failures", "holding")
GROUPS = (*SHORT, "worlds", *SECTIONS)


def rows(groups: list[str], *, short: bool, seed: int) -> Iterator[Row]:
    """The rows of these groups; all groups that need a cluster share one."""
    if "tampering" in groups:
        yield from tampering.run(seed, 1500 if short else tampering.CASES)
    if "worlds" in groups:
        yield from drawn_worlds.run(seed, 1000 if short else drawn_worlds.WORLDS)
    if {"kill", "failures", "holding"} & set(groups):
        was = scene.build(50 if short else 500)
        for name, module in (("holding", holding), ("kill", kill_matrix), ("failures", failures)):
            if name in groups:
                yield from module.rows(was, short=short)
        scene.remove()
    for name, section in SECTIONS.items():
        if name in groups:
            yield from section.rows()


def report(found: list[Row]) -> None:
    """Print the table, and write it as JSON."""
    BUILD.mkdir(exist_ok=True)
    (BUILD / "faults.json").write_text(json.dumps(found, indent=2) + "\n")
    width = max((len(line["point"]) for line in found), default=0)
    print(
        "\n"
        + "\n".join(f"{'ok  ' if r['ok'] else 'FAIL'} {r['point']:{width}}  {r['found']}  {r['result']}" for r in found)
    )
    lost = [line for line in found if not line["ok"]]
    print(f"{len(found)} points, {len(lost)} failed. Results as JSON: {BUILD / 'faults.json'}")


def main() -> None:
    """Exit with 1 if a row failed; the table is also printed if a group is aborted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", default=[], help=f"groups to run: {', '.join(GROUPS)}; default: all")
    parser.add_argument("--short", action="store_true", help="run a subset of the groups in minutes")
    parser.add_argument("--seed", type=int, default=1, help="seed of the generated cases")
    chosen = parser.parse_args()
    found: list[Row] = []
    try:
        found.extend(
            rows(chosen.groups or list(SHORT if chosen.short else GROUPS), short=chosen.short, seed=chosen.seed)
        )
    finally:
        report(found)
    sys.exit(not all(line["ok"] for line in found))


main()
