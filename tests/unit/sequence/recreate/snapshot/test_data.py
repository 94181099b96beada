"""A cluster that goes back to a generation: whole, killed behind each step, refused, and back to where it came from."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import ENTRIES
from ansible_collections.kindlab.volumes.tests.unit.support.backups import write_backup
from ansible_collections.kindlab.volumes.tests.unit.support.recreations import POD, World, killed_behind

FIRST = "1"


class Lab(World):
    """A cluster whose volume is on the host; its file says which content it is. fails: a generation."""

    def __init__(self, top: Path) -> None:
        super().__init__(top, inside=False)
        self.file = self.data / "v0" / "file"
        self.file.write_text("content 1")
        self.fails = ""
        self.archives = True

    def write(self) -> None:
        super().write()
        self.file.write_text(f"content {self.content}")

    def save_data(self, content: int, *, everything: bool = False) -> None:
        super().save_data(content, everything=everything)
        if not self.archives and self.saved:
            name = list(self.saved)[-1]
            described = {"kind": "Cluster", "metadata": {"name": "k"}, "images": ["node:1"], "options": self.shape}
            again = write_backup(self.path, self.data, 1, described=described)
            self.saved[again], self.with_objects[again] = self.saved[name], True

    def volume_restore(self, options: Mapping[str, Any], check_mode: bool) -> Outcome:
        generation = options["generation"]

        def restore() -> None:
            if generation == self.fails:
                raise KindlabError("It does not bind.")
            text = f"content {self.saved[generation]}"
            if self.content:
                return
            if not self.file.exists():
                self.file.write_text(text)
            if self.file.read_text() != text:
                raise Declined("Its data differs from the backup.")
            self.content = self.host = self.saved[generation]

        return self._call("restore", options, check_mode, restore, {"generation": generation, "volumes": []})

    def names(self) -> list[str]:
        """What is beside the volumes' directories, and in one."""
        return sorted([*os.listdir(self.data), *os.listdir(self.data / "v0")])


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A generation, and what was written since."""
    lab = Lab(tmp_path)
    lab.run()
    lab.write()
    return lab


def to(lab: Lab, last: str, **options: Any) -> None:
    """A run that is killed right behind this line of the journal."""
    killed_behind(last, partial(lab.run, **options))


def test_it_is_as_it_was(lab: Lab) -> None:
    done = lab.run(generation=FIRST, keep=1, data="in_place")
    first, second = lab.saved
    assert (lab.content, lab.file.read_text(), lab.state, lab.detached) == (1, "content 1", "running", False)
    assert (done.facts["generation"], done.facts["before"]["generation"]) == (first, second)
    assert lab.saved[second] == 2 and lab.names() == ["file", "v0"]
    asked = lab.options
    for call in ("?save", "save"):
        assert (asked[call]["data"], asked[call]["objects"], asked[call]["keep"]) == ("archive", True, 0)
    assert {asked[call]["source"] for call in ("prepare", "apply", "complete")} == {first}
    assert (asked["restore"]["generation"], asked["restore"]["verify"]) == (first, "full")
    assert {"v0": str(lab.data / "v0")} in lab.unshared
    assert done.facts["plan"]["rollback"] == {
        "generation": first,
        "volumes": {"created": [], "deleted": [], "replaced": ["v0"]},
        "objects": {"created": [f"Thing.x.io {first}"], "deleted": ["Thing.x.io live"], "changed": []},
    }
    assert "is replaced by that of generation" in done.facts["plan"]["volumes"][0]["does"]
    assert done.before["objects"] == {"Thing.x.io live": "as it is now"}
    assert done.after["objects"] == {f"Thing.x.io {first}": f"as in generation {first}"}


def test_and_it_returns_to_where_it_came_from(lab: Lab) -> None:
    lab.run(generation=FIRST)
    done = lab.run(generation="2")
    assert (lab.content, lab.file.read_text()) == (2, "content 2")
    assert done.facts["generation"] == list(lab.saved)[1] and lab.names() == ["file", "v0"]
    assert lab.run().facts["generation"] not in list(lab.saved)[:1] and lab.content == 2


def test_what_is_equal_is_left_where_it_is(lab: Lab) -> None:
    lab.file.write_text("content 1")
    inode = lab.file.stat().st_ino
    done = lab.run(generation=FIRST, data="in_place")
    assert lab.file.stat().st_ino == inode and "set_aside" not in lab.lines()
    assert lab.options["save"]["data"] == "in_place" and lab.options["save"]["objects"] is True
    assert done.facts["plan"]["volumes"][0]["does"] == f"its data stays in {lab.data}/v0"


@pytest.mark.parametrize("gone", [False, True])
def test_data_of_the_same_size_and_time_differs_by_content(tmp_path: Path, gone: bool) -> None:
    lab = Lab(tmp_path)
    status = lab.file.stat()
    lab.run()
    lab.write()
    os.utime(lab.file, ns=(status.st_atime_ns, status.st_mtime_ns))
    if gone:
        lab.force_removal()
        lab.latest = 1
    lab.run(generation=FIRST)
    assert lab.file.read_text() == "content 1"
    kept = [(lab.data / name / "file").read_text() for name in lab.names() if name.startswith("v0.set-aside-")]
    assert kept == (["content 2"] if gone else []) and len(lab.saved) == (1 if gone else 2)


def test_a_directory_that_is_gone_is_extracted(lab: Lab) -> None:
    lab.force_removal()
    shutil.rmtree(lab.data / "v0")
    done = lab.run(True, generation=FIRST)
    (first,) = lab.saved
    assert done.facts["plan"]["volumes"][0]["does"] == f"its data is extracted from generation {first} to {lab.data}/v0"


def test_check_mode_moves_nothing(lab: Lab) -> None:
    before = lab.lines()
    done = lab.run(True, generation=FIRST)
    assert "set_aside" in [step["name"] for step in done.facts["plan"]["steps"]]
    assert (lab.file.read_text(), lab.names(), lab.lines()) == ("content 2", ["file", "v0"], before)
    assert len(lab.saved) == 1 and done.facts["generation"] == next(iter(lab.saved))


@pytest.mark.parametrize("line", [entry for entry in ENTRIES if entry != "rehearsed"])
def test_killed_behind_each_line_a_rerun_completes_it(lab: Lab, line: str) -> None:
    to(lab, line, generation=FIRST)
    done = lab.run(generation=FIRST)
    first = next(iter(lab.saved))
    assert (lab.content, lab.file.read_text(), lab.lines()[-1]) == (1, "content 1", "done")
    assert done.facts["generation"] == first and 2 in lab.saved.values() and lab.names() == ["file", "v0"]


@pytest.mark.parametrize("line", ["attached", "completed"])
def test_what_applications_wrote_before_a_rerun_stays(lab: Lab, line: str) -> None:
    to(lab, line, generation=FIRST)
    lab.write()
    lab.run(generation=FIRST)
    assert (lab.lines()[-1], lab.content, lab.file.read_text()) == ("done", 3, "content 3")
    assert lab.names() == ["file", "v0"]


@pytest.mark.parametrize("line", ["attached", "completed"])
def test_what_applications_wrote_is_not_replaced_once_the_cluster_is_gone(lab: Lab, line: str) -> None:
    to(lab, line, generation=FIRST)
    lab.write()
    lab.force_removal()
    with pytest.raises(Declined, match="differs from the backup"):
        lab.run()
    assert lab.file.read_text() == "content 3" and lab.names() == ["file", "v0"]


@pytest.mark.parametrize("line", ["deleted", "created", "set_aside", "restored"])
def test_killed_and_then_gone(lab: Lab, line: str) -> None:
    """A rerun without the option resumes with what was chosen."""
    to(lab, line, generation=FIRST)
    lab.force_removal()
    lab.latest = 1
    assert lab.run().facts["generation"] == next(iter(lab.saved))
    assert (lab.content, lab.file.read_text(), lab.names()) == (1, "content 1", ["file", "v0"])


def test_what_an_interrupted_run_restores_cannot_be_changed(lab: Lab) -> None:
    lab.run()
    lab.write()
    to(lab, "created", generation=FIRST)
    before = lab.lines()
    with pytest.raises(Declined, match=f"restores generation {next(iter(lab.saved))} and has to be completed"):
        lab.run(generation="2")
    assert lab.lines() == before and lab.run().facts["generation"] == next(iter(lab.saved))


def test_data_that_no_archive_holds(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.archives = False
    lab.run()
    lab.archives = True
    lab.write()
    before = lab.lines()
    with pytest.raises(Declined, match=r"ns/c0 \(v0\): its data in .*/v0 differs from generation .*1 changed: file"):
        lab.run(generation="2")
    assert (lab.lines(), lab.file.read_text(), lab.detached) == (before, "content 2", False)
    lab.file.write_text("content 1")
    assert lab.run(generation="2").facts["generation"] == list(lab.saved)[1]


def test_data_that_changes_until_pods_are_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal in the plan, and written to before the detachment: everything is scaled back up."""
    lab = Lab(tmp_path)
    lab.archives = False
    lab.run()
    lab.write()
    lab.file.write_text("content 1")
    detach = lab.volume_detach

    def write_first(options: Mapping[str, Any], check_mode: bool) -> Outcome:
        if not check_mode:
            lab.file.write_text("content 3")
        return detach(options, check_mode)

    monkeypatch.setattr(lab, "volume_detach", write_first)
    with pytest.raises(Declined) as raised:
        lab.run(generation="2")
    assert raised.value.message.endswith("The cluster was not deleted, and the workloads were scaled back up.")
    assert lab.lines()[-1] == "rolled_back" and lab.state == "running"


