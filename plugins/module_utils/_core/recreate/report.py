# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a recreation tells: its plan, and the cluster before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .journal import STEPS
from .resume import (
    CREATE,
    DELETE,
    SALVAGE,
    SAVE,
    storage_options,
    volume_plan,
)

Facts = Mapping[str, Any]
_FIRST = {SAVE: "planned", SALVAGE: "planned", DELETE: "deleted", CREATE: "created"}


def plan_lines(place: str, facts: Facts, done: Facts, data: str) -> dict[str, Any]:
    """The steps from where the run begins, and what becomes of nodes, volumes and what uses them."""
    return {
        "steps": list(STEPS[STEPS.index(_FIRST[place]) :]),
        "nodes": facts["nodes"],
        "volumes": volume_plan(facts.get("volumes", ()), data),
        "owners": [f"{o['namespace']}/{o['kind']}/{o['name']}" for o in done.get("detached", {}).get("workloads", ())],
    }


def results(facts: Facts, done: Facts) -> dict[str, Any]:
    """The cluster before and after. done: what each step returned."""
    restored = done.get("restored", {})
    created = done.get("created", {})
    return {
        "cluster": facts["cluster"],
        "generation": restored.get("generation", facts.get("generation", "")),
        "before": facts,
        "after": {
            "nodes": [node["name"] for node in created.get("cluster", {}).get("nodes", ())],
            "kubernetes_version": created.get("kubernetes_version", ""),
            "storage_classes": done.get("classes", []),
            "volumes": restored.get("volumes", []),
        },
        "owners": (done.get("attached") or done.get("detached") or {}).get("workloads", []),
    }


def checksum_seconds(done: Facts) -> float:
    """How long reading all data took, as a part of the steps."""
    parts = (("saved", "checksum"), ("restored", "compare"))
    return round(sum(float(done.get(step, {}).get("seconds", {}).get(phase, 0.0)) for step, phase in parts), 3)


def others_classes(storage_classes: Sequence[Facts]) -> tuple[str, ...]:
    """A warning where classes are somebody else's to make."""
    names = storage_options(storage_classes)[1]
    if not names:
        return ()
    return (
        "Storage classes of provisioners that are not known here come back only with volumes that name them: "
        + ", ".join(names),
    )
