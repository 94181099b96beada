"""Which tasks are reported when, and with which hosts."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.progress import Progress


def running(*hosts: str, started: float = 100.0) -> Progress:
    progress = Progress()
    for host in hosts:
        progress.start("id", "Create the cluster", host, started)
    return progress


def test_a_line_every_five_seconds_and_none_before():
    progress = running("localhost")
    seen = {second: progress.lines(100.0 + second) for second in range(1, 17)}
    assert {second: lines for second, lines in seen.items() if lines} == {
        5: ["  ... 5 s: Create the cluster (localhost)"],
        10: ["  ... 10 s: Create the cluster (localhost)"],
        15: ["  ... 15 s: Create the cluster (localhost)"],
    }


def test_a_late_line_does_not_shift_the_next_one():
    progress = running("localhost")
    assert progress.lines(106.4) == ["  ... 6 s: Create the cluster (localhost)"]
    assert progress.lines(109.9) == []
    assert progress.lines(110.0) == ["  ... 10 s: Create the cluster (localhost)"]


def test_only_hosts_that_still_run_the_task_are_named():
    progress = running("one", "two", "three", "four", "five")
    assert progress.lines(105.0) == ["  ... 5 s: Create the cluster (one, two, three, and 2 more)"]
    progress.end("id", "two")
    progress.end("id", "four")
    assert progress.lines(110.0) == ["  ... 10 s: Create the cluster (one, three, five)"]


def test_a_finished_task_is_not_reported():
    progress = running("one", "two")
    progress.end("id", "one")
    progress.end("id", "two")
    assert progress.lines(200.0) == []


def test_a_loop_has_the_number_of_items_that_are_done():
    progress = running("localhost")
    progress.item("id")
    progress.item("id")
    assert progress.lines(105.0) == ["  ... 5 s: Create the cluster (localhost), 2 done"]


def test_tasks_that_run_side_by_side_have_a_line_each():
    progress = running("one")
    progress.start("other", "Set up the engine", "two", 102.0)
    assert progress.lines(105.0) == ["  ... 5 s: Create the cluster (one)"]
    assert progress.lines(110.0) == ["  ... 10 s: Create the cluster (one)", "  ... 8 s: Set up the engine (two)"]


def test_the_end_of_an_unknown_task_is_ignored():
    progress = running("one")
    progress.end("id", "other")
    progress.end("other", "one")
    progress.item("other")
    assert progress.lines(105.0) == ["  ... 5 s: Create the cluster (one)"]


def test_a_terminal_shows_what_runs_longest_with_a_bar() -> None:
    progress = running("one")
    progress.start("other", "Set up the engine", "two", 101.0)
    assert progress.status(101.0) == ""
    assert progress.status(102.0) == "2 s: Create the cluster (one)"
    assert progress.status(104.0) == "4 s: Create the cluster (one) (and 1 more)"
    progress.note("id", "kind runs", 0.5)
    assert progress.status(102.0) == "[##########----------]  50% 2 s: Create the cluster (one): kind runs"
    progress.end("id", "one")
    assert not progress.runs("id") and progress.runs("other")
    assert progress.status(104.0) == "3 s: Set up the engine (two)"
