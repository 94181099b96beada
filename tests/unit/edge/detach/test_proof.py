"""The proof that volumes are free: one look into each node that can be looked into, again until the time has come."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.holders import Held
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.node_holders import Holder
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach import node_holders
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.proof import PAUSE, Detachment
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster, ScriptedRunner
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import pod

MOUNTS = (Mount("/var", "/x", "volume"), Mount("/data", "/srv/lab"))
A = Volume("a", "ns/c", claim_phase="Bound", nodes=("w1",), node_directory="/opt/a")
B = Volume("b", nodes=("w2",), node_directory="/data/b")
REMOTE = Volume("r", source="nfs")
SHELL = Holder("w1", 8, "sh", "", "is in /opt/a")


def node(name, state="running", *mounts):
    return Node(name, "k", "worker", state, mounts=mounts)


class Looks:
    """Looks into nodes: what is found there, and who asked for what. found: node -> volume -> holders."""

    def __init__(self):
        self.found = {}
        self.asked = []

    @property
    def names(self):
        return sorted(name for name, *_what in self.asked)

    def look(self, runner, name, directories, own_mounts):
        assert runner.argv(["ls"]) == ["docker", "exec", "-i", name, "ls"]
        self.asked.append((name, dict(directories), list(own_mounts)))
        found = self.found.get(name, {})
        if isinstance(found, Exception):
            raise found
        return {volume: list(found.get(volume, ())) for volume in directories}


@pytest.fixture
def looks(monkeypatch):
    made = Looks()
    monkeypatch.setattr(node_holders, "look", made.look)
    return made


def detachment(*nodes, cluster=None):
    return Detachment(cluster, Engine("docker", ScriptedRunner()), nodes)


def test_each_node_is_looked_into_once_for_all_volumes(looks):
    nodes = [node("w1", "running", *MOUNTS), node("w2", "running", *MOUNTS), node("w3")]
    both = Volume("both", nodes=("w1", "w2"), node_directory="/var/x")
    assert detachment(*nodes).look([A, B, both, REMOTE]) == {"a": [], "b": [], "both": [], "r": []}
    own = ["/var", "/data"]
    # w1 shares the directory of b with w2.
    assert sorted(looks.asked) == [
        ("w1", {"a": "/opt/a", "b": "/data/b", "both": "/var/x"}, own),
        ("w2", {"b": "/data/b", "both": "/var/x"}, own),
    ]


def test_without_volumes_nobody_is_asked(looks):
    assert detachment(node("w1"), cluster=FakeCluster()).look([]) == {}
    assert looks.asked == []


def test_nodes_are_looked_into_side_by_side(monkeypatch):
    together = threading.Barrier(2, timeout=10)

    def look(_runner, _name, directories, _own_mounts):
        together.wait()
        return dict.fromkeys(directories, ())

    monkeypatch.setattr(node_holders, "look", look)
    assert detachment(node("w1"), node("w2")).look([A, B]) == {"a": [], "b": []}


def test_what_a_process_holds_is_told_with_its_pod(looks):
    of_pod = Holder("w1", 7, "postgres", "uid-p", "has open /opt/a/x")
    looks.found = {"w1": {"a": [of_pod, SHELL]}}
    cluster = FakeCluster(pod("p", "c"))
    assert detachment(node("w1"), node("w2"), cluster=cluster).look([A, B]) == {
        "a": [
            Held("pod ns/p uses it", "k-worker", "ns/p"),
            Held("has open /opt/a/x", "w1", "ns/p", "postgres", 7),
            Held("is in /opt/a", "w1", "", "sh", 8),
        ],
        "b": [],
    }


def test_attachments_are_looked_at(looks):
    spec = {"nodeName": "w1", "source": {"persistentVolumeName": "r"}}
    cluster = FakeCluster({"kind": "VolumeAttachment", "metadata": {"name": "csi"}, "spec": spec})
    (held,) = detachment(node("w1"), cluster=cluster).look([REMOTE])["r"]
    assert held.text() == "it is attached to w1 (VolumeAttachment)"
    assert looks.asked == []


def test_without_an_api_server_the_nodes_are_looked_into(looks):
    looks.found = {"w1": {"a": [SHELL]}}
    assert detachment(node("w1")).look([A]) == {"a": [Held("is in /opt/a", "w1", "", "sh", 8)]}


@pytest.mark.parametrize("state", ["paused", "restarting"])
def test_a_node_that_can_not_be_looked_into_holds_its_volumes(looks, state):
    found = detachment(node("w1", state), node("w2")).look([A, B])
    (held,) = found["a"]
    assert held.text() == f"w1 is {state}: what its processes hold can't be seen"
    assert (held.node, held.pod, held.process, held.pid) == ("w1", "", "", 0)
    assert found["b"] == []
    assert looks.names == ["w2"]


@pytest.mark.parametrize("state", ["exited", "dead", "created"])
def test_in_a_node_that_is_off_nothing_holds_anything(looks, state):
    assert detachment(node("w1", state), node("w2")).look([A, B]) == {"a": [], "b": []}
    assert looks.names == ["w2"]


def test_pods_of_a_node_that_is_off_hold_still(looks):
    found = detachment(node("w1", "exited"), cluster=FakeCluster(pod("p", "c"))).look([A])
    assert [one.why for one in found["a"]] == ["pod ns/p uses it"]
    assert looks.asked == []


def test_a_look_that_fails_proves_nothing(looks):
    looks.found = {"w2": CommandFailed("w2 says nothing")}
    with pytest.raises(CommandFailed, match="w2 says nothing"):
        detachment(node("w1"), node("w2")).look([A, B])


class Clock:
    """A clock that only pauses move on; when `until` is reached, w1 gives up what it holds."""

    def __init__(self, looks, until):
        self.now = 0.0
        self.until = until
        self.looks = looks
        looks.found = {"w1": {"a": [SHELL]}}

    def __call__(self):
        return self.now

    def pause(self, seconds):
        assert seconds == PAUSE
        self.now += seconds
        if self.now >= self.until:
            self.looks.found.clear()


@pytest.mark.parametrize(
    ("until", "end", "looked", "free"),
    [
        (PAUSE / 2, 60, 2, True),
        (9.5 * PAUSE, 60, 11, True),
        (60, 4.5 * PAUSE, 6, False),
        (60, 0, 1, False),
        (60, -1, 1, False),
    ],
)
def test_it_looks_until_all_are_free_or_the_time_has_come(looks, until, end, looked, free):
    clock = Clock(looks, until)
    found = detachment(node("w1")).await_free([A], end, clock, clock.pause)
    assert found == {"a": [] if free else [Held("is in /opt/a", "w1", "", "sh", 8)]}
    assert looks.names == ["w1"] * looked


@pytest.mark.parametrize("end", [60, -1])
def test_what_is_free_is_looked_at_once(looks, end):
    clock = Clock(looks, 0)
    looks.found.clear()
    assert detachment(node("w1")).await_free([A], end, clock, clock.pause) == {"a": []}
    assert (clock.now, looks.names) == (0, ["w1"])
