"""Measures the collection against the plain tools, side by side in one run; arguments choose groups."""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys

import clusters
import data
import drain
import everything
import identity
import plans
import provisioners
import recreation
import use_cases
import volumes
from measure import BUILD, Figure

GROUPS = {
    "plans": plans.figures,
    "data": data.figures,
    "cluster": clusters.figures,
    "identity": identity.figures,
    "volumes": volumes.figures,
    "provisioners": provisioners.figures,
    "drain": drain.figures,
    "use_cases": use_cases.figures,
    "recreation": lambda: itertools.chain(recreation.figures(), everything.figures()),
}


def table(figures: list[Figure]) -> str:
    """A line per figure: value, limit, verdict."""
    signs = {True: ">=", False: "<="}
    return "\n".join(
        f"{'ok ' if f.ok else 'OFF'}  {f.value:9.2f} {f.unit:5}  {signs[f.at_least]} {f.limit:7.2f}  {f.name}"
        for f in figures
    )


def main() -> None:
    """Run the chosen groups, all without a choice; exit 1 where a limit is missed."""
    chosen = sys.argv[1:] or list(GROUPS)
    figures: list[Figure] = []
    for name in chosen:
        for figure in GROUPS[name]():
            print(table([figure]), flush=True)
            figures.append(figure)
    BUILD.mkdir(exist_ok=True)
    shown = [{**dataclasses.asdict(f), "ok": f.ok} for f in figures]
    (BUILD / "benchmark.json").write_text(json.dumps(shown, indent=2) + "\n")
    print(f"\n{table(figures)}\nThe same as JSON: {BUILD / 'benchmark.json'}")
    sys.exit(not all(f.ok for f in figures))


main()
