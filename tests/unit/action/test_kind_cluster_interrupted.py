"""Runs that were killed or failed, and the runs after them, on a host in memory."""

from __future__ import annotations

import json
import os
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    CommandFailed,
    Declined,
    KindlabError,
    TimedOut,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.mark import CREATING, DELETING, Mark
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.marker import Marker
from ansible_collections.kindlab.volumes.tests.unit.support.cluster_runs import Place, volume
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import KindHost, Object, Silent


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "users.yaml"))
    return Place(tmp_path)


def kill(_host: KindHost) -> None:
    raise Killed


def killed_deletion(place: Place) -> str:
    """A cluster with a volume whose deletion was killed; the path of its backup."""
    place.run()
    place.use(*volume("v", "/var/local-path-provisioner/a", node="lab-control-plane"))
    backup = place.save()
    place.host.during_delete = kill
    with pytest.raises(Killed):
        place.run(state="absent", backup=backup)
    place.host.during_delete = lambda _host: None
    return backup


def test_killed_in_kind_is_done_again(place: Place) -> None:
    place.host.during_create = kill
    with pytest.raises(Killed):
        place.run()
    assert place.marker.exists() and len(place.host.nodes) == 2
    place.host.during_create = lambda _host: None
    again = place.predicted()
    assert (again.before["state"], again.after["state"]) == ("unfinished", "running")
    assert not place.marker.exists() and place.host.created == 2
    assert not place.predicted().changed


def test_killed_in_kind_may_be_asked_for_differently_then(place: Place) -> None:
    place.host.during_create = kill
    with pytest.raises(Killed):
        place.run()
    place.host.during_create = lambda _host: None
    assert len(place.run(workers=3).facts["cluster"]["nodes"]) == 4


def test_killed_in_kind_can_be_removed(place: Place) -> None:
    place.host.during_create = kill
    with pytest.raises(Killed):
        place.run()
    assert place.predicted(state="absent").changed
    assert place.host.nodes == [] and not place.marker.exists()


def test_killed_while_waiting_is_gone_on_with(place: Place) -> None:
    place.run()
    place.api.delete("ConfigMap", "kindlab-cluster", "kube-system")
    place.marker.write_text("{}")
    again = place.predicted()
    assert again.changed and place.host.created == 1 and not place.marker.exists()
    assert place.api.get("ConfigMap", "kindlab-cluster", "kube-system") is not None


@pytest.mark.parametrize("state", ["present", "absent"])
def test_killed_in_a_removal_is_gone_on_with(place: Place, state: str) -> None:
    """The removal was found safe, or forced, before it began; what was inside the node that is gone was saved."""
    place.run()
    directory = place.path / "inside"
    directory.mkdir()
    place.use(*volume("safe", "/var/local-path-provisioner/a"), *volume("inside", str(directory), node="lab-worker"))
    backup = place.save(data="archive")
    place.host.during_delete = kill
    with pytest.raises(Killed):
        place.run(state="absent", backup=backup)
    assert len(place.host.nodes) == 1 and not place.kubeconfig.read_text().count("kind-lab")
    place.host.during_delete = lambda _host: None
    again = place.predicted(state=state, backup=backup)
    assert again.changed and again.before["state"] == "unfinished"
    assert len(place.host.nodes) == (2 if state == "present" else 0) and not place.marker.exists()


def test_a_removal_that_kind_could_not_do_is_taken_back(place: Place) -> None:
    """All nodes are there and their volumes too: it is a cluster in use."""
    place.run()
    place.marker.write_text(Mark(DELETING, nodes=("lab-control-plane", "lab-worker")).to_text())
    for item in volume("used", "/opt/inside"):
        place.api.put(item)
    place.kubeconfig.unlink()
    place.refused(Declined, state="absent")
    assert place.predicted().changed
    assert place.host.created == 1 and place.kubeconfig.exists() and not place.marker.exists()


def test_what_a_killed_removal_left_is_looked_at_where_it_can_be(place: Place) -> None:
    """Its control plane may have been used ever since."""
    backup = killed_deletion(place)
    (place.data / "a" / "file").write_text("something else")
    assert "has changed since" in place.refused(Declined, state="absent", backup=backup).message


@pytest.mark.parametrize("answers", [True, False])
def test_a_cluster_that_was_in_use_is_never_taken_for_unfinished(place: Place, answers: bool) -> None:
    """Its marker was left behind, then its kubeconfig was lost, or does not lead to it any more."""
    place.run()
    place.marker.write_text("{}")
    for item in volume("used", "/var/local-path-provisioner/x"):
        place.api.put(item)
    if answers:
        place.kubeconfig.unlink()
    else:
        place.host.ready.clear()
        place.host.clusters["lab"] = Silent()
    with suppress(KindlabError):
        place.run()
    assert place.host.created == 1 and len(place.host.nodes) == 2


