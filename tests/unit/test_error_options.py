"""Options in error texts: the module has them, and a role's user is told the role's variables."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.error_text import (
    Reader,
    called,
    option_pattern,
)
from ansible_collections.kindlab.volumes.tests.unit.support.texts import (
    MODULES,
    PACKAGE,
    ROOT,
    Text,
    action,
    module_texts,
)
from ansible_collections.kindlab.volumes.tests.unit.test_roles_arguments import ROLES, calls, flat, options

# Texts about options that are not the module's own: (what their file begins with, option) -> why they are right.
EXPLAINED = {
    ("_core/kind/mounts_and_ports.py", "node_path"): "a key of each mount",
    ("_core/local_data/location.py", "node_path"): "a key of each mount",
    ("_core/restore/data.py", "checksums"): "how a backup was made",
    ("_core/restore/place_refusals.py", "data"): "how a backup was made",
    ("_core/restore/replace.py", "data"): "how a backup was made",
    ("_core/transfer/copying.py", "data"): "how a backup was made",
    ("_edge/data/archive.py", "compression_level"): "checked where it is given, by volume_backup",
}
# What a file decides is asked for by these modules only, though others use some of its functions.
ASKED_BY = {
    "_core/kind/": {"kind_cluster", "kind_cluster_recreate"},
    "_edge/kind/": {"kind_cluster", "kind_cluster_recreate"},
    "_core/provisioner/": {"storage_provisioner", "kind_cluster_recreate"},
    "_core/objects/selection.py": {"object_backup"},
    # Markup, and words of a map.
    "_core/map/page/": set(),
    "_core/prune/request.py": {"volume_prune"},
    "_core/recreate/steps.py": {"kind_cluster_recreate"},
    "_edge/backup/reader.py": {"volume_restore", "volume_detach", "kind_cluster"},
}


def arguments(module: str) -> set[str]:
    return {*importlib.import_module(PACKAGE + action(module).removesuffix(".py").replace("/", ".")).ARGUMENTS}


def others(module: str) -> dict[str, str]:
    """What run_module() is told about options of other actions."""
    source = (ROOT / "plugins" / "modules" / f"{module}.py").read_text()
    if "others=" not in source:
        return {}
    name = re.search(r"others=(action\.OTHERS|OTHERS)", source)
    assert name
    file = action(module) if name[1] == "action.OTHERS" else "_sequence/option_names.py"
    found: dict[str, str] = importlib.import_module(PACKAGE + file.removesuffix(".py").replace("/", ".")).OTHERS
    return found


OPTIONS = {module: arguments(module) for module in MODULES}
EVERY = set().union(*OPTIONS.values())


def named(text: str) -> set[str]:
    """The options of any module that a text names."""
    told = Reader(variables={option: f"<{option}>" for option in EVERY}).prose(text)
    return set(re.findall(r"<(\w+)>", told))


def is_asked(text: Text, module: str) -> bool:
    return all(module in modules for start, modules in ASKED_BY.items() if text.file.startswith(start))


@pytest.mark.parametrize("module", MODULES)
def test_texts_name_options_that_the_module_has(module: str) -> None:
    known = OPTIONS[module] | others(module).keys()
    wrong = [
        f"{text.file}:{text.line}: {option} in {text.text!r}"
        for text in module_texts(module)
        if is_asked(text, module)
        for option in sorted(named(text.text) - known)
        if (text.file, option) not in EXPLAINED
    ]
    assert wrong == []


def test_the_texts_of_modules_are_found() -> None:
    """So that the test above reads what it should."""
    texts = {text.text for text in module_texts("volume_restore")}
    assert "Set verify={}, or use a generation that was made with checksums={}." in texts
    assert len({text.text for module in MODULES for text in module_texts(module) if named(text.text)}) > 60


@pytest.mark.parametrize(("file", "option"), EXPLAINED)
def test_explained_texts_exist(file: str, option: str) -> None:
    found = {text for module in MODULES for text in module_texts(module) if text.file == file}
    assert any(option in named(text.text) for text in found)


def test_next_steps_have_no_placeholders() -> None:
    """NAME, NAMESPACE, FILE: what the program knows is told."""
    command = re.compile(
        r"\b(?:kubectl|docker|podman|kind|mkdir|rm|mv|chmod|touch)\b[^.]*[\s/](?:NAME|NAMESPACE|FILE|DIRECTORY)\b"
    )
    found = {text for module in MODULES for text in module_texts(module) if command.search(text.text)}
    assert found == set()


def role_variables() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(role, module, variables) of each task of a role that runs a module of the collection."""
    for role in ROLES:
        for module in MODULES:
            for arguments in calls(role.name, module):
                given = arguments.get("variables")
                name = re.fullmatch(r"\{\{ (__\w+) \}\}", given) if isinstance(given, str) else None
                if name:
                    for other in ROLES:
                        path = other / "vars" / "main.yml"
                        variables = yaml.safe_load(path.read_text()) if path.exists() else {}
                        for key in (name[1], f"__provision{name[1].removeprefix('_')}"):
                            if key in variables:
                                yield other.name, module, variables[key]
                else:
                    yield role.name, module, given


@pytest.mark.parametrize(("role", "module", "variables"), [*role_variables()], ids=str)
def test_roles_tell_what_their_variables_are_called(role: str, module: str, variables: dict[str, Any]) -> None:
    known = {name for other in ROLES for name in flat(options(other))}
    given = {"names": {}, **variables}
    for option, name in called({option: option for option in OPTIONS[module]}, given).items():
        # kind_image is given no nodes by the role.
        assert name in known or (module, option) == ("kind_image", "nodes"), option
        assert name.startswith((f"{role.lstrip('_')}_", "cluster_", "detach_", "storage_", "engine_"))
    assert given["names"].keys() <= OPTIONS[module]


def test_every_role_with_a_module_tells_it() -> None:
    assert {(role, module) for role, module, _variables in role_variables()} >= {
        *(("provision", module) for module in ("kind_cluster", "kind_image", "storage_provisioner")),
        *(("backup", "volume_backup"), ("restore", "volume_restore"), ("recreate", "kind_cluster_recreate")),
        *(("detach", "volume_detach"), ("cluster", "kind_cluster"), ("storage", "storage_provisioner")),
        ("local_data", "local_data"),
    }


def test_the_pattern_keeps_other_words() -> None:
    assert option_pattern({"data"}).search("metadata=x /srv/data=x 'data=x'") is None
