"""The house's rules: who may import whom, what every file begins with, and which hosts may be named."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OURS = "ansible_collections.kindlab.volumes.plugins"
UTILS = f"{OURS}.module_utils"
FOLDERS = (".ci", "changelogs", "meta", "playbooks", "plugins", "roles", "tests", "tools")
UNREAD = {"__pycache__", "output", "go.sum", "changelog.yaml"}

# Folder of plugins/ -> what of this collection it may import: only rooms below it.
ROOMS = {
    "doc_fragments": (),
    "filter": (f"{UTILS}._core.",),
    "module_utils/_core": (f"{UTILS}._core.",),
    "module_utils/_edge": (f"{UTILS}._core.", f"{UTILS}._edge."),
    "module_utils/_action": (f"{UTILS}._core.", f"{UTILS}._edge."),
    "module_utils/_sequence": (f"{UTILS}._core.", f"{UTILS}._edge.", f"{UTILS}._action."),
    "modules": (f"{UTILS}._sequence.", f"{UTILS}._action.", f"{UTILS}._edge.module"),
}
# What comes from outside -> the only files of module_utils that may import it.
SOLE_IMPORTERS = {"ansible": "_edge/module.py", "kubernetes": "_edge/api.py"}

LICENCE = re.compile(r"#\s*(Copyright|GNU General Public License|SPDX-License-Identifier|-\*-)|#!|---$")
URL_HOST = re.compile(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,})\b")
DOCUMENTATION_HOSTS = {
    "docs.ansible.com",
    "example.com",
    "example.org",
    "github.com",
    "kind.sigs.k8s.io",
    "kubernetes.io",
    "www.gnu.org",
}
# Names that resolve nowhere (RFC 2606, RFC 6761) or only inside a cluster.
PRIVATE_ENDINGS = (".example", ".internal", ".invalid", ".local", ".svc", ".test")
# Hosts that serve packages have names of this kind; which one is used is the machine's own configuration.
PACKAGE_HOST = re.compile(
    r"\b(?:deb|files|ftp|index|mirrors?|packages|proxy|pypi|security|snapshot|sum)\.[a-z0-9-]+\.[a-z]{2,}\b"
)


def files(*endings: str) -> list[Path]:
    found = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file())
    return sorted(path for path in found if path.suffix in endings and not UNREAD & set(path.relative_to(ROOT).parts))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Full names, `from a import b` as a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(path)}:{node.lineno}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


PYTHON = files(".py")
YAML = files(".yaml", ".yml")
PLUGINS = [path for path in PYTHON if named(path).startswith("plugins/")]


@pytest.mark.parametrize("path", PLUGINS, ids=named)
def test_knows_only_the_rooms_below(path: Path) -> None:
    folder = path.parent.relative_to(ROOT / "plugins").as_posix()
    assert folder in ROOMS, f"{named(path)}: the house has no room {folder}"
    collections = [name for name in imports(path) if name.startswith("ansible_collections.")]
    assert [name for name in collections if not name.startswith(ROOMS[folder])] == []


@pytest.mark.parametrize("package, importer", SOLE_IMPORTERS.items())
def test_the_outside_has_one_door(package: str, importer: str) -> None:
    utils = ROOT / "plugins" / "module_utils"
    assert {
        path.relative_to(utils).as_posix()
        for path in utils.rglob("*.py")
        if any(name.split(".")[0] == package for name in imports(path))
    } <= {importer}


@pytest.mark.parametrize("path", PYTHON, ids=named)
def test_python_begins_with_its_purpose(path: Path) -> None:
    """A module's purpose is its documentation."""
    source = path.read_text()
    documented = re.search(r"^short_description: \S", source, re.MULTILINE)
    assert ast.get_docstring(ast.parse(source)) or documented or not source.strip()


@pytest.mark.parametrize("path", YAML, ids=named)
def test_yaml_begins_with_its_purpose(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line.strip() and not LICENCE.match(line)]
    assert lines and re.match(r"# ?\w", lines[0])


@pytest.mark.parametrize("path", files(".cfg", ".go", ".j2", ".md", ".py", ".sh", ".toml", ".yaml", ".yml"), ids=named)
def test_names_no_package_host(path: Path) -> None:
    text = path.read_text()
    hosts = {host for host in URL_HOST.findall(text) if not host.endswith(PRIVATE_ENDINGS)}
    assert hosts <= DOCUMENTATION_HOSTS
    assert PACKAGE_HOST.findall(text) == []


@pytest.mark.parametrize("group", ["api", "engine"])
def test_action_groups_are_the_modules_that_share_options(group: str) -> None:
    """module_defaults hands a group's options to each of its modules, and a module refuses what it doesn't know."""
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    modules = (ROOT / "plugins" / "modules").glob("*.py")
    fragment = re.compile(rf"^  - kindlab\.volumes\.{group}$", re.MULTILINE)
    assert set(groups[group]) == {path.stem for path in modules if fragment.search(path.read_text())}
