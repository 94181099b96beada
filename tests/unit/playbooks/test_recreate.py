"""The playbook recreate: what its assertion calls missing after a recreation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment

PLAYBOOK = Path(__file__).resolve().parents[3] / "playbooks" / "recreate.yml"
(PLAY,) = yaml.safe_load(PLAYBOOK.read_text())
(TASK,) = [task for task in PLAY["tasks"] if "ansible.builtin.assert" in task]
# In the order in which they need each other.
NEEDED = ("before", "after", "missing_nodes", "unnamed", "missing_volumes", "unbound_volumes")


def row(name: str, claim: str = "", claim_phase: str = "Bound") -> dict[str, str]:
    return {"name": name, "claim": claim, "claim_phase": claim_phase if claim else ""}


def found(before: list[Any], after: list[Any], nodes: tuple[str, ...] = ("k-control-plane",)) -> dict[str, Any]:
    """The values of the assertion's variables."""
    environment = Environment()  # noqa: S701
    environment.filters["difference"] = lambda one, other: [item for item in one if item not in other]
    result = {
        "before": {"volumes": before},
        "after": {"volumes": after, "nodes": list(nodes)},
        "plan": {"nodes": ["k-control-plane"], "volumes": before},
        "resumed": False,
    }
    values: dict[str, Any] = {"recreate_result": result}
    texts = {**PLAY["vars"], **TASK["vars"]}
    for name in NEEDED:
        expression = environment.compile_expression(texts[name].strip().removeprefix("{{").removesuffix("}}"))
        value = expression(**values)
        values[name] = list(value) if isinstance(value, Iterator) else value
    return values


def holds(values: dict[str, Any]) -> bool:
    conditions = TASK["ansible.builtin.assert"]["that"]
    return all(Environment().compile_expression(text)(**values) for text in conditions)  # noqa: S701


# v0 was left Released by an accident with a claim, which has v1 now.
ACCIDENT = [row("v0", "ns/db", ""), row("v1", "ns/db")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], []),
        ([row("v", "ns/c")], [row("v", "ns/c")]),
        (ACCIDENT, ACCIDENT),
    ],
)
def test_what_a_cluster_had_before_an_accident_is_no_failure(before: list[Any], after: list[Any]) -> None:
    assert holds(found(before, after))


@pytest.mark.parametrize(
    ("saved", "title"),
    [
        ({"generation": "1"}, "The cluster k was recreated with everything in it."),
        ({}, "The cluster k was recreated with everything in it."),
        ({"generation": "2"}, "The cluster k went back to generation 1, and its state before is generation 2."),
    ],
)
def test_a_return_is_told_where_an_interrupted_run_was_completed_too(saved: dict[str, str], title: str) -> None:
    (texts,) = [task["vars"] for task in PLAY["tasks"] if "report_title" in task.get("vars", {})]
    result = {"cluster": "k", "generation": "1", "plan": {}}
    values: dict[str, Any] = {"recreate_result": result, "before": saved}
    for name in ("saved", "recreated", "returned", "report_title"):
        values[name] = Environment().from_string(texts[name]).render(**values)  # noqa: S701
    assert values["report_title"] == title


def test_what_is_missing_is_named() -> None:
    values = found([row("v", "ns/c"), row("w")], [row("x", "ns/d", "Pending")], nodes=())
    named = (values["missing_nodes"], values["missing_volumes"], values["unbound_volumes"])
    assert named == (["k-control-plane"], ["v", "w"], ["ns/d"])
    assert not holds(values)
