"""What holds volumes, as the API server and the nodes show it, in words."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.holders import (
    Held,
    by_api,
    by_node,
    directories,
    left_without,
    summary,
    unseen,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.node_holders import Holder
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


def held(objects, attachments=(), volumes=C):
    return by_api(volumes, objects, attachments)["pv-c"]


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], []),
        ([pod("p", "c")], [Held("pod ns/p uses it", "k-worker", "ns/p")]),
        ([pod("p", "d", "c"), pod("q", "c")], [Held(f"pod ns/{n} uses it", "k-worker", f"ns/{n}") for n in "pq"]),
        (
            [pod("p", "c", metadata={"deletionTimestamp": "now"})],
            [Held("pod ns/p uses it, and is ending", "k-worker", "ns/p")],
        ),
        ([pod("p", "c", phase="Succeeded"), pod("q", "c", phase="Failed")], []),
        ([pod("p", "d"), pod("q", "c", metadata={"namespace": "other"})], []),
        ([with_host_path("/data/c")], [Held("pod ns/p has /data/c", "k-worker", "ns/p")]),
        ([with_host_path("/data/c/sub/")], [Held("pod ns/p has /data/c/sub/", "k-worker", "ns/p")]),
        ([with_host_path("/data/c", phase="Succeeded")], []),
        # Above of the volume are too many: who really holds it is seen in the node.
        ([with_host_path("/data"), with_host_path("/"), with_host_path("/data/cc", "/data/d")], []),
        ([helper("/data/c")], [Held("pod ns/helper has /data/c", "k-worker", "ns/helper")]),
        ([helper("/data/c", "initContainers")], [Held("pod ns/helper has /data/c", "k-worker", "ns/helper")]),
        ([helper("/data/d")], []),
        ([helper("data/c"), helper("")], []),
        ([pod("p", containers=[{"name": "c", "env": [{"name": "DATA", "value": "/data/c"}]}])], []),
        ([pod("p", volumes=None)], []),
    ],
)
def test_held_by_pods(objects, expected):
    assert held(objects) == expected


def test_a_pod_without_a_node_is_on_none():
    waiting = pod("p", "c")
    del waiting["spec"]["nodeName"]
    assert held([waiting]) == [Held("pod ns/p uses it", "", "ns/p")]


def test_a_claim_made_again_has_the_pods_of_its_new_volume_only():
    old = Volume("pv-old", "ns/c", "Released", node_directory="/data/old")
    found = by_api([old, VOLUME], [pod("p", "c")], [])
    assert {name: [one.pod for one in reasons] for name, reasons in found.items()} == {"pv-old": [], "pv-c": ["ns/p"]}


def test_held_by_attachments():
    found = by_api(C, [], [attachment(), attachment(node="w2"), attachment("other"), attachment("")])
    assert found == {
        "pv-c": [Held(f"it is attached to {node} (VolumeAttachment)", node) for node in ("w1", "w2")],
    }
    assert found["pv-c"][0].text() == "it is attached to w1 (VolumeAttachment)"


def test_every_reason_is_told():
    reasons = held([pod("p", "c"), with_host_path("/data/c", name="q"), helper("/data/c")], [attachment()])
    assert [one.pod for one in reasons] == ["ns/p", "ns/q", "ns/helper", ""]


def test_a_volume_without_claim_or_directory():
    free = [Volume("a"), Volume("b", "ns/c")]
    assert by_api(free, [pod("p", "c"), with_host_path("/", "")], [attachment("a")]) == {
        "a": [Held("it is attached to w1 (VolumeAttachment)", "w1")],
        "b": [],
    }


def test_several_volumes_in_one_directory():
    volumes = [VOLUME, Volume("pv-in", node_directory="/data/c/in")]
    found = by_api(volumes, [with_host_path("/data/c/in")], [])
    assert {name: len(reasons) for name, reasons in found.items()} == {"pv-c": 1, "pv-in": 1}


def test_processes_are_named_with_their_pods():
    holders = [
        Holder("w1", 7, "postgres", "uid-p", "has open /data/c/x"),
        Holder("w1", 8, "sh", "", "is in /data/c"),
        Holder("w1", 9, "old", "uid-gone", "has mounted /data/c"),
    ]
    found = by_node(holders, {"uid-p": "ns/p"})
    assert found == [
        Held("has open /data/c/x", "w1", "ns/p", "postgres", 7),
        Held("is in /data/c", "w1", "", "sh", 8),
        Held("has mounted /data/c", "w1", "uid-gone", "old", 9),
    ]
    assert [one.text() for one in found] == [
        "postgres (pid 7) of pod ns/p on w1 has open /data/c/x",
        "sh (pid 8) on w1 is in /data/c",
        "old (pid 9) of pod uid-gone on w1 has mounted /data/c",
    ]


def test_as_a_module_returns_it():
    assert Held("pod ns/p uses it", "w1", "ns/p").as_dict() == {
        "why": "pod ns/p uses it",
        "node": "w1",
        "pod": "ns/p",
        "process": "",
        "pid": 0,
        "text": "pod ns/p uses it",
    }


def test_what_is_left_when_pods_are_gone():
    stays = [
        Held("pod ns/q uses it", "w1", "ns/q"),
        Held("is in /data/c", "w1", "", "sh", 8),
        Held("w1 is paused", "w1"),
    ]
    elsewhere = Held("it is attached to w2 (VolumeAttachment)", "w2")
    goes = [
        Held("pod ns/p uses it", "w1", "ns/p"),
        Held("has open /data/c/x", "w1", "ns/p", "postgres", 7),
        Held("it is attached to w1 (VolumeAttachment)", "w1"),
    ]
    held = {"a": [*goes, *stays, elsewhere], "b": [goes[2]], "c": []}
    assert left_without({"ns/p"}, held) == {"a": [*stays, elsewhere], "b": [goes[2]], "c": []}
    assert left_without(set(), held) == held


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
def test_where_a_directory_is_looked_for(volume, nodes, where):
    found = directories([volume], nodes)
    assert found == {node.name: ({"v": "/data/v"} if node.name in where else {}) for node in nodes if node != BALANCER}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("running", ""),
        ("exited", ""),
        ("dead", ""),
        ("created", ""),
        ("paused", "w1 is paused: what its processes hold can't be seen"),
        ("restarting", "w1 is restarting: what its processes hold can't be seen"),
    ],
)
def test_nodes_that_can_not_be_looked_into(state, said):
    assert unseen(Node("w1", "k", "worker", state)) == said


def test_a_summary_of_what_is_held():
    def one(number):
        return Held(f"pod ns/{number} uses it")

    first = "pod ns/0 uses it, pod ns/1 uses it, pod ns/2 uses it"
    held = {name: [one(number) for number in range(count)] for name, count in (("a", 1), ("b", 0), ("c", 3), ("d", 4))}
    assert summary(held, {"a": "ns/claim", "c": ""}) == (
        f"a of ns/claim: pod ns/0 uses it; c: {first}; d: {first} and 1 more"
    )
    assert summary({"a": [], "b": []}, {}) == ""


def test_a_summary_of_many_is_cut():
    text = summary({str(number): [Held("why")] for number in range(12)}, {})
    assert text.endswith("9: why; and 2 more")
    assert text.count("why") == 10
    assert summary({str(number): [Held("why")] for number in range(10)}, {}).endswith("9: why")
