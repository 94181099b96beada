"""Volumes and processes of other clusters in a host directory; their control planes answer from a script."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach import node_processes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.other_clusters import users_elsewhere
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim, volume
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner

CONTROL = Node("o-control-plane", "o", "control-plane")
WORKER = Node("o-worker", "o", "worker", mounts=(Mount("/data", "/srv/lab"),))
ASKED = {"mine": "/srv/lab/v0", "other": "/srv/lab/v9", "above": "/srv/lab"}
EXEC = ["docker", "exec", "-i", "o-control-plane", "kubectl"]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[VolumeUser]]:
    """Name -> processes that use its directory."""
    found: dict[str, list[VolumeUser]] = {}
    monkeypatch.setattr(
        node_processes, "probe", lambda _runner, _name, asked, _own: {name: found.get(name, []) for name in asked}
    )
    return found


def control_plane(*volumes: dict[str, Any], claims: tuple[dict[str, Any], ...] = ()) -> Engine:
    """An engine with a control plane that knows these volumes."""

    class Answers(ScriptedRunner):
        def run(self, argv, **_options):
            assert argv[:5] == EXEC
            items = claims if argv[-1].endswith("persistentvolumeclaims") else volumes
            return Completed(0, json.dumps({"items": list(items)}))

    return Engine("docker", Answers())


@pytest.mark.usefixtures("processes")
def test_a_volume_of_another_cluster() -> None:
    bound = {**volume(0, node="o-worker"), "status": {"phase": "Bound"}}
    engine = control_plane(bound, claims=({**claim(0), "status": {"phase": "Bound"}},))
    why = "/srv/lab/v0 is the directory of volume v0 (ns/c0) of cluster o"
    assert users_elsewhere(engine, [CONTROL, WORKER], ASKED) == {"mine": why, "above": why}


def test_a_process_in_another_cluster(processes: dict[str, list[VolumeUser]]) -> None:
    processes["other"] = [VolumeUser("is in /data/v9", "o-worker", "", "sh", 8)]
    found = users_elsewhere(control_plane(), [CONTROL, WORKER], ASKED)
    assert found == {"other": "sh (pid 8) on o-worker is in /data/v9"}


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    ("nodes", "answer", "why"),
    [
        ([Node("o-control-plane", "o", "control-plane", "exited"), WORKER], "", "its control plane is not running"),
        ([WORKER], "", "its control plane is not running"),
        ([CONTROL, WORKER], Completed(1, "", "connection refused"), "docker failed: connection refused"),
        ([CONTROL, WORKER], "{}", "o-control-plane gave no list of them"),
    ],
)
def test_a_cluster_that_cannot_be_asked_may_use_all_that_it_has_mounted(
    nodes: list[Node], answer: Completed | str, why: str
) -> None:
    engine = Engine("docker", ScriptedRunner([(EXEC, answer)]))
    found = users_elsewhere(engine, nodes, {**ASKED, "apart": "/srv/else"})
    assert found.keys() == ASKED.keys()
    assert found["mine"] == f"cluster o has /srv/lab/v0 mounted too, and its volumes are not known: {why}"


def test_without_other_clusters_nobody_is_asked() -> None:
    assert users_elsewhere(Engine("docker", ScriptedRunner()), [], ASKED) == {}
