"""What a recreation refuses of host directories before it changes anything."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate import survey
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim, volume

CONTEXT: Any = SimpleNamespace(options={"cluster": "k", "engine": "docker", "kubeconfig": None}, outside={})
OTHER = Node("o-worker", "o", "worker")


def check(monkeypatch: pytest.MonkeyPatch, used: dict[str, str], label: str = "", **mount: Any) -> list[dict[str, Any]]:
    """The refusals. used: volume's name -> who else uses its directory."""
    items = [volume(0), volume(1, node="k-worker2")]
    items[0]["metadata"]["labels"] = {label: "read-only"} if label else {}
    nodes = (
        Node("k-worker", "k", "worker", mounts=(Mount("/data", "/srv/a", **mount),)),
        Node("k-worker2", "k", "worker", mounts=(Mount("/data", "/srv/b"),)),
    )
    objects = {"PersistentVolume": items, "PersistentVolumeClaim": [claim(0), claim(1)]}
    found = SimpleNamespace(engine=None, nodes=nodes, objects=objects, sharing=(OTHER,))
    monkeypatch.setattr(survey, "observe", lambda _options, _read: found)
    asked = []

    def users(_engine: object, sharing: object, directories: dict[str, str]) -> dict[str, str]:
        asked.append((sharing, directories))
        return {name: why for name, why in used.items() if name in directories}

    monkeypatch.setattr(survey, "users_elsewhere", users)
    try:
        survey.check_directories(CONTEXT)
    except Declined as error:
        return list(error.details)
    finally:
        own = {} if label else {"v0": "/srv/a/v0"}
        assert asked == [((OTHER,), {**own, "v1": "/srv/b/v1"})]
    return []


def test_directories_that_nodes_have_and_nobody_else_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(monkeypatch, {}) == []


def test_a_directory_that_the_node_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    (refusal,) = check(monkeypatch, {}, mismatch="it was moved", remedy="Move it back")
    assert refusal == {"name": "v0", "why": "it was moved", "next_step": "Move it back", "claim": "ns/c0"}


def test_a_directory_that_another_cluster_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    (refusal,) = check(monkeypatch, {"v1": "volume v9 of cluster o"})
    assert refusal["name"] == "v1"
    assert refusal["why"] == "another cluster uses its directory: volume v9 of cluster o"


def test_data_of_the_host_itself_may_be_shared_and_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(monkeypatch, {"v0": "o has it"}, LABEL, mismatch="it was moved") == []
