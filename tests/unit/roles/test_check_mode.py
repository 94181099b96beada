"""Roles in check mode: what a task before would have done is taken into account by those after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment

ROLES = Path(__file__).resolve().parents[3] / "roles"
MODULES = {
    "adopt": "volume_adopt",
    "detach": "volume_detach",
    "local_data": "local_data",
    "object_restore": "object_restore",
    "prune": "volume_prune",
    "restore": "volume_restore",
    "storage": "storage_provisioner",
}


def evaluated(text: str, **values: Any) -> Any:
    return Environment().compile_expression(text.removeprefix("{{").removesuffix("}}"))(**values)  # noqa: S701


@pytest.mark.parametrize(("role", "module"), MODULES.items())
def test_a_cluster_that_would_be_created_first_is_not_asked(role: str, module: str) -> None:
    tasks = yaml.safe_load((ROLES / role / "tasks" / "main.yml").read_text())
    (when,) = [task["when"] for task in tasks if f"kindlab.volumes.{module}" in task]
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
    names = ("cluster_assume_unused", "cluster_assume_saved")
    assert tuple(evaluated(defaults[name], **values) for name in names) == expected
