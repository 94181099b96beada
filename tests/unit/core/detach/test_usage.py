"""What uses volumes, by the API server and by the nodes."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import (
    VolumeUser,
    directories_by_node,
    users_by_api,
    users_without,
    why_unreadable,
    with_pod_names,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import bound, pod

C = read_volumes(*([item] for item in bound("c")))
(VOLUME,) = C


def attachment(name="pv-c", node="w1"):
    source = {"persistentVolumeName": name} if name else {"inlineVolumeSpec": {}}
    spec = {"attacher": "csi.example", "nodeName": node, "source": source}
    return {"kind": "VolumeAttachment", "metadata": {"name": "csi-1"}, "spec": spec}


def with_host_path(*paths, name="p", **how):
    volumes = [{"name": f"v{number}", "hostPath": {"path": path}} for number, path in enumerate(paths)]
    return pod(name, volumes=[*volumes, {"name": "x", "emptyDir": {}}], **how)


def helper(directory, field="containers"):
    """What local-path-provisioner starts to make or remove a directory."""
    container = {"name": "helper-pod", "env": [{"name": "VOL_MODE", "value": "Filesystem"}, {"name": "VOL_SIZE_BYTES"}]}
    container["env"].append({"name": "VOL_DIR", "value": directory})
    return with_host_path("/data", name="helper", **{"containers": [{"name": "other"}], field: [container]})


def users(objects, attachments=(), volumes=C):
    return users_by_api(volumes, objects, attachments)["pv-c"]


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], []),
        ([pod("p", "c")], [VolumeUser("pod ns/p uses it", "k-worker", "ns/p")]),
        ([pod("p", "d", "c"), pod("q", "c")], [VolumeUser(f"pod ns/{n} uses it", "k-worker", f"ns/{n}") for n in "pq"]),
        (
            [pod("p", "c", metadata={"deletionTimestamp": "now"})],
            [VolumeUser("pod ns/p uses it and is terminating", "k-worker", "ns/p")],
        ),
        ([pod("p", "c", phase="Succeeded"), pod("q", "c", phase="Failed")], []),
        ([pod("p", "d"), pod("q", "c", metadata={"namespace": "other"})], []),
        ([with_host_path("/data/c")], [VolumeUser("pod ns/p uses /data/c", "k-worker", "ns/p")]),
        ([with_host_path("/data/c/sub/")], [VolumeUser("pod ns/p uses /data/c/sub/", "k-worker", "ns/p")]),
        ([with_host_path("/data/c", phase="Succeeded")], []),
        # A directory above the volume has many users: who really uses it is seen in the node.
        ([with_host_path("/data"), with_host_path("/"), with_host_path("/data/cc", "/data/d")], []),
        ([helper("/data/c")], [VolumeUser("pod ns/helper uses /data/c", "k-worker", "ns/helper")]),
        ([helper("/data/c", "initContainers")], [VolumeUser("pod ns/helper uses /data/c", "k-worker", "ns/helper")]),
        ([helper("/data/d")], []),
        ([helper("data/c"), helper("")], []),
        ([pod("p", containers=[{"name": "c", "env": [{"name": "DATA", "value": "/data/c"}]}])], []),
        ([pod("p", volumes=None)], []),
    ],
)
def test_pods(objects, expected):
    assert users(objects) == expected


def test_a_pod_without_a_node_is_on_none():
    waiting = pod("p", "c")
    del waiting["spec"]["nodeName"]
    assert users([waiting]) == [VolumeUser("pod ns/p uses it", "", "ns/p")]


def test_a_claim_made_again_has_the_pods_of_its_new_volume_only():
    old = Volume("pv-old", "ns/c", "Released", node_directory="/data/old")
    found = users_by_api([old, VOLUME], [pod("p", "c")], [])
    assert {name: [one.pod for one in reasons] for name, reasons in found.items()} == {"pv-old": [], "pv-c": ["ns/p"]}


def test_volume_attachments():
    found = users_by_api(C, [], [attachment(), attachment(node="w2"), attachment("other"), attachment("")])
    assert found == {
        "pv-c": [VolumeUser(f"it is attached to {node} (VolumeAttachment)", node) for node in ("w1", "w2")],
    }
    assert found["pv-c"][0].text() == "it is attached to w1 (VolumeAttachment)"


def test_every_reason_is_told():
    reasons = users([pod("p", "c"), with_host_path("/data/c", name="q"), helper("/data/c")], [attachment()])
    assert [one.pod for one in reasons] == ["ns/p", "ns/q", "ns/helper", ""]


def test_a_volume_without_claim_or_directory():
    free = [Volume("a"), Volume("b", "ns/c")]
    assert users_by_api(free, [pod("p", "c"), with_host_path("/", "")], [attachment("a")]) == {
        "a": [VolumeUser("it is attached to w1 (VolumeAttachment)", "w1")],
        "b": [],
    }


def test_several_volumes_in_one_directory():
    volumes = [VOLUME, Volume("pv-in", node_directory="/data/c/in")]
    found = users_by_api(volumes, [with_host_path("/data/c/in")], [])
    assert {name: len(reasons) for name, reasons in found.items()} == {"pv-c": 1, "pv-in": 1}


def test_processes_are_named_with_their_pods():
    users = [
        VolumeUser("has open /data/c/x", "w1", "uid-p", "postgres", 7),
        VolumeUser("is in /data/c", "w1", "", "sh", 8),
        VolumeUser("has mounted /data/c", "w1", "uid-gone", "old", 9),
    ]
    found = with_pod_names(users, {"uid-p": "ns/p"})
    assert found == [
        VolumeUser("has open /data/c/x", "w1", "ns/p", "postgres", 7),
        VolumeUser("is in /data/c", "w1", "", "sh", 8),
        VolumeUser("has mounted /data/c", "w1", "uid-gone", "old", 9),
    ]
    assert [one.text() for one in found] == [
        "postgres (pid 7) of pod ns/p on w1 has open /data/c/x",
        "sh (pid 8) on w1 is in /data/c",
        "old (pid 9) of pod uid-gone on w1 has mounted /data/c",
    ]


def test_as_the_module_returns_it():
    assert VolumeUser("pod ns/p uses it", "w1", "ns/p").as_dict() == {
        "why": "pod ns/p uses it",
        "node": "w1",
        "pod": "ns/p",
        "process": "",
        "pid": 0,
        "text": "pod ns/p uses it",
    }


def test_what_is_left_once_pods_are_gone():
    stays = [
        VolumeUser("pod ns/q uses it", "w1", "ns/q"),
        VolumeUser("is in /data/c", "w1", "", "sh", 8),
        VolumeUser("node w1 is paused", "w1"),
    ]
    elsewhere = VolumeUser("it is attached to w2 (VolumeAttachment)", "w2")
    goes = [
        VolumeUser("pod ns/p uses it", "w1", "ns/p"),
        VolumeUser("has open /data/c/x", "w1", "ns/p", "postgres", 7),
        VolumeUser("it is attached to w1 (VolumeAttachment)", "w1"),
    ]
    users = {"a": [*goes, *stays, elsewhere], "b": [goes[2]], "c": []}
    assert users_without({"ns/p"}, users) == {"a": [*stays, elsewhere], "b": [goes[2]], "c": []}
    assert users_without(set(), users) == users


SHARED = (Mount("/data", "/srv/lab"),)
MASTER = Node("c", "k", "control-plane")
BALANCER = Node("lb", "k", "external-load-balancer", mounts=SHARED)


def worker(number, *mounts):
    return Node(f"w{number}", "k", "worker", mounts=mounts)


@pytest.mark.parametrize(
    ("volume", "nodes", "where"),
    [
        (Volume("v", nodes=("w1",), node_directory="/data/v"), [worker(1), worker(2)], ["w1"]),
        (Volume("v", nodes=("w1",), node_directory="/data/v"), [worker(1, *SHARED), worker(2, *SHARED)], ["w1", "w2"]),
        (Volume("v", nodes=("w1",), node_directory="/data/v"), [worker(1, *SHARED), worker(2)], ["w1"]),
        (
            Volume("v", nodes=("w1",), node_directory="/data/v"),
            [worker(1, *SHARED), worker(2, Mount("/data", "/srv/other"))],
            ["w1"],
        ),
        (Volume("v", node_directory="/data/v"), [MASTER, worker(1), BALANCER], ["c", "w1"]),
        (Volume("v", nodes=("w1",), node_directory="/data/v"), [worker(1, *SHARED), BALANCER], ["w1"]),
        (Volume("v", nodes=("gone",), node_directory="/data/v"), [worker(1, *SHARED)], []),
        (Volume("v", nodes=("w1",)), [worker(1, *SHARED)], []),
    ],
)
def test_nodes_with_a_directory(volume, nodes, where):
    found = directories_by_node([volume], nodes)
    assert found == {node.name: ({"v": "/data/v"} if node.name in where else {}) for node in nodes if node != BALANCER}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("running", ""),
        ("exited", ""),
        ("dead", ""),
        ("created", ""),
        ("paused", "node w1 is paused: its processes cannot be read"),
        ("restarting", "node w1 is restarting: its processes cannot be read"),
    ],
)
def test_nodes_that_cannot_be_probed(state, said):
    assert why_unreadable(Node("w1", "k", "worker", state)) == said
