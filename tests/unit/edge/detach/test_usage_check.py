"""The check that volumes are free: one probe of each readable node, again until the deadline."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach import node_processes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach import usage_check as usage_check_file
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.usage_check import PAUSE, UsageCheck
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster, ScriptedRunner
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import pod

MOUNTS = (Mount("/var", "/x", "volume"), Mount("/data", "/srv/lab"))
A = Volume("a", "ns/c", claim_phase="Bound", nodes=("w1",), node_directory="/opt/a")
B = Volume("b", nodes=("w2",), node_directory="/data/b")
REMOTE = Volume("r", source="nfs")
SHELL = VolumeUser("is in /opt/a", "w1", "", "sh", 8)


def node(name, state="running", *mounts):
    return Node(name, "k", "worker", state, mounts=mounts)


class Probes:
    """Probes of nodes. found: node -> volume -> users; asked: what was asked of each."""

    def __init__(self):
        self.found = {}
        self.asked = []

    @property
    def names(self):
        return sorted(name for name, *_what in self.asked)

    def probe(self, runner, name, directories, own_mounts):
        assert runner.argv(["ls"]) == ["docker", "exec", "-i", name, "ls"]
        self.asked.append((name, dict(directories), list(own_mounts)))
        found = self.found.get(name, {})
        if isinstance(found, Exception):
            raise found
        return {volume: list(found.get(volume, ())) for volume in directories}


@pytest.fixture
def probes(monkeypatch):
    made = Probes()
    monkeypatch.setattr(node_processes, "probe", made.probe)
    return made


def usage_check(*nodes, cluster=None):
    return UsageCheck(cluster, Engine("docker", ScriptedRunner()), nodes)


def test_each_node_is_probed_once_for_all_volumes(probes):
    nodes = [node("w1", "running", *MOUNTS), node("w2", "running", *MOUNTS), node("w3")]
    both = Volume("both", nodes=("w1", "w2"), node_directory="/var/x")
    assert usage_check(*nodes).users([A, B, both, REMOTE]) == {"a": [], "b": [], "both": [], "r": []}
    own = ["/var", "/data"]
    # w1 shares the directory of b with w2.
    assert sorted(probes.asked) == [
        ("w1", {"a": "/opt/a", "b": "/data/b", "both": "/var/x"}, own),
        ("w2", {"b": "/data/b", "both": "/var/x"}, own),
    ]


def test_nodes_of_other_clusters_that_share_the_directory_are_probed(probes):
    other = Node("o-worker", "o", "worker", mounts=(Mount("/elsewhere", "/srv"),))
    apart = Node("p-worker", "p", "worker", mounts=(Mount("/data", "/srv/other"),))
    below = Node("q-worker", "q", "worker", mounts=(Mount("/b", "/srv/lab/b/sub"),))
    probes.found["o-worker"] = {"b": [VolumeUser("is in /elsewhere/lab/b", "o-worker", "", "sh", 8)]}
    check = UsageCheck(
        None, Engine("docker", ScriptedRunner()), [node("w2", "running", *MOUNTS)], [other, apart, below]
    )
    assert [user.text() for user in check.users([B])["b"]] == ["sh (pid 8) on o-worker is in /elsewhere/lab/b"]
    assert sorted(probes.asked)[:2] == [
        ("o-worker", {"b": "/elsewhere/lab/b"}, ["/elsewhere"]),
        ("q-worker", {"b": "/b"}, ["/b"]),
    ]
    assert probes.names == ["o-worker", "q-worker", "w2"]


def test_without_volumes_nobody_is_asked(probes):
    assert usage_check(node("w1"), cluster=FakeCluster()).users([]) == {}
    assert probes.asked == []


def test_nodes_are_probed_side_by_side(monkeypatch):
    together = threading.Barrier(2, timeout=10)

    def probe(_runner, _name, directories, _own_mounts):
        together.wait()
        return dict.fromkeys(directories, ())

    monkeypatch.setattr(node_processes, "probe", probe)
    assert usage_check(node("w1"), node("w2")).users([A, B]) == {"a": [], "b": []}


def test_a_process_is_named_with_its_pod(probes):
    of_pod = VolumeUser("has open /opt/a/x", "w1", "uid-p", "postgres", 7)
    probes.found = {"w1": {"a": [of_pod, SHELL]}}
    cluster = FakeCluster(pod("p", "c", nodeName="w1"))
    assert usage_check(node("w1"), node("w2"), cluster=cluster).users([A, B]) == {
        "a": [
            VolumeUser("pod ns/p uses it", "w1", "ns/p"),
            VolumeUser("has open /opt/a/x", "w1", "ns/p", "postgres", 7),
            SHELL,
        ],
        "b": [],
    }


def test_volume_attachments(probes):
    spec = {"nodeName": "w1", "source": {"persistentVolumeName": "r"}}
    cluster = FakeCluster({"kind": "VolumeAttachment", "metadata": {"name": "csi"}, "spec": spec})
    (user,) = usage_check(node("w1"), cluster=cluster).users([REMOTE])["r"]
    assert user.text() == "it is attached to w1 (VolumeAttachment)"
    assert probes.asked == []


def test_without_an_api_server_the_nodes_are_probed(probes):
    probes.found = {"w1": {"a": [SHELL]}}
    assert usage_check(node("w1")).users([A]) == {"a": [SHELL]}


@pytest.mark.parametrize("state", ["paused", "restarting"])
def test_a_node_that_cannot_be_probed_uses_its_volumes(probes, state):
    found = usage_check(node("w1", state), node("w2")).users([A, B])
    (user,) = found["a"]
    assert user.text() == f"node w1 is {state}: its processes cannot be read"
    assert (user.node, user.pod, user.process, user.pid) == ("w1", "", "", 0)
    assert found["b"] == []
    assert probes.names == ["w2"]


@pytest.mark.parametrize("state", ["exited", "dead", "created"])
def test_a_stopped_node_uses_nothing(probes, state):
    assert usage_check(node("w1", state), node("w2")).users([A, B]) == {"a": [], "b": []}
    assert probes.names == ["w2"]


def test_pods_of_a_stopped_node_still_count(probes):
    found = usage_check(node("w1", "exited"), cluster=FakeCluster(pod("p", "c", nodeName="w1"))).users([A])
    assert [one.why for one in found["a"]] == ["pod ns/p uses it"]
    assert probes.asked == []


@pytest.mark.usefixtures("probes")
def test_pods_of_a_node_without_a_container_use_nothing():
    """The API server shows them for ever: no kubelet can say that they have ended."""
    here = pod("q", "c", nodeName="w1")
    found = usage_check(node("w1"), cluster=FakeCluster(pod("p", "c", nodeName="w2"), here)).users([A])
    assert [one.pod for one in found["a"]] == ["ns/q"]
    waiting = pod("p", "c", nodeName=None)
    assert usage_check(node("w1"), cluster=FakeCluster(waiting)).users([A])["a"]


def test_a_probe_that_fails_is_an_error(probes):
    probes.found = {"w2": CommandFailed("w2 says nothing")}
    with pytest.raises(CommandFailed, match="w2 says nothing"):
        usage_check(node("w1"), node("w2")).users([A, B])


class Clock:
    """A clock that only pauses move on; at `until` the process in w1 ends."""

    def __init__(self, probes, until):
        self.now = 0.0
        self.until = until
        self.probes = probes
        probes.found = {"w1": {"a": [SHELL]}}

    def __call__(self):
        return self.now

    def pause(self, seconds):
        assert seconds == PAUSE
        self.now += seconds
        if self.now >= self.until:
            self.probes.found.clear()


@pytest.mark.parametrize(
    ("until", "end", "turns", "free"),
    [
        (PAUSE / 2, 60, 2, True),
        (9.5 * PAUSE, 60, 11, True),
        (60, 4.5 * PAUSE, 6, False),
        (60, 0, 1, False),
        (60, -1, 1, False),
    ],
)
def test_it_checks_until_all_are_free_or_the_deadline_is_over(probes, until, end, turns, free):
    clock = Clock(probes, until)
    found = usage_check(node("w1")).await_free([A], Deadline(end, clock), sleep=clock.pause)
    assert found == {"a": [] if free else [SHELL]}
    assert probes.names == ["w1"] * turns


@pytest.mark.parametrize("end", [60, -1])
def test_what_is_free_is_checked_once(probes, end):
    clock = Clock(probes, 0)
    probes.found.clear()
    assert usage_check(node("w1")).await_free([A], Deadline(end, clock), sleep=clock.pause) == {"a": []}
    assert (clock.now, probes.names) == (0, ["w1"])


def test_pods_of_other_clusters_that_have_not_started_are_users(probes, monkeypatch):
    own = [node("w2", "running", *MOUNTS)]
    other = Node("o-worker", "o", "worker", mounts=(Mount("/elsewhere", "/srv"),))
    waiting = VolumeUser("pod ns/p of cluster o, which is Pending, would use /srv/lab/b")
    asked = []

    def pods_in_others(_engine, sharing, places):
        asked.append((sharing, places))
        return {"b": [waiting]}

    monkeypatch.setattr(usage_check_file, "pods_in_others", pods_in_others)
    check = UsageCheck(None, Engine("docker", ScriptedRunner()), own, [other])
    assert check.users([A, B, REMOTE]) == {"a": [], "b": [waiting], "r": []}
    assert asked == [([other], (("b", "/srv/lab/b"),))]
    assert usage_check(*own).users([B]) == {"b": []} and len(asked) == 1
    assert probes.names
