"""The builder's keys and store: a change makes again what depends on it, a draft is never a result."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.hostpath import IMAGE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.plan import manifests
from ansible_collections.kindlab.volumes.tests.unit.roles.files import ROLES
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import request

sys.path.insert(0, str(ROLES / "node_image/files/builder"))
import mirror
import recipe
from steps import Recipe, Step
from store import Store


def steps(files: Path, **facts: str) -> Recipe:
    return Recipe(
        files,
        [
            Step("base", "", lambda _work: None, ["base.txt"], facts),
            Step("side", "", lambda _work: None, ["side"]),
            Step("top", "", lambda _work: None, ["top.txt"], needs=["base"]),
        ],
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "side").mkdir()
    for name in ("base.txt", "top.txt", "side/one"):
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("base.txt", {"base", "top"}),
        ("top.txt", {"top"}),
        ("side/one", {"side"}),
        ("side/two", {"side"}),
        ("else", set()),
    ],
)
def test_a_change_reaches_what_depends_on_it(files: Path, changed: str, again: set[str]) -> None:
    before = steps(files)
    names = {"base", "side", "top"}
    keys = {name: before.key(name) for name in names}
    (files / changed).write_text("changed")
    after = steps(files)
    assert {name for name in names if after.key(name) != keys[name]} == again


def test_facts_are_part_of_the_key(files: Path) -> None:
    assert steps(files, suite="a").key("top") != steps(files, suite="b").key("top")


def test_a_result_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    with store.lock("step"):
        with pytest.raises(RuntimeError), store.draft("step", "key") as out:
            (out / "half").touch()
            raise RuntimeError
        assert store.seconds("step", "key") is None
        with store.draft("step", "key") as out:
            (out / "whole").touch()
            assert store.seconds("step", "key") is None
    assert store.seconds("step", "key") is not None
    assert {path.name for path in store.path("step", "key").iterdir()} == {"whole", "step.json"}


def test_the_drafts_of_the_dead_are_removed(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    with store.lock("step"):
        (tmp_path / "cache/step/.draft-old").mkdir()
        with store.draft("step", "key"):
            pass
    assert sorted(path.name for path in (tmp_path / "cache/step").iterdir()) == [".lock", "key"]


def test_old_results_make_room(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    with store.lock("step"):
        for key in ("one", "two", "three"):
            with store.draft("step", key):
                pass
    assert store.seconds("step", "one") is None
    assert store.seconds("step", "three") is not None


def test_the_real_recipe_knows_its_versions() -> None:
    real = recipe.load(ROLES / "node_image/files", "bookworm")
    assert list(real.steps)[-1] == "node"
    assert all(list(real.steps).index(need) < list(real.steps).index("node") for need in real.steps["node"].needs)
    assert len({real.key(name) for name in real.steps}) == len(real.steps)


def test_modules_ask_for_the_image_that_is_built() -> None:
    assert recipe.load(ROLES / "node_image/files", "bookworm").steps["node"].facts["hostpath"] == IMAGE


def test_storage_provisioner_finds_nothing_to_do_in_a_cluster_of_the_image() -> None:
    names = recipe.load(ROLES / "node_image/files", "bookworm").steps["node"].facts
    text = (ROLES / "node_image/files/node/kind/manifests/default-storage.yaml.in").read_text()
    for name in ("local_path", "busybox"):
        text = text.replace(f"@{name.upper()}_IMAGE@", names[name])
    wanted = manifests(request(image=names["local_path"], helper_image=names["busybox"]))
    assert list(yaml.safe_load_all(text)) == list(wanted)


def test_a_failing_step_says_why_and_what_next(tmp_path: Path) -> None:
    builder = ROLES / "node_image/files/builder"
    command = [sys.executable, "-B", builder, "--cache", tmp_path, "--go", "/nowhere/go", "run", "etcd"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "next step:" in done.stderr
    assert not [path for path in (tmp_path / "build").rglob("*") if path.name.startswith(".draft")]


LISTED = "# deb http://old.example/debian bookworm main\ndeb [arch=amd64] http://one.example/debian bookworm main\n"
STANZAS = "Types: deb\nURIs: http://two.example/debian\nSuites: trixie trixie-updates\nComponents: main\n"


@pytest.mark.parametrize(
    ("wanted", "suite", "found"),
    [
        ("http://mine.example", "bookworm", "http://mine.example"),
        ("", "bookworm", "http://one.example/debian"),
        ("", "trixie", "http://two.example/debian"),
        ("", "forky", ""),
    ],
)
def test_the_machines_own_mirror_is_used(tmp_path: Path, wanted: str, suite: str, found: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(LISTED)
    (tmp_path / "sources.list.d/debian.sources").write_text(STANZAS)
    assert mirror.choose(wanted, suite, tmp_path) == found
