"""Integration tests that share a cluster run one after another, all others side by side."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path
from threading import Barrier
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


def test_clusters_of_two_targets_have_two_names(integration: Any) -> None:
    own = {
        value
        for path in TARGETS.glob("*/defaults/main.yml")
        for key, value in yaml.safe_load(path.read_text()).items()
        if key.endswith("_cluster")
    }
    assert own <= set(integration.CLUSTERS)
    assert len(integration.CLUSTERS) == len(set(integration.CLUSTERS))


def yaml_values(found: Any, key: str) -> set[str]:
    """All values of a key, at any depth."""
    if isinstance(found, dict):
        return {found[key]} if key in found else {value for item in found.values() for value in yaml_values(item, key)}
    return {value for item in found for value in yaml_values(item, key)} if isinstance(found, list) else set()


class Player:
    """In place of ansible-playbook: tells which tests ran side by side. A test of two waits for its counterpart."""

    def __init__(self, failing: str) -> None:
        self.failing = failing
        self.together = Barrier(2, timeout=30)
        self.met: set[str] = set()
        self.cleaned = 0

    def __call__(self, *arguments: str, log: Path | None = None) -> bool:
        if log:
            log.write_text(f"output of {log.stem}")
        if arguments[0] == "kindlab.volumes.teardown":
            self.cleaned += 1
            return True
        name = Path(arguments[0]).stem
        if name in ("node_drain", "recreate"):
            self.together.wait()
            self.met.add(name)
        return name != self.failing


@pytest.mark.parametrize("failing", ["", "recreate"])
def test_rows_run_side_by_side_and_the_summary_has_the_order_of_the_tests(
    integration: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    failing: str,
) -> None:
    player = Player(failing)
    for name, value in {"SCRATCH": tmp_path, "run": player, "JOBS": 2, "exists": "it-life".__eq__}.items():
        monkeypatch.setattr(integration, name, value)
    monkeypatch.setattr(sys, "argv", ["integration.py", "recreate", "node_drain", "kind_image", "volume_detach"])
    with pytest.raises(SystemExit) as ended:
        integration.main()
    printed = capfd.readouterr().out.splitlines()
    assert player.met == {"node_drain", "recreate"} and player.cleaned == 2
    assert bool(ended.value.code) == bool(failing)
    assert printed[-1] == ("3 passed, 1 failed" if failing else "4 passed, 0 failed")
    summary = printed[printed.index("integration:") + 1 : -1]
    assert [line.split()[1] for line in summary] == ["kind_image", "node_drain", "recreate", "volume_detach"]
    # Each line follows the output of its own test.
    for line in summary:
        assert printed[printed.index(line) - 1] == f"output of {line.split()[1]}"


def test_one_row_alone_shows_its_output_while_it_runs(
    integration: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs: list[Path | None] = []
    monkeypatch.setattr(integration, "SCRATCH", tmp_path)
    monkeypatch.setattr(integration, "exists", lambda _cluster: False)
    monkeypatch.setattr(integration, "run", lambda *_arguments, log=None: logs.append(log) or True)
    monkeypatch.setattr(sys, "argv", ["integration.py", "kind_image", "volume_detach"])
    with pytest.raises(SystemExit):
        integration.main()
    assert logs == [None, None, None]
