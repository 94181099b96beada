"""Integration tests that share a cluster run one after another, all others side by side."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest
import yaml

from ansible_collections.kindlab.volumes.tests.unit.support.checkout import CHECKOUT
from ansible_collections.kindlab.volumes.tests.unit.support.tools import tool

TARGETS = CHECKOUT / "tests" / "integration" / "targets"


@pytest.fixture
def integration(monkeypatch: pytest.MonkeyPatch) -> Any:
    return tool("integration", monkeypatch)


def on_the_shared_cluster() -> set[str]:
    """Targets that have setup_cluster create it, and give it no other name."""
    found = set()
    for meta in TARGETS.glob("*/meta/main.yml"):
        target = meta.parents[1]
        variables = target / "vars" / "main.yml"
        own = yaml.safe_load(variables.read_text()) if variables.exists() else {}
        if "setup_cluster" in yaml.safe_load(meta.read_text())["dependencies"] and "it_cluster" not in own:
            found.add(target.name)
    return found


def test_every_test_is_in_one_row(integration: Any) -> None:
    tests = integration.known()
    assert sorted(chain(*integration.rows(tests))) == sorted(tests)
    assert set(integration.SECONDS) <= set(tests)


def test_targets_of_the_shared_cluster_are_one_row(integration: Any) -> None:
    shared = on_the_shared_cluster()
    assert len(shared) > 3
    assert shared in [set(row) for row in integration.rows(integration.known())]


def test_use_cases_of_one_cluster_are_one_row_in_their_order(integration: Any) -> None:
    rows = integration.rows(integration.known())
    assert ["use_cases/restore_volumes", "use_cases/local_data"] in rows
    assert ["use_cases/default_storage_class", "use_cases/pod_restart"] in rows
    assert ["use_cases/volume_mobility"] in rows


def test_tests_that_meet_through_another_one_are_one_row(integration: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clusters = {"a": {"x"}, "b": {"y"}, "c": {"x", "y"}, "d": {"z"}}
    monkeypatch.setattr(integration, "shares", clusters.__getitem__)
    monkeypatch.setattr(integration, "SECONDS", {"d": 1000})
    assert integration.rows(clusters) == [["d"], ["a", "b", "c"]]


def test_clusters_of_targets_are_removed_afterwards(integration: Any) -> None:
    named = {
        value
        for path in chain(TARGETS.glob("*/vars/main.yml"), TARGETS.glob("*/meta/main.yml"))
        for value in yaml_values(yaml.safe_load(path.read_text()), "it_cluster")
    }
    assert named and named | {"it", "it-stock", "it-changed"} <= set(integration.CLUSTERS)


def yaml_values(found: Any, key: str) -> set[str]:
    """All values of a key, at any depth."""
    if isinstance(found, dict):
        return {found[key]} if key in found else {value for item in found.values() for value in yaml_values(item, key)}
    return {value for item in found for value in yaml_values(item, key)} if isinstance(found, list) else set()