def test_a_damaged_archive(lab: Lab) -> None:
    (archive,) = lab.path.glob("generations/*/archives/*")
    archive.chmod(0o600)
    archive.write_bytes(archive.read_bytes()[:-1] + b"?")
    with pytest.raises(Declined, match="archives/v0"):
        lab.run(True, generation=FIRST)


def test_what_no_generation_holds_stays_beside(lab: Lab) -> None:
    """The cluster is gone, and with it whoever could have saved its data."""
    lab.force_removal()
    lab.latest = 1
    done = lab.run(generation=FIRST)
    (aside,) = [name for name in lab.names() if name.startswith("v0.set-aside-")]
    assert (lab.data / aside / "file").read_text() == "content 2" and lab.file.read_text() == "content 1"
    assert any(f"is in no generation: it is in {lab.data / aside}" in warning for warning in done.warnings)


def test_what_a_restore_set_aside_stays(lab: Lab) -> None:
    """Even if a generation holds it; and what a killed one left is completed."""
    aside, left = lab.data / "v0.set-aside-20260102T030405Z", lab.data / ".v0.setting-aside"
    shutil.copytree(lab.file.parent, aside, symlinks=True)
    left.mkdir()
    (left / "other").write_text("moved before")
    done = lab.run(generation=FIRST)
    (completed,) = [lab.data / name for name in os.listdir(lab.data) if name not in ("v0", aside.name)]
    assert completed.name.startswith("v0.set-aside-") and (aside / "file").read_text() == "content 2"
    assert {path.name: path.read_text() for path in completed.iterdir()} == {
        "file": "content 2",
        "other": "moved before",
    }
    assert any(f"it is in {completed} now" in warning for warning in done.warnings)


