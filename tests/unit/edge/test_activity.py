"""What a process does is in a file while it is shown, and costs nothing otherwise."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.activity import Activity, read_activity
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import (
    INTERVAL,
    REPORTER,
    VARIABLE,
    Reporter,
    shown_to_callback,
)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reporter(clock: Clock) -> Reporter:
    return Reporter(clock)


@pytest.fixture
def shown(reporter: Reporter, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "now.json"
    path.write_text("of a run that was killed")
    with reporter.shown_in(path):
        assert not path.exists()
        yield path
    assert list(tmp_path.iterdir()) == []


def read(path: Path) -> Activity:
    return read_activity(path.read_text())


def test_bytes_are_added_up(reporter: Reporter, clock: Clock, shown: Path) -> None:
    reporter.moved("data", 0, of=30)
    reporter.moved("data", 10)
    assert read(shown).moved == {"data": (0, 30)}, "not written again at once"
    clock.now += INTERVAL
    reporter.moved("data", 10)
    assert read(shown).moved == {"data": (20, 30)}


def test_a_step_begins_with_what_is_not_complete(reporter: Reporter, shown: Path) -> None:
    reporter.moved("data", 10)
    reporter.moved("images", 10, of=10)
    reporter.moved("archives", 10, of=20)
    reporter.next_step()
    assert read(shown).moved == {"archives": (10, 20)}


def test_waits_are_there_while_they_last(reporter: Reporter, clock: Clock, shown: Path) -> None:
    left = ["a", "b"]
    with reporter.waiting(lambda: f"{len(left)} Pods") as changed, reporter.waiting(lambda: "kind"):
        assert read(shown).waits == {"2 Pods": 100.0, "kind": 100.0}
        left.pop()
        clock.now += INTERVAL
        changed()
        assert read(shown).waits == {"1 Pods": 100.0, "kind": 100.0}
    assert read(shown).waits == {}


def test_what_is_read_counts(reporter: Reporter, shown: Path) -> None:
    assert reporter.counted("data", lambda number: b"x" * number)(7) == b"x" * 7
    reporter.next_step()
    reporter.moved("data", 1)
    reporter.counted("other", lambda _number: b"abc")(9)
    assert reporter._moved == {"data": (1, 0), "other": (3, 0)} and shown.exists()


def test_it_is_private_and_never_half_written(reporter: Reporter, shown: Path) -> None:
    old = os.umask(0)
    try:
        reporter.next_step()
    finally:
        os.umask(old)
    assert stat.S_IMODE(shown.stat().st_mode) == 0o600
    before = shown.stat().st_ino
    reporter.next_step()
    assert shown.stat().st_ino != before


def test_nothing_depends_on_it(reporter: Reporter, tmp_path: Path) -> None:
    with reporter.shown_in(tmp_path / "gone" / "now.json"), reporter.waiting(lambda: "kind"):
        reporter.moved("data", 1)


def test_nobody_watches(reporter: Reporter, tmp_path: Path) -> None:
    def fail() -> str:
        raise AssertionError("nobody asked")

    def own(number: int) -> bytes:
        return b"x" * number

    with reporter.waiting(fail) as changed:
        changed()
    reporter.moved("data", 1)
    reporter.next_step()
    assert reporter.counted("data", own) is own
    assert list(tmp_path.iterdir()) == []


def test_a_step_has_numbers_of_its_own(reporter: Reporter, clock: Clock, shown: Path) -> None:
    reporter.step("read")
    reporter.done("files", 2)
    reporter.done("volumes", 1, of=3)
    clock.now += 5
    reporter.step("write")
    reporter.done("files", 1)
    found = read(shown)
    assert (found.step, found.counted) == ("write", {"volumes": (1, 3)})
    clock.now += INTERVAL
    reporter.done("volumes")
    assert read(shown).counted == {"volumes": (2, 3), "files": (1, 0)}
    assert read(shown).began == {"volumes": 100.0, "files": 105.0}


def test_several_files_are_written(reporter: Reporter, tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    with reporter.shown_in(one):
        with reporter.shown_in(two):
            reporter.step("read")
            assert read(one).step == read(two).step == "read"
        reporter.step("write")
        assert read(one).step == "write" and not two.exists()
    with reporter.shown_in(one):
        reporter.next_step()
        assert read(one).step == ""


def test_a_module_is_shown_where_the_callback_plugin_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with shown_to_callback("volume_info"):
        assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with shown_to_callback("volume_info"):
        REPORTER.step("look")
        assert [path.name for path in tmp_path.iterdir()] == [f"volume_info-{os.getpid()}.json"]
    assert list(tmp_path.iterdir()) == []
