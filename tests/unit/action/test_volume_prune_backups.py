"""What is pruned of backups: generations, what killed runs left, and directories that generations need."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import GENERATIONS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.directory import LOCK
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.prune import apply as applying
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.journal import JOURNAL
from ansible_collections.kindlab.volumes.tests.unit.support.backups import write_backup
from ansible_collections.kindlab.volumes.tests.unit.support.pruning import Lab, rows, trash


@pytest.fixture(autouse=True)
def one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def saved(lab: Lab, count: int = 2, **more: Any) -> str:
    """The name of a generation with the volumes v0, v1, ..."""
    return write_backup(lab.backup, lab.data, count, **more)


def prune(lab: Lab, *, check: bool = False, **options: Any) -> Outcome:
    return lab.prune(check=check, **{"backups": [str(lab.backup)], **options})


def names(lab: Lab) -> list[str]:
    return sorted(os.listdir(lab.backup / GENERATIONS))


def test_generations_that_a_newer_one_makes_needless(lab: Lab) -> None:
    first, second, third = saved(lab, archive=True), saved(lab, archive=True), saved(lab, archive=True)
    shown = rows(prune(lab))
    assert [shown[name]["kept"] for name in (first, second, third)] == ["", "", "it is the newest generation"]
    assert shown[third]["last_copy"] and shown[first]["since"] == "2026-01-02T03:04:05Z"
    options: dict[str, Any] = {"kinds": ["generation"], "older_than": "1d"}
    assert prune(lab, check=True, **options).changed and names(lab) == [first, second, third]
    done = prune(lab, **options)
    assert [name.rpartition("/")[2] for name in done.facts["pruned"]] == [first, second]
    assert names(lab) == [third] and trash(lab.backup) == [first, second]
    assert not prune(lab, **options).changed


def test_a_generation_that_alone_holds_a_volume(lab: Lab) -> None:
    first, second = saved(lab, 2, archive=True), saved(lab, 1, archive=True)
    assert rows(prune(lab))[first]["kept"] == "only this generation holds ns/c1 (v1)"
    assert prune(lab, kinds=["generation"], older_than="0").facts["pruned"] == []
    with pytest.raises(Declined) as raised:
        prune(lab, names=[first])
    assert "last_copies=true" in raised.value.details[0]["next_step"] and names(lab) == [first, second]
    assert prune(lab, names=[first], last_copies=True).changed and names(lab) == [second]


def test_an_archive_is_held_by_no_newer_generation_without_one(lab: Lab) -> None:
    first, _second = saved(lab, archive=True), saved(lab)
    assert rows(prune(lab))[first]["kept"] == "only this generation holds ns/c0 (v0), ns/c1 (v1)"


def test_a_generation_holds_no_volume_whose_only_data_is_gone(lab: Lab) -> None:
    first, _second = saved(lab, 2), saved(lab, 1)
    assert rows(prune(lab))[first]["kept"] == "only this generation holds ns/c1 (v1)"
    shutil.rmtree(lab.data / "v1")
    assert rows(prune(lab))[first]["kept"] == ""


def test_the_trash_of_a_directory_that_a_generation_needs(lab: Lab) -> None:
    saved(lab)
    moved = rows(prune(lab, names=["v1"], last_copies=True))["v1"]["moved_to"]
    assert rows(prune(lab))["v1"]["last_copy"]
    assert not prune(lab, kinds=["trash"], older_than="0").changed
    assert prune(lab, names=[moved], last_copies=True).changed


def test_a_backup_in_a_directory_of_an_old_volume(lab: Lab) -> None:
    lab.backup = lab.old / "backup"
    saved(lab, archive=True)
    assert (
        rows(prune(lab, older_than="0"))[lab.old.name]["kept"] == f"{lab.backup}, in it, is the directory of a backup"
    )


def test_a_backup_that_cannot_be_read(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(lab)

    def denied(path: Any, **_more: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as context, pytest.raises(BadInput, match="Cannot read the backup directory"):
        context.setattr(Path, "stat", denied)
        context.setattr(os, "scandir", denied)
        prune(lab)


def test_data_in_the_trash_is_not_gone(lab: Lab) -> None:
    first, _second = saved(lab, 2), saved(lab, 1)
    (lab.data / ".kindlab-trash" / "20260102T030405Z").mkdir(parents=True)
    (lab.data / "v1").rename(lab.data / ".kindlab-trash" / "20260102T030405Z" / "v1")
    assert rows(prune(lab))[first]["kept"] == "only this generation holds ns/c1 (v1)"


def test_data_that_this_user_may_not_look_at_is_not_gone(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _second = saved(lab, 2), saved(lab, 1)
    real = os.stat

    def denied(path: Any, **more: Any) -> os.stat_result:
        if path == f"{lab.data}/v1":
            raise PermissionError(13, "Permission denied")
        return real(path, **more)

    monkeypatch.setattr(os, "stat", denied)
    assert rows(prune(lab))[first]["kept"] == "only this generation holds ns/c1 (v1)"


def test_a_damaged_generation_may_hold_anything(lab: Lab) -> None:
    first, _second = saved(lab), saved(lab)
    (lab.backup / GENERATIONS / first / "catalog.json").write_text("{}")
    assert "it is damaged" in rows(prune(lab))[first]["kept"]
    assert not prune(lab, kinds=["generation"], older_than="0").changed


def test_a_directory_that_a_generation_needs(lab: Lab) -> None:
    """Released v1 has its data in place: the generation is nothing without it."""
    name = saved(lab)
    kept = rows(prune(lab))["v1"]
    assert kept["last_copy"] and f"a volume of which generation {name} of {lab.backup} has no archive" in kept["kept"]
    assert prune(lab, kinds=["volume"], older_than="0").facts["pruned"] == []
    assert lab.prune(kinds=["volume"], older_than="0", check=True).facts["pruned"] == ["v1"]
    assert prune(lab, names=["v1"], last_copies=True).facts["pruned"] == ["v1"]


@pytest.mark.parametrize(
    ("archive", "at", "needed"),
    [(False, "20260103T000000Z", True), (False, "20260101T000000Z", False), (True, "20260103T000000Z", False)],
)
def test_what_was_set_aside_may_be_the_data_of_an_earlier_generation(
    lab: Lab, archive: bool, at: str, needed: bool
) -> None:
    """Set aside after the generation was written, which has only checksums of it."""
    name = saved(lab, archive=archive)
    aside = lab.make(f"v0.set-aside-{at}")
    row = rows(prune(lab))[aside.name]
    assert (row["last_copy"], row["claim"]) == (needed, "ns/c0")
    if needed:
        assert row["kept"] == (
            f"{lab.data}/v0 was the directory of a volume of which generation {name} of {lab.backup} has no archive"
        )
    assert prune(lab, kinds=["set_aside"], older_than="0").changed != needed
    assert prune(lab, kinds=["set_aside"], older_than="0", last_copies=True).changed == needed


def test_a_directory_of_which_there_is_an_archive(lab: Lab) -> None:
    saved(lab, archive=True)
    assert prune(lab, kinds=["volume"], older_than="0").facts["pruned"] == ["v1"]


def test_a_generation_goes_with_the_directory_that_only_it_needs(lab: Lab) -> None:
    """Generation first: killed in between, the next run finds the directory free."""
    first, _second = saved(lab), saved(lab, archive=True)
    with pytest.raises(Declined, match=f"generation {first} of .* has no archive"):
        prune(lab, names=["v1"])
    done = prune(lab, names=["v1", first])
    assert [name.rpartition("/")[2] for name in done.facts["pruned"]] == [first, "v1"]


def test_what_a_killed_backup_left(lab: Lab) -> None:
    name = saved(lab, archive=True)
    left = lab.backup / ".incomplete-0123456789abcdef"
    image = lab.backup / "images" / ".incomplete-fedcba9876543210"
    for path in (left / "file", image):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    done = prune(lab, kinds=["leftover"], older_than="0")
    assert done.facts["pruned"] == [str(left), str(image)]
    assert not left.exists() and not image.exists() and names(lab) == [name]


def test_a_backup_whose_first_run_was_killed(lab: Lab) -> None:
    lab.backup.mkdir()
    (lab.backup / LOCK).touch()
    (lab.backup / ".incomplete-0123456789abcdef").mkdir()
    assert prune(lab, kinds=["leftover"], older_than="0").changed


def test_a_path_that_is_no_backup(lab: Lab) -> None:
    with pytest.raises(BadInput, match="is not a backup"):
        prune(lab, backups=[str(lab.data)])


@pytest.mark.parametrize(("last", "kept"), [("done", ""), ("rolled_back", ""), ("deleted", "is not finished")])
def test_the_journal_of_a_recreation(lab: Lab, last: str, kept: str) -> None:
    first, _second = saved(lab, archive=True), saved(lab, archive=True)
    journal = lab.backup / JOURNAL
    journal.write_text("".join(json.dumps({"step": step, "at": ""}) + "\n" for step in ("planned", last)))
    assert kept in rows(prune(lab))[JOURNAL]["kept"] and bool(rows(prune(lab))[JOURNAL]["kept"]) == bool(kept)
    # What an unfinished one needs stays, too.
    assert bool(rows(prune(lab))[first]["kept"]) == bool(kept)
    assert prune(lab, kinds=["leftover"], older_than="0").changed != bool(kept)


@pytest.mark.parametrize("early", [True, False])
def test_another_run_writes_to_the_backup(lab: Lab, early: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = saved(lab, archive=True), saved(lab, archive=True)
    descriptors = []

    def lock(*_arguments: Any) -> None:
        descriptors.append(os.open(lab.backup / LOCK, os.O_RDWR))
        fcntl.flock(descriptors[0], fcntl.LOCK_EX)

    try:
        if early:
            lock()
            for check in (True, False):
                with pytest.raises(Declined, match="another run is writing to the backup directory"):
                    prune(lab, check=check, names=[first])
        else:
            real = applying.only_writer

            def locked_before(*arguments: Any) -> Any:
                lock()
                return real(*arguments)

            monkeypatch.setattr(applying, "only_writer", locked_before)
            with pytest.raises(Conflict, match="Another run is writing to"):
                prune(lab, names=[first])
    finally:
        os.close(descriptors[0])
    assert names(lab) == [first, second]


def test_images_that_no_generation_needs_any_more(lab: Lab) -> None:
    first, _second = saved(lab, archive=True), saved(lab, archive=True)
    image = lab.backup / "images" / "0.tar"
    image.parent.mkdir()
    image.touch()
    prune(lab, names=[first])
    assert image.exists(), "it may be moved back"
    prune(lab, kinds=["trash"], older_than="0")
    assert not image.exists()


def test_images_are_removed_also_beside_what_a_killed_run_left_of_them(lab: Lab) -> None:
    first, _second = saved(lab, archive=True), saved(lab, archive=True)
    image, left = lab.backup / "images" / "0.tar", lab.backup / "images" / ".incomplete-fedcba9876543210"
    left.mkdir(parents=True)
    image.touch()
    prune(lab, names=[first, str(left)], trash=False)
    assert not image.exists() and not left.exists()


def test_moved_back_from_the_trash_it_is_as_before(lab: Lab) -> None:
    first, second = saved(lab, archive=True), saved(lab, archive=True)
    moved = rows(prune(lab, names=[first]))[first]["moved_to"]
    Path(moved).rename(lab.backup / GENERATIONS / first)
    assert names(lab) == [first, second] and rows(prune(lab))[first]["kept"] == ""