@pytest.mark.parametrize("objects", ["all", "none"])
def test_pods_that_the_generation_does_not_have_are_saved_first(lab: Lab, objects: str) -> None:
    lab.bare, lab.fail["save"] = True, KindlabError("The disk is full.")
    with pytest.raises(KindlabError) as raised:
        lab.run(generation=FIRST, objects=objects, unmanaged="delete")
    assert raised.value.message.endswith("Pods without a controller were created again: ns/bare.")
    assert lab.bare and lab.options["save"]["deleted_pods"] == [POD]


def test_what_a_killed_run_had_begun_to_remove_is_removed(lab: Lab) -> None:
    to(lab, "restored", generation=FIRST)
    (aside,) = [name for name in lab.names() if name.startswith("v0.set-aside-")]
    (lab.data / aside).rename(lab.data / ".v0.removing-aside")
    lab.run()
    assert lab.names() == ["file", "v0"]


def damage_second(lab: Lab) -> None:
    shutil.rmtree(lab.path / "generations" / list(lab.saved)[1])


def forbid(_lab: Lab) -> None:
    def rename(source: str, target: str) -> None:
        if ".v0.removing-aside" in str(target):
            raise PermissionError(errno.EPERM, "Operation not permitted", source)
        moved(source, target)

    moved, os.rename = os.rename, rename  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("do", "told"), [(damage_second, "is in no generation"), (forbid, "cannot be removed: Operation not permitted")]
)
def test_what_was_moved_aside_stays_where_it_cannot_be_removed(
    lab: Lab, do: Callable[[Lab], None], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "rename", os.rename)
    to(lab, "restored", generation=FIRST)
    do(lab)
    done = lab.run()
    (aside,) = [name for name in lab.names() if name.startswith("v0.set-aside-")]
    assert lab.lines()[-1] == "done" and (lab.data / aside / "file").read_text() == "content 2"
    assert any(told in warning and str(lab.data / aside) in warning for warning in done.warnings)


