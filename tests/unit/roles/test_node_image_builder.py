"""The builder's keys, versions and store: a change makes again what depends on it, a draft is never a result."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.hostpath import IMAGE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.plan import manifests
from ansible_collections.kindlab.volumes.tests.unit.roles.files import ROLES
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import request

sys.path.insert(0, str(ROLES / "node_image/files/builder"))
import mirror
import recipe
from errors import BuildError
from sources import Sources
from steps import Recipe, Step
from store import Store

FILES = ROLES / "node_image/files"
VERSIONS = Sources(FILES).versions


def steps(files: Path, version: str = "", **facts: str) -> Recipe:
    return Recipe(
        Sources(files, version),
        [
            Step("base", "", lambda _work: None, ["base.txt"], facts),
            Step("side", "", lambda _work: None, ["side"]),
            Step("top", "", lambda _work: None, ["top.txt"], needs=["base"]),
        ],
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A recipe for two versions of Kubernetes; the newer one has a file of its own."""
    for folder, version in (("go", "1.1.0"), ("versions/1.2.0/go", "1.2.0")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "go.mod").write_text(f"module m\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes v{version}\n")
    for folder in ("side", "versions/1.2.0/side"):
        (tmp_path / folder).mkdir()
    for name in ("base.txt", "top.txt", "side/one", "versions/1.2.0/side/one"):
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
        ("versions/1.2.0/base.txt", set()),
        ("versions/1.2.0/side/two", set()),
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


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("base.txt", {"base", "top"}),
        ("versions/1.2.0/base.txt", {"base", "top"}),
        ("side/one", set()),
        ("versions/1.2.0/side/one", {"side"}),
        ("versions/1.2.0/side/two", {"side"}),
    ],
)
def test_a_version_has_shared_files_and_its_own_in_their_place(files: Path, changed: str, again: set[str]) -> None:
    before = steps(files, "1.2.0")
    keys = {name: before.key(name) for name in before.steps}
    (files / changed).write_text("changed")
    after = steps(files, "1.2.0")
    assert {name for name in keys if after.key(name) != keys[name]} == again


def test_a_step_finds_the_files_of_its_version_in_one_directory(files: Path) -> None:
    (files / "versions/1.2.0/node/etc").mkdir(parents=True)
    (files / "node/etc").mkdir(parents=True)
    for name in ("node/etc/both", "node/etc/shared", "versions/1.2.0/node/etc/both"):
        (files / name).write_text(name)
    Sources(files, "1.2.0").lay_out(files / "out")
    Sources(files).lay_out(files / "default")
    assert (files / "out/node/etc/both").read_text() == "versions/1.2.0/node/etc/both"
    assert (files / "out/node/etc/shared").read_text() == "node/etc/shared"
    assert "v1.2.0" in (files / "out/go/go.mod").read_text()
    assert (files / "default/node/etc/both").read_text() == "node/etc/both"
    assert "v1.1.0" in (files / "default/go/go.mod").read_text()


@pytest.mark.parametrize("version", ["1.3.0", "1.2", "../go"])
def test_a_version_without_a_recipe_is_refused_with_those_that_have_one(files: Path, version: str) -> None:
    with pytest.raises(BuildError, match=r"cannot be built, only 1\.1\.0, 1\.2\.0"):
        Sources(files, version)


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


def test_the_results_of_all_recipes_are_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache", {"one", "two"})
    with store.lock("step"):
        for key in ("one", "two", "old", "older", "oldest"):
            with store.draft("step", key):
                pass
    assert [key for key in ("one", "two", "old") if store.seconds("step", key) is None] == ["old"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_real_recipe_knows_its_versions(version: str) -> None:
    real = recipe.load(Sources(FILES, version), "bookworm")
    assert real.sources.required("k8s.io/kubernetes") == version
    assert list(real.steps)[-1] == "node"
    assert all(list(real.steps).index(need) < list(real.steps).index("node") for need in real.steps["node"].needs)
    assert len({real.key(name) for name in real.steps}) == len(real.steps)


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_a_version_brings_its_modules_and_their_checksums(version: str) -> None:
    own = {str(path.relative_to(f"versions/{version}")) for path, _place in Sources(FILES).files(f"versions/{version}")}
    assert {"go/go.mod", "go/go.sum"} <= own
    assert {path.partition("/")[0] for path in own} <= {"builder", "go", "node"}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_kubelet_of_a_newer_version_runs_with_old_cgroups(version: str) -> None:
    """Kubernetes 1.35 turned failCgroupV1 on."""
    ((_path, flags),) = Sources(FILES, version).files("node/etc/default/kubelet")
    assert ("--fail-cgroupv1=false" in flags.read_text()) is (tuple(map(int, version.split(".")[:2])) >= (1, 35))


@pytest.mark.parametrize("version", VERSIONS)
def test_modules_ask_for_the_image_that_is_built(version: str) -> None:
    assert recipe.load(Sources(FILES, version), "bookworm").steps["node"].facts["hostpath"] == IMAGE


def test_the_versions_have_one_name_for_each_image_of_a_workload() -> None:
    names = [recipe.load(Sources(FILES, version), "bookworm").steps["node"].facts for version in VERSIONS]
    assert len({(one["local_path"], one["hostpath"], one["busybox"]) for one in names}) == 1


def test_storage_provisioner_finds_nothing_to_do_in_a_cluster_of_the_image() -> None:
    names = recipe.load(Sources(FILES), "bookworm").steps["node"].facts
    text = (FILES / "node/kind/manifests/default-storage.yaml.in").read_text()
    for name in ("local_path", "busybox"):
        text = text.replace(f"@{name.upper()}_IMAGE@", names[name])
    wanted = manifests(request(image=names["local_path"], helper_image=names["busybox"]))
    assert list(yaml.safe_load_all(text)) == list(wanted)


def test_an_unknown_version_ends_the_builder_with_those_that_it_knows(tmp_path: Path) -> None:
    command = [sys.executable, "-B", FILES / "builder", "--cache", tmp_path, "--kubernetes", "1.2.3", "plan"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Kubernetes 1.2.3 cannot be built, only {', '.join(VERSIONS)}\n"


def test_a_failing_step_says_why_and_what_next(tmp_path: Path) -> None:
    command = [sys.executable, "-B", FILES / "builder", "--cache", tmp_path, "--go", "/nowhere/go", "run", "etcd"]
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


def test_the_image_of_another_machine_is_kept_as_if_it_was_built_here(tmp_path: Path) -> None:
    def asked(*words: str | Path, machine: str = "riscv64") -> dict[str, Any]:
        command = [sys.executable, "-B", FILES / "builder", "--cache", tmp_path, "--machine", machine, *words]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert isinstance(found, dict)
        return found

    version = VERSIONS[0]
    assert not asked("plan")["built"][version]["cached"]
    for content in ("image", "the same, later"):
        (tmp_path / "fetched").write_text(content)
        assert asked("keep", tmp_path / "fetched")["name"] == "node"
        assert not (tmp_path / "fetched").exists()
    found = asked("plan")["built"][version]
    assert found["cached"] and Path(found["archive"]).read_text() == "image"
    assert not asked("plan", machine="x86_64")["built"][version]["cached"]
