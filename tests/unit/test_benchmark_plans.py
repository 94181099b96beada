"""The benchmark of plans calls what the collection has: each plan runs here with a few objects."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.tests.unit.support.checkout import CHECKOUT

PLANNING = CHECKOUT / "tests" / "benchmark" / "planning.py"
PLANS = (
    "volume_detach",
    "volume_detach state=attached",
    "who uses the volumes",
    "node_drain",
    "volume_info",
    "volume_backup",
    "volume_restore",
    "deletion of a cluster",
)

pytestmark = pytest.mark.skipif(not PLANNING.exists(), reason="benchmarks are not part of the built collection")


@pytest.fixture
def planning(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("planning", PLANNING)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "planning", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "COUNT", 20)
    return module


def test_all_plans_are_listed(planning: Any) -> None:
    assert tuple(planning.PLANS) == PLANS


@pytest.mark.parametrize("name", PLANS)
def test_plan_runs(name: str, planning: Any) -> None:
    planning.PLANS[name](planning.cluster(0 if "attached" in name else 1))


def test_the_list_runs(planning: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "ENTRIES", 2_000)
    planning.listed()
