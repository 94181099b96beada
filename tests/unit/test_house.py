"""The house's rules: who may import whom, what every file begins with, and which hosts may be named."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OURS = "ansible_collections.kindlab.volumes.plugins"
UTILS = f"{OURS}.module_utils"
FOLDERS = (".ci", "changelogs", "docs", "meta", "playbooks", "plugins", "roles", "tests", "tools")
UNREAD = {"__pycache__", "output", "go.sum", "changelog.yaml"}

# Package of plugins/ -> what of this collection it may import: itself and the packages below it.
ROOMS = {
    "callback": ("_core", "_edge.activity", "_edge.recreate.journal"),
    "doc_fragments": (),
    "filter": ("_core",),
    "modules": ("_sequence", "_action", "_edge.module"),
    "module_utils/_sequence": ("_sequence", "_action", "_edge", "_core"),
    "module_utils/_action": ("_action", "_edge", "_core"),
    "module_utils/_edge": ("_edge", "_core"),
    "module_utils/_core": ("_core",),
}
# The map of _core and _edge, by domain: a file imports its own domain and those on the lines above.
LEVELS = {
    "_core": (
        ("errors", "text", "clock", "engines", "outcome", "shape"),
        ("refusals", "options", "images", "console", "names"),
        ("kind", "kube", "data"),
        ("identity", "loaded_images", "provisioner", "scaling"),
        ("objects", "volumes", "drain", "local_data", "provision"),
        ("backup", "detach"),
        ("restore", "recreate"),
        ("removal", "prune"),
        ("adopt", "inventory"),
        ("map", "transfer"),
    ),
    "_edge": (
        ("activity",),
        ("module", "bounds", "command", "text_file"),
        ("credentials", "directory", "engine"),
        ("images", "kube", "data"),
        ("identity", "loaded_images", "objects"),
        ("observe", "drain", "kind", "provisioner"),
        ("backup", "detach", "local_data"),
        ("restore", "recreate", "removal"),
        ("prune", "inventory"),
        ("adopt",),
        ("map", "transfer"),
    ),
}
FILES_PER_FOLDER = 10
# The most files of the collection that one file may import; the recreation runs the other actions.
IMPORTS_PER_FILE = 12
IMPORTS_OF = {
    "_sequence/kind_cluster_recreate.py": 16,
    "_sequence/recreate/plan.py": 16,
    "_sequence/recreate/steps.py": 16,
}
# What comes from outside -> the only files of module_utils that may import it.
SOLE_IMPORTERS = {"ansible": "_edge/module.py", "kubernetes": "_edge/kube/api.py"}

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
    """Full names, `from a import b` as a.b; relative ones, which stay within a folder, are made absolute."""
    package = ".".join(("ansible_collections.kindlab.volumes", *path.parent.relative_to(ROOT).parts))
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1, f"{named(path)}:{node.lineno}: relative imports stay within their folder"
            module = ".".join(filter(None, (package if node.level else "", node.module)))
            yield from (f"{module}.{alias.name}" for alias in node.names)


PYTHON = files(".py")
YAML = files(".yaml", ".yml")
PLUGINS = [path for path in PYTHON if named(path).startswith("plugins/")]
MODULE_UTILS = ROOT / "plugins" / "module_utils"
OF_UTILS = {path.relative_to(MODULE_UTILS).as_posix(): path for path in PLUGINS if path.is_relative_to(MODULE_UTILS)}


def ours(path: Path) -> set[str]:
    """The files of module_utils that a file imports, each as its path there."""
    found = set()
    for name in imports(path):
        if name.startswith(f"{UTILS}."):
            whole = name.removeprefix(f"{UTILS}.").replace(".", "/")
            found.add(f"{whole}.py" if f"{whole}.py" in OF_UTILS else f"{whole.rpartition('/')[0]}.py")
    return found - {path.relative_to(MODULE_UTILS).as_posix() if path.is_relative_to(MODULE_UTILS) else ""}


def domain(file: str) -> tuple[str, str]:
    """_core/drain/plan.py -> ('_core', 'drain'); _core/errors.py -> ('_core', 'errors')."""
    room, name, *_rest = file.removesuffix(".py").split("/")
    return room, name


@pytest.mark.parametrize("path", PLUGINS, ids=named)
def test_imports_only_rooms_below(path: Path) -> None:
    folder = path.parent.relative_to(ROOT / "plugins").as_posix()
    room = next((room for room in ROOMS if folder == room or folder.startswith(f"{room}/")), None)
    assert room is not None, f"{named(path)}: no such room {folder}"
    allowed = tuple(f"{UTILS}.{name}" for name in ROOMS[room])
    collections = [name for name in imports(path) if name.startswith("ansible_collections.")]
    assert [name for name in collections if not name.startswith(allowed)] == []


@pytest.mark.parametrize("file", [file for file in OF_UTILS if domain(file)[0] in LEVELS])
def test_imports_only_domains_above(file: str) -> None:
    room, own = domain(file)
    allowed = {own}
    for level in LEVELS[room]:
        if own in level:
            break
        allowed |= set(level)
    assert [
        other for other in ours(OF_UTILS[file]) if domain(other)[0] == room and domain(other)[1] not in allowed
    ] == []


def test_the_map_names_every_domain() -> None:
    existing = {domain(file) for file in OF_UTILS if domain(file)[0] in LEVELS}
    assert {(room, name) for room, levels in LEVELS.items() for level in levels for name in level} == existing


def test_no_import_cycle() -> None:
    left = {file: ours(path) for file, path in OF_UTILS.items()}
    while free := [file for file, imported in left.items() if not imported & left.keys()]:
        for file in free:
            del left[file]
    assert left == {}


@pytest.mark.parametrize("file", OF_UTILS)
def test_imports_few_files(file: str) -> None:
    assert len(ours(OF_UTILS[file])) <= IMPORTS_OF.get(file, IMPORTS_PER_FILE), sorted(ours(OF_UTILS[file]))


def test_folders_are_small() -> None:
    count = Counter(Path(file).parent.as_posix() for file in OF_UTILS)
    # One file per module is a rule of its own.
    assert {folder: n for folder, n in count.items() if n > FILES_PER_FOLDER and folder != "_action"} == {}


@pytest.mark.parametrize("package, importer", SOLE_IMPORTERS.items())
def test_the_outside_has_one_door(package: str, importer: str) -> None:
    importers = [f for f, path in OF_UTILS.items() if any(name.split(".")[0] == package for name in imports(path))]
    assert importers == [importer]


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
    fragment = re.compile(rf"^  - kindlab\.volumes\._{group}$", re.MULTILINE)
    assert set(groups[group]) == {path.stem for path in modules if fragment.search(path.read_text())}
