"""node_drain with volumes=move: volumes and their pods go to another node, and the rest is evicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import node_drain
from ansible_collections.kindlab.volumes.tests.unit.support.transfers import Lab


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(tmp_path, monkeypatch)


def drain(lab: Lab, check_mode: bool = False, **options: Any) -> Outcome:
    return lab.run(node_drain, check_mode, **{"node": "k-worker", "volumes": "move", **options})


def test_a_node_for_the_volumes_is_needed(lab: Lab) -> None:
    with pytest.raises(BadInput, match="volumes=move needs a node"):
        drain(lab)
    with pytest.raises(BadInput, match="volumes_node is the node that is drained"):
        drain(lab, volumes_node="k-worker")
    with pytest.raises(Declined, match="the cluster has no node k-none"):
        drain(lab, volumes_node="k-none")


@pytest.mark.parametrize("check_mode", [True, False])
def test_nothing_is_moved_for_a_drain_that_is_refused(lab: Lab, check_mode: bool) -> None:
    pod = {"containers": [{"name": "c", "image": "i"}], "nodeName": "k-worker"}
    lab.cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "ns", "name": "bare"}, "spec": pod})
    lab.cluster.writes.clear()
    with pytest.raises(Declined, match="Cannot drain node k-worker"):
        drain(lab, check_mode, volumes_node="k-worker2")
    assert lab.cluster.writes == []


def test_check_mode_leaves_out_the_pods_that_move_with_their_volumes(lab: Lab) -> None:
    checked = drain(lab, True, volumes_node="k-worker2")
    assert {row["name"] for row in checked.facts["moved_volumes"]} == {"v0", "v1"}
    used = {volume["volume"] for pod in checked.facts["pods"] for volume in pod["volumes"]}
    assert used & {"v0", "v1"} == set()
    assert not any(name.startswith("ns/w") for name in checked.before["pods"])
    assert lab.replicas() == {"w0": 2, "w1": 2} and lab.policies() == {"v0": "Delete", "v1": "Delete"}
