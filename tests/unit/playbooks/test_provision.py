"""The playbook provision: machines run on their own, and one of them builds the node image that others wait for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

PLAYBOOK = Path(__file__).resolve().parents[3] / "playbooks" / "provision.yml"
FIRST, BUILD, REST = yaml.safe_load(PLAYBOOK.read_text())


def evaluated(text: str, **values: Any) -> Any:
    environment = Environment(undefined=StrictUndefined)  # noqa: S701
    environment.filters["extract"] = lambda name, found: found[name]
    expression = text.strip().removeprefix("{{").removesuffix("}}")
    return environment.compile_expression(expression, undefined_to_none=False)(**values)


def test_machines_do_not_wait_for_each_other_where_they_are_set_up() -> None:
    assert {play["hosts"] for play in (FIRST, BUILD, REST)} == {"{{ kindlab_hosts | default('localhost') }}"}
    assert FIRST["strategy"] == REST["strategy"] == "ansible.builtin.free"
    assert FIRST["vars"] == REST["vars"]


@pytest.mark.parametrize(("name", "may_wait"), [("a", False), ("b", True)])
def test_only_the_first_machine_builds_at_once(name: str, may_wait: bool) -> None:
    text = FIRST["tasks"][-1]["vars"]["__provision_may_wait"]
    assert evaluated(text, inventory_hostname=name, ansible_play_hosts_all=["a", "b"]) is may_wait


@pytest.mark.parametrize(
    ("waits", "left", "builder"),
    [
        ({"a": False, "b": True, "c": True}, ["a", "b", "c"], ["b"]),
        ({"b": True, "c": True}, ["c"], ["c"]),
        ({"a": False, "b": False}, ["a", "b"], []),
        ({}, [], []),
    ],
)
def test_the_first_that_is_left_builds_what_is_waited_for(
    waits: dict[str, bool], left: list[str], builder: list[str]
) -> None:
    (task,) = BUILD["tasks"]
    hostvars = {name: {"inventory_hostname": name, "__provision_waits": value} for name, value in waits.items()}
    waiting = list(evaluated(task["vars"]["waiting"], ansible_play_hosts=left, hostvars=hostvars))
    assert [name for name in "abc" if evaluated(task["when"], inventory_hostname=name, waiting=waiting)] == builder
