"""A role's argument_specs.yml and defaults/main.yml say the same, so that its documentation is true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path.parent for path in Path(__file__).resolve().parents[2].glob("roles/*/tasks"))

pytestmark = pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)


def defaults(role: Path) -> dict[str, Any]:
    path = role / "defaults" / "main.yml"
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def options(role: Path) -> dict[str, Any]:
    """The options of all entry points; one that several have is the same in each."""
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    return {name: option for spec in specs.values() for name, option in spec.get("options", {}).items()}


def described(tree: dict[str, Any], path: str = "") -> dict[str, bool]:
    """Whether each option has a description, suboptions too: {'name.suboption': True}."""
    found: dict[str, bool] = {}
    for name, option in tree.items():
        found[path + name] = bool(option.get("description"))
        found |= described(option.get("options", {}), f"{path}{name}.")
    return found


def test_defaults_are_the_documented_ones(role: Path) -> None:
    documented = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert documented == defaults(role)


def test_options_are_described(role: Path) -> None:
    assert [name for name, good in described(options(role)).items() if not good] == []


def test_names_begin_with_the_role(role: Path) -> None:
    names = {*defaults(role), *options(role)}
    assert [name for name in sorted(names) if not name.startswith(f"{role.name}_")] == []


def test_entry_points_are_described(role: Path) -> None:
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    assert [
        name for name, spec in specs.items() if not (spec.get("short_description") and spec.get("description"))
    ] == []
    assert [name for name in specs if not (role / "tasks" / f"{name}.yml").exists()] == []
