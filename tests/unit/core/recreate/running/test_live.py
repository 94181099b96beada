"""What people see of a running recreation: each step that ended, the one that runs, and how long it all took."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.activity import Activity
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.running.live import Live

STEPS = ["planned", "detached", "deleted", "created", "attached"]


def entry(second: int, step: str, **facts: object) -> Entry:
    return Entry(step, f"2026-11-30T06:00:{second:02}.000Z", facts)


def test_each_step_with_its_number_and_seconds() -> None:
    live = Live(0, 100)
    assert live.lines((), 101) == [] and live.doing(101, Activity()) == "check that every step can be done"
    entries = [entry(1, "planned", steps=STEPS), entry(3, "detached", count="2 volumes")]
    assert live.lines(entries, 103) == [
        "  step 1 of 5, planned, 3 s",
        "  step 2 of 5, detached, 2 s: 2 volumes",
    ]
    assert live.lines(entries, 104) == []
    assert live.doing(105, Activity()) == "step 3 of 5, delete the cluster, 2 s"
    entries += [entry(4, "deleting"), entry(6, "deleted")]
    assert live.lines(entries, 106) == ["  step 3 of 5, deleted, 2 s"]
    entries += [entry(16, "created"), entry(18, "attached"), entry(18, "done")]
    assert live.lines(entries, 118) == [
        "  step 4 of 5, created, 10 s",
        "  step 5 of 5, attached, 2 s",
        "  applications were away for 17 s",
    ]
    assert live.doing(120, Activity()) == ""


def test_a_run_that_goes_on_counts_its_own_steps() -> None:
    old = [entry(1, "planned", steps=STEPS), entry(3, "detached"), entry(4, "deleting"), entry(6, "deleted")]
    live = Live(len(old), 0)
    assert live.lines(old, 1) == []
    new = [*old, entry(20, "resumed", steps=STEPS[3:])]
    assert live.lines(new, 2) == [] and live.doing(5, Activity()) == "step 1 of 2, create the cluster, 3 s"
    assert live.lines([*new, entry(30, "created")], 12) == ["  step 1 of 2, created, 10 s"]


def test_a_clock_that_was_set_back_takes_no_seconds() -> None:
    live = Live(0, 0)
    assert live.lines([entry(9, "planned", steps=STEPS), entry(3, "detached")], 1)[1] == "  step 2 of 5, detached"


def test_a_run_begins_with_itself() -> None:
    """Whenever the run before it ended."""
    live = Live(1, 50)
    assert live.lines([entry(1, "rolled_back"), entry(59, "planned", steps=STEPS)], 57) == [
        "  step 1 of 5, planned, 7 s"
    ]


def test_a_way_back_begins_anew() -> None:
    old = [entry(1, "planned", steps=STEPS), entry(2, "deleting"), entry(3, "deleted")]
    live = Live(0, 0)
    live.lines(old, 3)
    assert live.lines([*old, entry(9, "turned_back", why="No port is free.")], 9) == [
        "  going back to the old shape: No port is free."
    ]
    back = [*old, entry(9, "turned_back", why="No."), entry(12, "deleted", steps=STEPS[3:])]
    assert live.lines(back, 12) == [] and live.doing(14, Activity()) == "step 1 of 2, create the cluster, 2 s"


def test_what_the_step_does_at_the_moment() -> None:
    live = Live(0, 100)
    live.lines([entry(1, "planned", steps=STEPS)], 103)
    doing = Activity({"data read": (2_000_000, 0)}, {"1 Pod: shop/a": 104.0}, 105.0)
    assert live.doing(109, doing) == (
        "step 2 of 5, scale workloads to zero and verify that nothing uses the volumes, 6 s; "
        "data read: 2.0 MB, waits for 1 Pod: shop/a, 5 s"
    )


def test_what_a_killed_run_did_is_not_shown() -> None:
    assert Live(3, 100).doing(101, Activity({"data read": (7, 0)}, at=99.0)) == "check that every step can be done"
