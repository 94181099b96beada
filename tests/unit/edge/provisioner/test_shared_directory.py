"""A directory of all nodes: the same one, one for each node, one that is missing; and nothing stays behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.provisioner.shared_directory import (
    check_mounts,
    check_same_directory,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner, swapped

NODES = ("lab-control-plane", "lab-worker", "lab-worker2")


class Nodes(Runner):
    """Nodes whose /data is a directory of this host each."""

    def __init__(self, places: Mapping[str, Path]) -> None:
        self.places = places

    def run(self, argv: Sequence[str], *, check: bool = True, **_options: object) -> Completed:  # type: ignore[override]
        engine, verb, _interactive, node, *words = argv
        assert (engine, verb) == ("docker", "exec")
        return super().run([word.replace("/data", str(self.places[node])) for word in words], check=check)


def probe(places: Mapping[str, Path]) -> None:
    check_same_directory(Engine("docker", Nodes(places)), NODES, "/data")


def test_one_directory_for_all(tmp_path: Path) -> None:
    probe(dict.fromkeys(NODES, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_single_node_shares_with_itself(tmp_path: Path) -> None:
    check_same_directory(Engine("docker", Nodes({NODES[0]: tmp_path})), NODES[:1], "/data")
    assert list(tmp_path.iterdir()) == []


def test_the_nodes_that_differ_are_named(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    with pytest.raises(BadInput, match="/data is not the same as on lab-control-plane on lab-worker2:") as caught:
        probe({NODES[0]: tmp_path, NODES[1]: tmp_path, NODES[2]: tmp_path / "own"})
    assert caught.value.details == ["lab-worker2"]
    assert [path.name for path in tmp_path.rglob("*")] == ["own"]


def test_a_directory_that_is_missing_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="/data is not a writable directory on lab-control-plane"):
        probe({NODES[0]: tmp_path / "none", NODES[1]: tmp_path, NODES[2]: tmp_path})
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_the_host_does_not_have_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [Node(name, "lab", "worker", mounts=(Mount("/data", str(tmp_path)),)) for name in NODES]
    engine = Engine("docker", ScriptedRunner())
    check_mounts(engine, nodes, "/data/shared")
    check_mounts(engine, [], "/data/shared")
    monkeypatch.setattr(ScriptedRunner, "looks", {"lab-worker": swapped("/data")})
    check_mounts(engine, nodes, "/opt/shared")
    with pytest.raises(Declined, match="/data/shared is not the host's directory in all nodes") as caught:
        check_mounts(engine, nodes, "/data/shared")
    assert [row["name"] for row in caught.value.details] == ["lab-worker"]