def test_the_way_back_brings_data_back(lab: Lab) -> None:
    lab.fails = next(iter(lab.saved))
    with pytest.raises(KindlabError, match=r"It does not bind\. Cluster k was created again in its old shape"):
        lab.run(generation=FIRST, on_failure="old_shape")
    assert (lab.content, lab.file.read_text(), lab.lines()[-1]) == (2, "content 2", "done")
    assert lab.proved_by == lab.fails and lab.names() == ["file", "v0"]


def test_there_is_no_way_back_to_a_shape_that_is_not_known(lab: Lab) -> None:
    lab.fails, lab.shape = next(iter(lab.saved)), {}
    with pytest.raises(KindlabError, match=r"^It does not bind\.$"):
        lab.run(generation=FIRST, on_failure="old_shape")
    assert "turned_back" not in lab.lines() and lab.state == "running"


def test_and_without_it_a_rerun_goes_on(lab: Lab) -> None:
    lab.fails = next(iter(lab.saved))
    with pytest.raises(KindlabError, match=r"It does not bind\."):
        lab.run(generation=FIRST)
    lab.fails = ""
    lab.run(generation=FIRST)
    assert (lab.content, lab.file.read_text(), lab.names()) == (1, "content 1", ["file", "v0"])


def test_its_shape_comes_back(lab: Lab) -> None:
    node = {"role": "control-plane", "image": "node:1"}
    lab.shape = {"nodes": [{**n, "labels": {"new": "yes"}} for n in lab.shape["nodes"]]}
    mounts = [{"host_path": str(lab.data), "node_path": "/data", "create": False}]
    done = lab.run(generation=FIRST)
    assert lab.options["create"]["nodes"][0] == {**node, "mounts": mounts}
    assert any("The options in generation" in warning for warning in done.warnings)


def test_labels_of_its_shape_are_not_set_again_where_options_describe_the_cluster(lab: Lab) -> None:
    labels, shape = {"given": "then", "zone": "a"}, lab.shape
    lab.shape = {"nodes": [{**node, "labels": {"given": "then"}} for node in shape["nodes"]]}
    lab.settings = {"k-worker": {"labels": labels, "taints": [], "cordoned": False}}
    lab.save_data(2, everything=True)
    lab.shape = shape
    lab.write()
    lab.objects["Node"] = [{"metadata": {"name": "k-worker", "labels": {}}, "spec": {}}]
    lab.run(generation="2", options=shape, merge_options=False)
    assert lab.objects["Node"][0]["metadata"]["labels"] == {"zone": "a"}


def test_options_count_more_than_its_shape(lab: Lab) -> None:
    lab.run(generation=FIRST, options={"labels": {"given": "now"}})
    assert all(node["labels"] == {"given": "now"} for node in lab.options["create"]["nodes"])


def test_generations_that_are_refused(lab: Lab) -> None:
    with pytest.raises(BadInput, match="has no generation 7"):
        lab.run(generation="7")
    write_backup(lab.path, lab.data, 1, cluster="other")
    with pytest.raises(BadInput, match="is a backup of cluster other, not of k"):
        lab.run(generation="2")
    write_backup(lab.path, lab.data, 1)
    with pytest.raises(Declined, match="it does not say how its cluster was created"):
        lab.run(generation="3")
    assert lab.lines()[-1] == "done" and lab.content == 2


def test_a_silent_cluster_cannot_save_its_state(lab: Lab) -> None:
    lab.be("stopped")
    with pytest.raises(Declined, match="so its present state cannot be saved"):
        lab.run(generation=FIRST, without_api="last_backup")
