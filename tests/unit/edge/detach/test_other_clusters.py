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
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.other_pods import pods_in_others
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


def control_plane(
    *volumes: dict[str, Any], claims: tuple[dict[str, Any], ...] = (), pods: tuple[dict[str, Any], ...] = ()
) -> Engine:
    """An engine with a control plane that knows these objects."""
    known = {"persistentvolumes": volumes, "persistentvolumeclaims": claims, "pods": pods}

    class Answers(ScriptedRunner):
        def run(self, argv, **_options):
            assert argv[:5] == EXEC
            return Completed(0, json.dumps({"items": list(known[argv[-1].rpartition("/")[2]])}))

    return Engine("docker", Answers())


def pod(phase: str, volume: dict[str, Any], **spec: str) -> dict[str, Any]:
    """The pod ns/p of another cluster with one volume."""
    return {
        "metadata": {"namespace": "ns", "name": "p"},
        "spec": {"containers": [], "volumes": [{"name": "d", **volume}], **spec},
        "status": {"phase": phase},
    }


def on_host(path: str) -> dict[str, Any]:
    return {"hostPath": {"path": path}}


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


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    ("phase", "path", "spec", "names"),
    [
        ("Pending", "/data/v9", {}, {"other"}),
        ("Pending", "/data/v9/deeper", {"nodeName": "o-worker"}, {"other"}),
        ("Running", "/data/v9", {}, {"other"}),
        # Where it is scheduled, /data is not mounted from the host.
        ("Pending", "/data/v9", {"nodeName": "o-control-plane"}, set()),
        ("Succeeded", "/data/v9", {}, set()),
        ("Pending", "/opt/v9", {}, set()),
        ("Pending", "/", {}, set()),
    ],
)
def test_a_pod_of_another_cluster_that_would_start_at_any_moment(
    phase: str, path: str, spec: dict[str, str], names: set[str]
) -> None:
    engine = control_plane(pods=(pod(phase, on_host(path), **spec),))
    found = users_elsewhere(engine, [CONTROL, WORKER], {name: path for name, path in ASKED.items() if name != "above"})
    assert found.keys() == names
    assert all("pod ns/p of cluster o" in why for why in found.values())
    assert all(("Pending" in why) == (phase == "Pending") for why in found.values())


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("asked", ["/srv/lab/v0", "/srv/lab", "/srv/lab/v0/sub"])
def test_a_pending_pod_with_a_claim_uses_what_overlaps(asked: str) -> None:
    bound = {**volume(0, node="o-worker"), "status": {"phase": "Bound"}}
    waiting = pod("Pending", {"persistentVolumeClaim": {"claimName": "c0"}})
    engine = control_plane(bound, claims=({**claim(0), "status": {"phase": "Bound"}},), pods=(waiting,))
    found = pods_in_others(engine, [CONTROL, WORKER], [("mine", asked), ("apart", "/srv/lab/v1")])
    (user,) = found.pop("mine")
    assert user.why == "pod ns/p of cluster o, which is Pending, would use /srv/lab/v0" and found == {}
    # Pods of this cluster may have the same name.
    assert user.pod == ""


def test_pods_that_are_not_known_count_unless_no_control_plane_can_start_them() -> None:
    engine = Engine("docker", ScriptedRunner([(EXEC, Completed(1, "", "connection refused"))]))
    found = pods_in_others(engine, [CONTROL, WORKER], [("mine", "/srv/lab/v0"), ("apart", "/opt")])
    assert found.keys() == {"mine"} and "connection refused" in found["mine"][0].why
    stopped = Node("o-control-plane", "o", "control-plane", "exited")
    assert pods_in_others(engine, [stopped, WORKER], [("mine", "/srv/lab/v0")]) == {}
