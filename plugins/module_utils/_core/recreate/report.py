# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Result of a recreation: its plan, the cluster before and after, and warnings."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.node_settings import rows
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import claimed, count, listed

from .shape import cluster_spec, created_nodes, images_of
from .snapshot import data_text
from .steps import STEPS, Step

Facts = Mapping[str, Any]

# The facts of the old cluster that the module returns.
BEFORE = (
    *("cluster", "engine", "nodes", "images", "kubernetes_version", "options", "node_settings", "storage_classes"),
    *("volumes", "generation"),
)
STEP_NAMES = [step.name for step in STEPS]
# Step -> how people do it without this module.
_BY_HAND = {
    "created": "kindlab.volumes.kind_cluster",
    "provisioned": "kindlab.volumes.storage_provisioner",
}
_WITH_VOLUMES = {
    "restored": "kindlab.volumes.volume_restore with path=PATH and generation=GENERATION",
    "attached": "kindlab.volumes.volume_detach with state=attached and path=PATH",
}


def plan_rows(steps: Iterable[Step], facts: Facts, results: Facts, data: str) -> dict[str, Any]:
    """The steps to do, and what happens to nodes, volumes and workloads."""
    workloads = results.get("detached", {}).get("workloads", ())
    spec = cluster_spec(facts["cluster"], facts["options"])
    labels = {node.name: node.labels for node in spec.nodes}
    return {
        "steps": [step.as_dict() for step in steps],
        "nodes": created_nodes(spec),
        "images": images_of(spec),
        "kubernetes_version": facts.get("new_version") or facts["kubernetes_version"],
        "changes": list(facts.get("changes", ())),
        "node_settings": [r for r in rows(facts.get("node_settings") or {}, labels) if r["name"] in labels],
        "node_map": dict(facts.get("node_map") or {}),
        "volumes": [
            {
                "name": volume["name"],
                "claim": volume["claim"],
                "does": _volume(volume, data, facts, results.get("extracted", ())),
            }
            for volume in facts.get("volumes", ())
        ],
        "workloads": [f"{w['namespace']}/{w['kind']}/{w['name']}" for w in workloads],
    }


def in_use_error(volumes: Sequence[Facts]) -> TimedOut:
    """The error for volumes that would still be in use once all workloads are scaled to zero."""
    return TimedOut(
        f"{count(len(volumes), 'volume')} would still be in use: "
        + listed((f"{claimed(v['name'], v['claim'])}: {v['in_use_by'][0]['text']}" for v in volumes), separator="; ")
        + ". Nothing was changed.",
        next_step="Stop these pods and processes, then run this again.",
        details=volumes,
    )


def lost_nodes(names: Sequence[str]) -> str:
    """A warning about nodes whose container is gone."""
    return (
        f"The container of {', '.join(names)} is gone: {'it is' if len(names) == 1 else 'they are'} created again as "
        "recorded. Data that was inside is lost."
    )


def result(facts: Facts, results: Facts) -> dict[str, Any]:
    """The cluster before and after. results: those of each step."""
    restored = results.get("restored", {})
    created = results.get("created", {})
    return {
        "cluster": facts["cluster"],
        "generation": restored.get("generation", (facts.get("back_to") or facts).get("generation", "")),
        "before": {name: facts[name] for name in BEFORE if name in facts} | _old_options(facts),
        "after": {
            "nodes": [node["name"] for node in created.get("cluster", {}).get("nodes", ())],
            "kubernetes_version": created.get("kubernetes_version", ""),
            "storage_classes": results.get("provisioned", {}).get("storage_classes", []),
            "volumes": restored.get("volumes", []),
        },
        "workloads": (results.get("attached") or results.get("detached") or {}).get("workloads", []),
    }


def _old_options(facts: Facts) -> dict[str, Any]:
    """Without those of a cluster that nobody recorded, the ones that were given describe it."""
    old = facts.get("old_options") or {}
    return {"options": old} if old.get("nodes") else {}


def continuation(next_step: str, failed: Step, path: str, facts: Facts) -> str:
    """The next steps if a step after the deletion fails: to go on, and to finish by hand."""
    generation = facts.get("generation") or ""
    first, ways = STEP_NAMES.index(failed.name), dict(_BY_HAND)
    if replaced := facts.get("replaced"):
        # Nothing is restored into a directory that is not empty.
        ways["set_aside"] = f"moving away what is in {listed(sorted(set(replaced.values())))}"
    ways |= _WITH_VOLUMES if generation else {}
    by_hand = [how for step, how in ways.items() if STEP_NAMES.index(step) >= first]
    if not by_hand:
        return next_step
    text = (
        f"{next_step} Then run this again: it continues with this step; options that are given then replace "
        f"recorded ones. To finish by hand instead: {', '.join(by_hand)}."
    )
    return text.strip().replace("PATH", path).replace("GENERATION", generation)


def lost_settings(facts: Facts, nodes: Collection[str]) -> tuple[str, ...]:
    """A warning about nodes with labels, taints or cordons that the new cluster does not have."""
    gone = [_settings_text(row) for row in rows(facts.get("node_settings") or {}, {}) if row["name"] not in nodes]
    if not gone:
        return ()
    return (f"Settings of nodes that the new cluster does not have are lost: {listed(gone, separator='; ')}.",)


def _settings_text(row: Facts) -> str:
    labels = [f"label {key}={value}" for key, value in row["labels"].items()]
    taints = [f"taint {taint}" for taint in row["taints"]]
    return f"{row['name']} ({', '.join([*labels, *taints, *(['cordoned'] if row['cordoned'] else [])])})"


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
        "Storage classes of other provisioners are created again, but their provisioners are not installed: "
        f"{', '.join(names)}",
    )


def _volume(volume: Facts, data: str, facts: Facts, extracted: Container[str]) -> str:
    move = (facts.get("moves") or {}).get(volume["name"]) or {}
    if facts.get("back_to"):
        return data_text(volume, move, facts, extracted)
    inside = f"{volume['node_directory']} in {volume['node']}" if volume["node"] else ""
    moves = f", and it moves to {move['node']}" if move.get("node") else ""
    if move.get("directory"):
        source = inside or volume["host_directory"]
        return f"its data is archived from {source} and extracted to {move['directory']}{moves}"
    if inside:
        return f"its data is archived from {inside} and extracted again"
    if volume.get("source"):
        return f"its data stays in {volume['source']}{moves}"
    return f"its data stays in {volume['host_directory']}{' and is archived' if data == 'archive' else ''}{moves}"
