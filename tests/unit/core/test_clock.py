"""Durations of phases, deadlines and polling."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, Stopwatch, poll


def test_each_phase_begins_at_the_end_of_the_previous_one():
    times = iter([10.0, 11.5, 11.75])
    watch = Stopwatch(lambda: next(times))
    watch.lap("read")
    watch.lap("write")
    assert watch.seconds == {"read": 1.5, "write": 0.25}


def test_a_deadline():
    times = iter([10.0, 11.0, 12.5, 12.5, 12.0, 11.9])
    deadline = Deadline(2.0, lambda: next(times))
    assert (deadline.left(), deadline.left(), deadline.left(least=0.5)) == (1.0, 0.0, 0.5)
    assert (deadline.over(), deadline.over()) == (True, False)


def test_polling_ends_after_the_deadline_but_happens_once():
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    assert len(list(poll(Deadline(1.0, lambda: now[0]), 0.5, sleep))) == 3
    assert len(list(poll(Deadline(0.0, lambda: now[0]), 0.5, sleep))) == 1


def test_a_deadline_that_is_ended():
    now = [10.0]
    deadline = Deadline(60.0, lambda: now[0])
    assert not deadline.over()
    deadline.end()
    assert deadline.over() and deadline.left() == 0.0