def test_failure_of_kind_leaves_nothing_and_explains(place: Place) -> None:
    def fail(_host: KindHost) -> None:
        raise CommandFailed("ERROR: failed to create cluster: port is already allocated")

    place.host.during_create = fail
    with pytest.raises(CommandFailed) as raised:
        place.run()
    assert "host_port" in raised.value.next_step
    assert json.loads(raised.value.details["config"])["name"] == "lab"
    assert place.host.nodes == [] and not place.marker.exists()
    place.host.during_create = lambda _host: None
    assert place.run().changed


def test_what_kind_could_not_take_away_without_an_engine_is_replaced(place: Place) -> None:
    def engine_dies(host: KindHost) -> None:
        host.broken = Unreachable("Cannot connect to the Docker daemon.")
        raise CommandFailed("ERROR: failed to create cluster: command docker exec failed")

    place.host.during_create = engine_dies
    with pytest.raises(CommandFailed):
        place.run()
    assert len(place.host.nodes) == 2 and place.marker.exists()
    place.host.broken = None
    place.host.during_create = lambda _host: None
    again = place.predicted()
    assert (again.before["state"], again.after["state"]) == ("unfinished", "running")
    assert place.host.created == 2 and not place.marker.exists()


def test_retained_failure_is_replaced(place: Place) -> None:
    def fail(_host: KindHost) -> None:
        raise CommandFailed("ERROR: kubeadm init failed")

    place.host.during_create = fail
    with pytest.raises(CommandFailed):
        place.run(retain_on_failure=True)
    assert len(place.host.nodes) == 2
    place.host.during_create = lambda _host: None
    assert place.predicted().before["state"] == "unfinished"


def test_nodes_that_nobody_set_up_are_left_alone(place: Place) -> None:
    place.run()
    place.host.ready.clear()
    place.kubeconfig.unlink()
    place.refused(Declined)
    assert len(place.host.nodes) == 2


def left_by_a_killed_creation(place: Place) -> None:
    place.host.during_create = kill
    with pytest.raises(Killed):
        place.run()
    place.host.during_create = lambda _host: None


@pytest.mark.parametrize(
    "used",
    [
        *([{"kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": {}}],),
        *([{"kind": "PersistentVolumeClaim", "metadata": {"namespace": "default", "name": "c"}, "spec": {}}],),
        *([{"kind": "Namespace", "metadata": {"name": "shop"}}],),
    ],
)
def test_a_cluster_that_somebody_uses_is_kept_whatever_its_mark_says(place: Place, used: list[Object]) -> None:
    """After a killed creation somebody deleted what was left, and made a cluster of that name by hand."""
    left_by_a_killed_creation(place)
    place.host.nodes.clear()
    marked = place.marker.read_text()
    place.marker.unlink()
    place.run()
    place.kubeconfig.unlink()
    place.marker.write_text(marked)
    for item in used:
        place.api.put(item)
    assert place.predicted().before["state"] == "unfinished"
    assert place.host.created == 2 and not place.marker.exists()


@pytest.mark.parametrize("state", ["exited", "paused"])
def test_stopped_nodes_of_a_killed_creation_are_replaced_only_if_no_pod_ran_in_them(place: Place, state: str) -> None:
    left_by_a_killed_creation(place)
    for node in place.host.nodes:
        node["State"]["Status"] = state
    place.host.ran.add("lab")
    error = place.refused(Declined)
    assert "may be unfinished, and may have volumes" in error.message and "was interrupted" in error.message
    assert f"process {os.getpid()}" in error.message and "docker start lab-control-plane lab-worker" in error.next_step
    error = place.refused(Declined, state="absent")
    assert (
        "it is unknown whether volumes would lose data" in error.message and "docker start lab-con" in error.next_step
    )
    place.host.ran.clear()
    assert place.predicted().changed and place.host.created == 2


def test_the_mark_of_one_cluster_says_nothing_about_another(place: Place) -> None:
    """Both use one kubeconfig file."""
    place.run(name="other")
    for node in place.host.nodes:
        node["State"]["Status"] = "exited"
    left_by_a_killed_creation(place)
    assert not place.kubeconfig.read_text().count("kind-lab") and place.marker.exists()
    assert "it is unknown" in place.refused(Declined, name="other", state="absent").message
    place.predicted(name="other")
    assert place.marker.exists() and place.host.runs("other")
    place.predicted()
    assert not place.marker.exists() and len(place.host.nodes) == 4


