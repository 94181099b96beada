"""Which line is shown when, and which hosts it names."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.progress import Waiting


def running(*hosts: str, since: float = 100.0) -> Waiting:
    waiting = Waiting()
    for host in hosts:
        waiting.begin("id", "Create the cluster", host, since)
    return waiting


def test_a_line_every_five_seconds_and_none_before():
    waiting = running("localhost")
    seen = {second: waiting.lines(100.0 + second) for second in range(1, 17)}
    assert {second: lines for second, lines in seen.items() if lines} == {
        5: ["  ... 5 s: Create the cluster (localhost)"],
        10: ["  ... 10 s: Create the cluster (localhost)"],
        15: ["  ... 15 s: Create the cluster (localhost)"],
    }


def test_a_late_look_does_not_shift_the_next_line():
    waiting = running("localhost")
    assert waiting.lines(106.4) == ["  ... 6 s: Create the cluster (localhost)"]
    assert waiting.lines(109.9) == []
    assert waiting.lines(110.0) == ["  ... 10 s: Create the cluster (localhost)"]


def test_only_hosts_that_are_still_at_work_are_named():
    waiting = running("one", "two", "three", "four", "five")
    assert waiting.lines(105.0) == ["  ... 5 s: Create the cluster (one, two, three and 2 more)"]
    waiting.end("id", "two")
    waiting.end("id", "four")
    assert waiting.lines(110.0) == ["  ... 10 s: Create the cluster (one, three, five)"]


def test_nothing_is_said_of_what_has_ended():
    waiting = running("one", "two")
    waiting.end("id", "one")
    waiting.end("id", "two")
    assert waiting.lines(200.0) == []


def test_a_loop_tells_how_many_items_are_done():
    waiting = running("localhost")
    waiting.item("id")
    waiting.item("id")
    assert waiting.lines(105.0) == ["  ... 5 s: Create the cluster (localhost), 2 done"]


def test_tasks_that_run_side_by_side_have_a_line_each():
    waiting = running("one")
    waiting.begin("other", "Have an engine", "two", 102.0)
    assert waiting.lines(105.0) == ["  ... 5 s: Create the cluster (one)"]
    assert waiting.lines(110.0) == ["  ... 10 s: Create the cluster (one)", "  ... 8 s: Have an engine (two)"]


def test_the_end_of_what_was_never_begun_is_nothing():
    waiting = running("one")
    waiting.end("id", "stranger")
    waiting.end("other", "one")
    waiting.item("other")
    assert waiting.lines(105.0) == ["  ... 5 s: Create the cluster (one)"]
