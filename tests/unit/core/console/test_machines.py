"""The table of machines: one line for each, its error on that line, and no table for one machine."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.machines import ERROR, Machines


def entry(name: str, state: str = "present") -> dict[str, str]:
    return {"name": name, "state": state}


def set_up() -> Machines:
    machines = Machines()
    for name in ("one", "two", "three"):
        machines.start(name, 10.0)
    machines.end("one", {"ansible_facts": {"provision_result": []}}, 11.0)
    machines.end("one", {"ansible_facts": {"provision_result": [entry("shop"), entry("old", "absent")]}}, 52.34)
    machines.fail("two", {"msg": "No module named\n  kubernetes"}, 20.0)
    machines.fail("three", {"unreachable": True, "msg": "refused"}, 12.0)
    return machines


def test_each_machine_has_its_clusters_and_seconds_or_its_error() -> None:
    assert set_up().table({"one": "changed", "three": "unreachable", "two": "failed"}) == [
        "machine  result       clusters            seconds or error",
        "one      changed      shop, old (absent)  42.3",
        "three    unreachable  -                   refused",
        "two      failed       -                   No module named kubernetes",
    ]


def test_the_error_of_a_rescued_task_is_not_shown() -> None:
    machines = set_up()
    machines.end("two", {}, 15.0)
    assert machines.table({"one": "unchanged", "two": "changed"})[2].split() == ["two", "changed", "-", "5.0"]


def test_one_machine_needs_no_table() -> None:
    assert set_up().table({"one": "changed"}) == []


def test_a_machine_of_which_nothing_is_known_has_a_line() -> None:
    assert set_up().table({"four": "failed", "one": "changed"})[1].split() == ["four", "failed", "-", "-"]


def item(message: str, failed: bool = True) -> dict[str, Any]:
    return {"failed": failed, "msg": message}


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"msg": ["The lab is invalid.", "2 are named lab."]}, "The lab is invalid. 2 are named lab."),
        ({"msg": "items", "results": [item("a"), item("b", failed=False), item("c")]}, "a; c"),
        ({"msg": "items", "results": [item("a"), item("a")]}, "a"),
        ({"results": [1]}, "-"),
        ({"msg": "x" * ERROR}, "x" * ERROR),
        ({"msg": "x" * (ERROR + 1)}, "x" * ERROR + "..."),
    ],
)
def test_an_error_is_one_line(result: dict[str, Any], told: str) -> None:
    machines = Machines()
    machines.fail("one", result, 1.0)
    assert machines.table({"one": "failed", "two": "changed"})[1].endswith(f"  {told}")


@pytest.mark.parametrize("facts", [None, [], {}, {"other": 1}])
def test_other_facts_say_nothing_of_clusters(facts: Any) -> None:
    machines = set_up()
    machines.end("one", {"ansible_facts": facts}, 60.0)
    assert "shop, old (absent)  50.0" in machines.table({"one": "changed", "two": "failed"})[1]