def test_a_deletion_that_failed_before_a_node_was_gone_and_one_worker_more(place: Place) -> None:
    place.run()
    for item in volume("used", "/var/local-path-provisioner/x"):
        place.api.put(item)
    place.marker.write_text(Mark(DELETING, nodes=("lab-control-plane", "lab-worker")).to_text())
    place.kubeconfig.unlink()
    assert "differs" in place.refused(Declined, workers=2).message
    assert place.host.created == 1 and len(place.host.nodes) == 2


@pytest.mark.parametrize("backed_up", [True, False])
def test_the_rest_of_a_deletion_is_replaced_only_if_it_can_be_deleted_safely(place: Place, backed_up: bool) -> None:
    backup = killed_deletion(place)
    if backed_up:
        assert place.predicted(backup=backup).changed
    else:
        assert "was interrupted, and its rest may be in use" in place.refused(Declined).message
    assert place.host.created == (2 if backed_up else 1)


def test_the_rest_of_a_deletion_without_a_control_plane_is_deleted(place: Place) -> None:
    """Nobody can have used it since the deletion was found safe."""
    place.run()
    place.marker.write_text(Mark(DELETING, nodes=("lab-control-plane", "lab-worker")).to_text())
    place.kubeconfig.unlink()
    del place.host.nodes[0]
    assert place.predicted(state="absent").changed and place.host.nodes == []


def test_a_second_run_that_waited_for_the_lock_looks_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have seen that there is no cluster; the first one creates it before the second has the lock."""
    locked = Marker.locked

    def lock_late(marker: Marker, deadline: Deadline) -> AbstractContextManager[None]:
        monkeypatch.setattr(Marker, "locked", locked)
        place.run()
        return locked(marker, deadline)

    monkeypatch.setattr(Marker, "locked", lock_late)
    assert not place.run().changed
    assert [call[:2] for call in place.host.writes()] == [["kind", "create"]]


def test_nodes_that_another_run_creates_meanwhile_are_left_to_it(place: Place) -> None:
    """It uses another kubeconfig, and so another lock."""

    def refuse(_host: KindHost) -> None:
        raise CommandFailed('ERROR: node(s) already exist for a cluster with the name "lab"')

    place.host.during_create = refuse
    with pytest.raises(CommandFailed, match="its nodes exist already") as raised:
        place.run()
    assert "Another run is creating it" in raised.value.next_step
    assert len(place.host.nodes) == 2 and not place.marker.exists()


def test_a_lock_is_not_waited_for_any_longer_than_asked_and_its_holder_is_named(place: Place) -> None:
    marker = Marker(str(place.kubeconfig), "lab")
    with marker.locked(Deadline(0)):
        marker.write(CREATING)
        begun = time.monotonic()
        with pytest.raises(TimedOut, match=f"process {os.getpid()} of .* since 20"):
            place.run()
        assert time.monotonic() - begun < 30


def test_the_cause_of_a_failure_is_looked_for_in_the_nodes_before_they_are_removed(place: Place) -> None:
    def fail(host: KindHost) -> None:
        host.journal = 'E1130 "failed to run Kubelet" err="inotify_init: too many open files"\n'
        raise CommandFailed("ERROR: failed to create cluster: failed to init node with kubeadm\nmain.main\n\tmain.go:1")

    place.host.during_create = fail
    with pytest.raises(CommandFailed) as raised:
        place.run()
    lines = raised.value.message.splitlines()
    assert "the limit of inotify instances or watches is reached: lab-control-plane: E1130" in lines[0]
    assert lines[1:] == ["failed to init node with kubeadm"] and "sudo sysctl" in raised.value.next_step
    assert place.host.nodes == [] and not place.marker.exists()


def test_a_creation_that_hangs_ends_with_the_time_and_leaves_its_nodes_to_the_next_run(place: Place) -> None:
    def hang(host: KindHost) -> None:
        host.journal = "2026-11-30T01:00:00.5Z stderr F Error: unknown flag: --odd\n"
        raise TimedOut("kind did not finish within 1 seconds.", tried="kind create cluster --name lab")

    place.host.during_create = hang
    with pytest.raises(TimedOut, match="kind did not create cluster lab within 1 seconds") as raised:
        place.run()
    assert raised.value.message.endswith(
        "\nlab-control-plane: Error: unknown flag: --odd\nlab-worker: Error: unknown flag: --odd"
    )
    assert raised.value.tried == "kind create cluster --name lab" and "wait_timeout" in raised.value.next_step
    assert place.marker.exists()
    place.host.during_create = lambda _host: None
    assert place.predicted().before["state"] == "unfinished"
