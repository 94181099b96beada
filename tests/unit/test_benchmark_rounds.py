"""Benchmarks repeat both sides in turns until their ratio is stable."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.tests.unit.support.checkout import CHECKOUT

MEASURE = CHECKOUT / "tests" / "benchmark" / "measure.py"

pytestmark = pytest.mark.skipif(not MEASURE.exists(), reason="benchmarks are not part of the built collection")


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("measure", MEASURE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "measure", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("ours", "theirs", "stable"),
    [
        ([], [], False),
        ([10.0], [10.0], False),
        ([10.0, 10.5], [10.0, 10.2], True),
        ([17.0, 17.0], [39.8, 18.4], False),
        ([17.0, 17.0, 18.0], [39.8, 18.4, 18.0], True),
        ([10.0, 8.9], [10.0, 10.0], False),
    ],
)
def test_is_stable_when_a_round_hardly_changes_the_ratio(
    measure: Any, ours: list[float], theirs: list[float], stable: bool
) -> None:
    assert measure.Rounds(ours, theirs).stable() is stable


def test_measures_in_turns_and_changes_who_goes_first(measure: Any) -> None:
    order = []

    def side(name: str, times: list[float]) -> Any:
        def run() -> float:
            order.append(name)
            return times.pop(0)

        return run

    rounds = measure.compare("it", side("ours", [5.0, 4.0, 4.1]), side("theirs", [10.0, 10.0, 10.0]))
    assert rounds.ratio() == 0.4
    assert order == ["theirs", "ours", "ours", "theirs", "theirs", "ours"]


def test_ends_after_the_maximum_of_rounds(measure: Any) -> None:
    times = iter(range(100, 0, -20))
    rounds = measure.compare("it", lambda: float(next(times)), lambda: 50.0, most=4)
    assert rounds.ours == [100.0, 80.0, 60.0, 40.0]
