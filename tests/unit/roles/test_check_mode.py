"""Roles in check mode: what a task before would have done is taken into account by those after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

ROLES = Path(__file__).resolve().parents[3] / "roles"
# Modules that need no API server in check mode.
WITHOUT_API = ("kind_cluster", "kind_cluster_info", "kind_image")


def asking() -> Iterator[tuple[str, str, Any]]:
    """Role, module and condition of each task that asks the API server of a cluster."""
    for path in sorted(ROLES.glob("[!_]*/tasks/*.yml")):
        for task in yaml.safe_load(path.read_text()):
            for name in task:
                module = name.removeprefix("kindlab.volumes.")
                if module != name and module not in WITHOUT_API:
                    yield path.parts[-3], module, task.get("when", "true")


def evaluated(text: str, **values: Any) -> Any:
    environment = Environment(undefined=StrictUndefined)  # noqa: S701
    environment.filters["difference"] = lambda some, others: [value for value in some if value not in others]
    expression = text.removeprefix("{{").removesuffix("}}")
    return environment.compile_expression(expression, undefined_to_none=False)(**values)


@pytest.mark.parametrize(("role", "module", "when"), list(asking()))
def test_a_cluster_that_would_be_created_first_is_not_asked(role: str, module: str, when: str) -> None:
    assert "kindlab_planned" in when, f"{module} of the role {role}"
    values = {f"{role}_cluster": "lab", f"{role}_state": "present", "ansible_check_mode": True}
    assert evaluated(when, **values)
    assert evaluated(when, **values, kindlab_planned=["other"])
    assert not evaluated(when, **values, kindlab_planned=["other", "lab"])
    assert evaluated(when, **{**values, "ansible_check_mode": False}, kindlab_planned=["lab"])


@pytest.mark.parametrize(
    ("detached", "saved", "expected"),
    [
        ({}, {}, ([], [])),
        ({"cluster": "lab", "volumes": ["v"]}, {"cluster": "lab", "path": "/b", "volumes": ["w"]}, (["v"], ["w"])),
        ({"cluster": "lab2", "volumes": ["v"]}, {"cluster": "lab2", "path": "/b", "volumes": ["w"]}, ([], [])),
        ({}, {"cluster": "lab", "path": "/c", "volumes": ["w"]}, ([], [])),
    ],
)
def test_a_deletion_assumes_what_would_have_been_detached_and_saved(
    detached: dict[str, Any], saved: dict[str, Any], expected: tuple[list[str], list[str]]
) -> None:
    defaults = yaml.safe_load((ROLES / "cluster" / "defaults" / "main.yml").read_text())
    facts = {name: fact for name, fact in (("kindlab_detached", detached), ("kindlab_saved", saved)) if fact}
    values = {"cluster_name": "lab", "cluster_backup": "/b", **facts}
    internal = yaml.safe_load((ROLES / "cluster" / "vars" / "main.yml").read_text())["__cluster_is_saved"]
    values["__cluster_is_saved"] = evaluated(internal, **values)
    names = ("cluster_assume_unused", "cluster_assume_saved")
    assert tuple(evaluated(defaults[name], **values) for name in names) == expected


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("reachable", [False, True])
def test_a_running_cluster_is_asked_also_if_something_of_it_would_change(reachable: bool, changed: bool) -> None:
    result = {"changed": changed, "reachable": reachable}
    tasks = yaml.safe_load((ROLES / "cluster" / "tasks" / "present.yml").read_text())
    (facts,) = [task["ansible.builtin.set_fact"] for task in tasks if "check mode" in task["name"]]
    values = {"cluster_name": "lab", "cluster_result": result}
    answers = yaml.safe_load((ROLES / "provision" / "vars" / "main.yml").read_text())["__provision_answers"]
    for planned in ([], ["lab"]):
        assert evaluated(facts["kindlab_planned"], **values, kindlab_planned=planned) == ([] if reachable else ["lab"])
    for check_mode in (False, True):
        asked = evaluated(answers, **values, __provision_state="present", ansible_check_mode=check_mode)
        assert asked is (reachable or not check_mode)


def test_nothing_is_known_of_the_volumes_of_a_cluster_that_is_not_asked() -> None:
    skipped = {"changed": False, "skipped": True}
    free = yaml.safe_load((ROLES / "backup" / "vars" / "main.yml").read_text())["__backup_free"]
    assert list(evaluated(free, __backup_detachment=skipped)) == []
    assert saved_names(skipped) == []


def test_a_deletion_does_not_rely_on_what_would_be_saved_without_checksums() -> None:
    rows = [("proven", "host", "5f70"), ("unproven", "host", ""), ("nfs", "elsewhere", ""), ("unused", "none", "")]
    volumes = [{"name": name, "data": data, "digest": digest} for name, data, digest in rows]
    assert saved_names({"volumes": volumes}) == ["proven", "nfs"]


def saved_names(result: dict[str, Any]) -> list[str]:
    """What the role backup records in check mode after this result of the module."""
    tasks = yaml.safe_load((ROLES / "backup" / "tasks" / "save.yml").read_text())
    (saved,) = [task["ansible.builtin.set_fact"]["kindlab_saved"] for task in tasks if "Record" in task["name"]]
    templates = yaml.safe_load((ROLES / "backup" / "vars" / "main.yml").read_text())
    values = {
        name: evaluated(templates[name], backup_result=result) for name in ("__backup_proven", "__backup_elsewhere")
    }
    return list(evaluated(saved["volumes"], **values))
