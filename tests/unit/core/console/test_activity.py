"""What people see of a step that runs: bytes and what it waits for."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.activity import Activity, read_activity

FOUND = Activity({"images loaded": (120_000_000, 200_000_000), "data read": (1500, 0)}, {"2 Pods: a, b": 100.0})
ALL = Activity({"a": (1, 2)}, {"b": 3.0}, 4.0, {"c": (5, 6)}, {"a": 7.0}, "step")


def test_bytes_and_waits() -> None:
    assert FOUND.text(112.4) == "images loaded: 120 MB of 200 MB, data read: 1.5 kB, waits for 2 Pods: a, b, 12 s"
    assert Activity().text(1.0) == ""


def test_another_clock_shows_no_negative_seconds() -> None:
    assert Activity(waits={"the API server": 9.0}).text(5.0) == "waits for the API server, 0 s"


def test_it_is_read_as_it_was_written() -> None:
    assert read_activity(FOUND.to_text()) == FOUND
    assert read_activity(ALL.to_text()) == ALL


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"moved": 1, "waits": {}}', '{"moved": {"a": 1}, "waits": {}}'])
def test_anything_else_is_nothing(text: str) -> None:
    assert read_activity(text) == Activity()


def test_rate_and_what_is_left() -> None:
    known = Activity({"archives": (50_000_000, 200_000_000)}, at=110.0, began={"archives": 100.0})
    assert known.text(111.0) == "archives: 50 MB of 200 MB (5.0 MB/s, 30 s left)"
    unknown = Activity({"archives": (50_000_000, 0)}, at=110.0, began={"archives": 100.0})
    assert unknown.text(111.0) == "archives: 50 MB (5.0 MB/s)"
    early = Activity({"archives": (50_000_000, 0)}, at=100.5, began={"archives": 100.0})
    assert early.text(111.0) == "archives: 50 MB"
    over = Activity({"archives": (300, 200)}, at=100.0)
    assert over.text(111.0) == "archives: 300 bytes"


def test_step_and_numbers() -> None:
    found = Activity(counted={"files read": (1200, 0), "archives written": (2, 5)}, step="write archives")
    assert found.text(0.0) == "write archives, files read: 1,200, archives written: 2 of 5"


@pytest.mark.parametrize(
    ("moved", "counted", "share"),
    [
        ({}, {}, None),
        ({"a": (5, 0)}, {}, None),
        ({"a": (5, 10), "b": (1, 0)}, {"c": (1, 2)}, 0.5),
        ({"a": (5, 10), "b": (10, 10)}, {}, 0.75),
        ({"a": (11, 10)}, {"c": (1, 4)}, 0.25),
        ({"a": (10, 10)}, {"c": (1, 4)}, 0.25),
        ({"a": (10, 10)}, {}, 1.0),
    ],
)
def test_how_much_is_done(moved: dict[str, tuple[int, int]], counted: dict[str, tuple[int, int]], share: float) -> None:
    assert Activity(moved, counted=counted).share() == share
