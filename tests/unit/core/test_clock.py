"""Phases follow each other without gaps."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch


def test_each_phase_begins_where_the_last_one_ended():
    times = iter([10.0, 11.5, 11.75])
    watch = Stopwatch(lambda: next(times))
    watch.lap("read")
    watch.lap("write")
    assert watch.seconds == {"read": 1.5, "write": 0.25}
