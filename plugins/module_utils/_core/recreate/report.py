# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Result of a recreation: its plan, the cluster before and after, and warnings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .steps import Step

Facts = Mapping[str, Any]


def plan_rows(steps: Iterable[Step], facts: Facts, results: Facts, data: str) -> dict[str, Any]:
    """The steps to do, and what happens to nodes, volumes and workloads."""
    workloads = results.get("detached", {}).get("workloads", ())
    return {
        "steps": [step.as_dict() for step in steps],
        "nodes": facts["nodes"],
        "volumes": [
            {"name": volume["name"], "claim": volume["claim"], "does": _volume(volume, data)}
            for volume in facts.get("volumes", ())
        ],
        "workloads": [f"{w['namespace']}/{w['kind']}/{w['name']}" for w in workloads],
    }


def result(facts: Facts, results: Facts) -> dict[str, Any]:
    """The cluster before and after. results: those of each step."""
    restored = results.get("restored", {})
    created = results.get("created", {})
    return {
        "cluster": facts["cluster"],
        "generation": restored.get("generation", facts.get("generation", "")),
        "before": facts,
        "after": {
            "nodes": [node["name"] for node in created.get("cluster", {}).get("nodes", ())],
            "kubernetes_version": created.get("kubernetes_version", ""),
            "storage_classes": results.get("provisioned", {}).get("storage_classes", []),
            "volumes": restored.get("volumes", []),
        },
        "workloads": (results.get("attached") or results.get("detached") or {}).get("workloads", []),
    }


def checksum_seconds(results: Facts) -> float:
    """Seconds that reading all data took, as part of the steps."""
    parts = (("backed_up", "checksum"), ("restored", "compare"))
    return round(sum(float(results.get(step, {}).get("seconds", {}).get(phase, 0.0)) for step, phase in parts), 3)


def foreign_classes(storage_classes: Sequence[Facts]) -> tuple[str, ...]:
    """A warning about classes whose provisioners are not installed again."""
    names = [item["name"] for item in storage_classes if not item["options"]]
    if not names:
        return ()
    return (
        "Storage classes of other provisioners are restored only if a volume names them, and their provisioners are "
        f"not installed: {', '.join(names)}",
    )


def _volume(volume: Facts, data: str) -> str:
    if volume["node"]:
        return f"its data is archived from {volume['node_directory']} in {volume['node']} and extracted again"
    stays = f"its data stays in {volume['host_directory']}"
    return f"{stays} and is archived" if data == "archive" else stays
