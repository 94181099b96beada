"""Arguments of the roles: complete, documented, with the documented defaults, and known by their modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import ENGINES
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import PROVISIONERS

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent for path in ROOT.glob("roles/*/tasks"))
# Roles that wrap one module, and must reach all of its options.
MODULES = {
    "adopt": "volume_adopt",
    "backup": "volume_backup",
    "cluster": "kind_cluster",
    "convert": "volume_convert",
    "copy": "volume_copy",
    "detach": "volume_detach",
    "local_data": "local_data",
    "map": "lab_map",
    "move": "volume_move",
    "object_backup": "object_backup",
    "object_restore": "object_restore",
    "prune": "volume_prune",
    "recreate": "kind_cluster_recreate",
    "restore": "volume_restore",
    "storage": "storage_provisioner",
}
# Role arguments that are dictionaries of module options: (role, path of the argument, module, other keys).
DICTIONARIES = [
    ("cluster", "cluster_options", "kind_cluster", set()),
    ("recreate", "recreate_options", "kind_cluster", set()),
    ("storage", "storage_options", "storage_provisioner", set()),
    ("provision", "provision_clusters", "kind_cluster", {"archives", "images", "options", "storage"}),
    ("provision", "provision_clusters.options", "kind_cluster", set()),
    ("provision", "provision_clusters.storage.options", "storage_provisioner", set()),
]

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)


def defaults(role: Path) -> dict[str, Any]:
    path = role / "defaults" / "main.yml"
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def options(role: Path) -> dict[str, Any]:
    """The options of all entry points; one that several have is the same in each."""
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    return {name: option for spec in specs.values() for name, option in spec.get("options", {}).items()}


def flat(tree: dict[str, Any], path: str = "") -> dict[str, dict[str, Any]]:
    """Options and suboptions by path: {'name.suboption': {...}}."""
    found: dict[str, dict[str, Any]] = {}
    for name, option in tree.items():
        found[path + name] = option
        found |= flat(option.get("options") or option.get("suboptions") or {}, f"{path}{name}.")
    return found


def documentation(path: Path) -> dict[str, Any]:
    """The YAML in the constant DOCUMENTATION of a module or a documentation fragment."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            found = yaml.safe_load(ast.literal_eval(node.value))
            assert isinstance(found, dict)
            return found
    raise LookupError(path)


@cache
def module_options(module: str) -> dict[str, Any]:
    """The options of a module, with those of its documentation fragments."""
    own = documentation(ROOT / "plugins" / "modules" / f"{module}.py")
    found: dict[str, Any] = {}
    for name in own.get("extends_documentation_fragment", []):
        fragment = documentation(ROOT / "plugins" / "doc_fragments" / f"{name.rpartition('.')[2]}.py")
        found |= fragment.get("options") or {}
    return found | own["options"]


def calls(role: str, module: str) -> Iterator[dict[str, Any]]:
    """The arguments of each call of a module in the tasks of a role."""
    for path in (ROOT / "roles" / role / "tasks").glob("*.yml"):
        for task in yaml.safe_load(path.read_text()):
            yield from filter(None, [task.get(f"kindlab.volumes.{module}")])


@each_role
def test_defaults_are_the_documented_ones(role: Path) -> None:
    documented = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert documented == defaults(role)


@each_role
def test_options_are_described(role: Path) -> None:
    assert [name for name, option in flat(options(role)).items() if not option.get("description")] == []


@each_role
def test_names_begin_with_the_role(role: Path) -> None:
    names = {*defaults(role), *options(role)}
    assert [name for name in sorted(names) if not name.startswith(f"{role.name.lstrip('_')}_")] == []


@each_role
def test_entry_points_are_described(role: Path) -> None:
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    assert [
        name for name, spec in specs.items() if not (spec.get("short_description") and spec.get("description"))
    ] == []
    assert [name for name in specs if not (role / "tasks" / f"{name}.yml").exists()] == []


@each_role
def test_roles_have_a_readme(role: Path) -> None:
    text = (role / "README.md").read_text()
    assert f"ansible-doc -t role kindlab.volumes.{role.name}`" in text
    assert role.name.startswith("_") == ("private to the collection" in text)


@each_role
def test_engines_and_provisioners_are_left_to_the_modules(role: Path) -> None:
    listed = [{*map(str, option.get("choices", []))} for option in flat(options(role)).values()]
    assert [choices for choices in listed if choices & {*ENGINES, *PROVISIONERS}] == []


@pytest.mark.parametrize(("role", "module"), MODULES.items())
def test_a_role_reaches_every_option_of_its_module(role: str, module: str) -> None:
    passed = {option for call in calls(role, module) for option in call}
    assert passed == {*module_options(module)}


@pytest.mark.parametrize(("role", "path", "module", "others"), DICTIONARIES, ids=str)
def test_dictionaries_have_only_options_of_their_module(role: str, path: str, module: str, others: set[str]) -> None:
    declared = {
        name.removeprefix(f"{path}."): option
        for name, option in flat(options(ROOT / "roles" / role)).items()
        if name.startswith(f"{path}.") and name.removeprefix(f"{path}.").partition(".")[0] not in others
    }
    known = flat(module_options(module))
    assert declared
    for name, option in declared.items():
        assert name in known
        for key in ("type", "elements", "choices"):
            assert option.get(key) == known[name].get(key), name


@pytest.mark.parametrize(("role", "argument"), [("cluster", "cluster_options"), ("storage", "storage_options")])
def test_declared_keys_of_dictionaries_are_passed_on(role: str, argument: str) -> None:
    """And no other keys, which the role would refuse."""
    text = "".join(path.read_text() for path in (ROOT / "roles" / role / "tasks").glob("*.yml"))
    declared = options(ROOT / "roles" / role)[argument]["options"]
    assert {name for name in declared if f"{argument}.{name} | default(omit)" in text} == {*declared}
    assert text.count(f"{argument}.") == len(declared)


def test_provision_takes_the_options_of_its_roles() -> None:
    clusters = options(ROOT / "roles/provision")["provision_clusters"]["options"]
    cluster = options(ROOT / "roles/cluster")["cluster_options"]["options"]
    storage = options(ROOT / "roles/storage")
    assert {*clusters["options"]["options"], "nodes"} == {*cluster}
    assert {*clusters["storage"]["options"]["options"]["options"]} == {*storage["storage_options"]["options"]}
    assert {f"storage_{name}" for name in clusters["storage"]["options"]} <= {*storage}
