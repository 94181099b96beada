"""What people see of a step that runs: bytes and what it waits for."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.activity import Activity, read_activity

FOUND = Activity({"images loaded": (120_000_000, 200_000_000), "data read": (1500, 0)}, {"2 Pods: a, b": 100.0})


def test_bytes_and_waits() -> None:
    assert FOUND.text(112.4) == "images loaded: 120 MB of 200 MB, data read: 1.5 kB, waits for 2 Pods: a, b, 12 s"
    assert Activity().text(1.0) == ""


def test_another_clock_shows_no_negative_seconds() -> None:
    assert Activity(waits={"the API server": 9.0}).text(5.0) == "waits for the API server, 0 s"


def test_it_is_read_as_it_was_written() -> None:
    assert read_activity(FOUND.to_text()) == FOUND


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"moved": 1, "waits": {}}', '{"moved": {"a": 1}, "waits": {}}'])
def test_anything_else_is_nothing(text: str) -> None:
    assert read_activity(text) == Activity()
