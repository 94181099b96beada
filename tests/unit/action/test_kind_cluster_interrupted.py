"""Runs that were killed or failed, and the runs after them, on a host in memory."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    CommandFailed,
    Declined,
    KindlabError,
    Unreachable,
)
from ansible_collections.kindlab.volumes.tests.unit.support.cluster_runs import Place, volume
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import KindHost, Silent


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "users.yaml"))
    return Place(tmp_path)


def kill(_host: KindHost) -> None:
    raise Killed


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
    place.marker.write_text("removing\n")
    for item in volume("used", "/opt/inside"):
        place.api.put(item)
    place.kubeconfig.unlink()
    place.refused(Declined, state="absent")
    assert place.predicted().changed
    assert place.host.created == 1 and place.kubeconfig.exists() and not place.marker.exists()


def test_what_a_killed_removal_left_is_looked_at_where_it_can_be(place: Place) -> None:
    """Its control plane may have been used ever since."""
    place.run()
    place.use(*volume("v", "/var/local-path-provisioner/a", node="lab-control-plane"))
    backup = place.save()
    place.host.during_delete = kill
    with pytest.raises(Killed):
        place.run(state="absent", backup=backup)
    place.host.during_delete = lambda _host: None
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
