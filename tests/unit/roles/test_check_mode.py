"""Roles in check mode: what a task before would have done is taken into account by those after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

ROLES = Path(__file__).resolve().parents[3] / "roles"
# Modules that need no API server in check mode.
WITHOUT_API = ("kind_cluster", "kind_cluster_info", "kind_image", "lab_map")


def asking() -> Iterator[tuple[str, str, Any]]:
    """Role, module and condition of each task that asks the API server of a cluster."""
    for path in sorted(ROLES.glob("[!_]*/tasks/*.yml")):
        for task in yaml.safe_load(path.read_text()):
            for name in task:
                module = name.removeprefix("kindlab.volumes.")
                if module != name and module not in WITHOUT_API:
                    when = task.get("when", "true")
                    yield path.parts[-3], module, " and ".join([when] if isinstance(when, str) else when)


def evaluated(text: str, **values: Any) -> Any:
    environment = Environment(undefined=StrictUndefined)  # noqa: S701
    environment.filters["difference"] = lambda some, others: [value for value in some if value not in others]
    expression = text.removeprefix("{{").removesuffix("}}")
    return environment.compile_expression(expression, undefined_to_none=False)(**values)


@pytest.mark.parametrize(("role", "module", "when"), list(asking()))
def test_a_cluster_that_would_be_created_first_is_not_asked(role: str, module: str, when: str) -> None:
    assert "kindlab_planned" in when, f"{module} of the role {role}"
    values = {f"{role}_cluster": "lab", f"{role}_state": "present", f"{role}_path": "/b", "ansible_check_mode": True}
    values[f"{role}_generation"] = ""
    assert evaluated(when, **values)
    assert evaluated(when, **values, kindlab_planned=["other"])
    assert not evaluated(when, **values, kindlab_planned=["other", "lab"])
    assert evaluated(when, **{**values, "ansible_check_mode": False}, kindlab_planned=["lab"])


@pytest.mark.parametrize(
    ("detached", "saved", "expected"),
    [
        ({}, {}, ([], [])),
        ({"lab": ["v"], "lab2": []}, {"lab": {"/b": ["w"]}, "lab2": {}}, (["v"], ["w"])),
        ({"lab2": ["v"]}, {"lab2": {"/b": ["w"]}}, ([], [])),
        ({}, {"lab": {"/c": ["w"]}}, ([], [])),
    ],
)
def test_a_deletion_assumes_what_would_have_been_detached_and_saved(
    detached: dict[str, Any], saved: dict[str, Any], expected: tuple[list[str], list[str]]
) -> None:
    defaults = yaml.safe_load((ROLES / "cluster" / "defaults" / "main.yml").read_text())
    facts = {name: fact for name, fact in (("kindlab_detached", detached), ("kindlab_saved", saved)) if fact}
    values = {"cluster_name": "lab", "cluster_backup": "/b", **facts}
    internal = yaml.safe_load((ROLES / "cluster" / "vars" / "main.yml").read_text())["__cluster_saved"]
    values["__cluster_saved"] = evaluated(internal, **values)
    names = ("cluster_assume_unused", "cluster_assume_saved")
    assert tuple(evaluated(defaults[name], **values) for name in names) == expected


@pytest.mark.parametrize(
    ("generation", "written", "asked"), [("", [], True), ("", ["/b"], False), ("3", ["/b"], True), ("", ["/c"], True)]
)
@pytest.mark.parametrize("role", ["restore", "object_restore"])
def test_a_generation_that_would_be_written_first_is_not_read(
    role: str, generation: str, written: list[str], asked: bool
) -> None:
    ((_role, _module, when),) = [found for found in asking() if found[0] == role]
    values = {f"{role}_cluster": "lab", f"{role}_path": "/b", f"{role}_generation": generation}
    assert evaluated(when, **values, kindlab_written=written, ansible_check_mode=True) is asked
    assert evaluated(when, **values, kindlab_written=written, ansible_check_mode=False)


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
    volumes = [{"name": name, "data": data, "digest": digest, "consistent": True} for name, data, digest in rows]
    assert saved_names({"volumes": volumes}) == ["proven", "nfs"]


def test_it_relies_on_what_is_written_to_only_until_a_run_stops_its_pods() -> None:
    written = {"data": "host", "digest": "", "consistent": False}
    volumes = [{"name": name, **written} for name in ("stopped", "written")]
    assert saved_names({"volumes": volumes}, ["stopped"]) == ["stopped"]


def saved_names(result: dict[str, Any], unused: Sequence[str] = ()) -> list[str]:
    """What the role backup records in check mode after this result of the module."""
    templates = yaml.safe_load((ROLES / "backup" / "vars" / "main.yml").read_text())
    given = {"backup_result": result, "backup_assume_unused": unused}
    names = ("__backup_proven", "__backup_written", "__backup_elsewhere")
    values = {name: evaluated(templates[name], **given) for name in names}
    return list(evaluated(templates["__backup_saved"], **values))
