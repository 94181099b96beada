"""What a backup saves: selection, where data lies, what is declined, and what is stored of objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import (
    Observed,
    original_policy,
    plan,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    ORIGINAL_POLICY,
    PROVISIONED_BY,
    RETAINED_UNTIL,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import key
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import stateful, volumes, workload

SHARED = (Mount("/var", "/x/1", "volume"), Mount("/var/lp", "/srv/lab"))
NODES = (
    Node("lab-control-plane", "lab", "control-plane", mounts=SHARED),
    Node("lab-worker", "lab", "worker", mounts=SHARED),
)
REQUEST = Request("lab", "/srv/backup")


def select(**selection: list[str]) -> Request:
    return replace(REQUEST, selection=Selection(**{name: frozenset(values) for name, values in selection.items()}))


def volume(
    name: str, claim: str = "", *, policy: str = "Delete", node: str = "lab-worker", **spec: Any
) -> dict[str, Any]:
    namespace, _slash, own = claim.partition("/")
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "uid": "u", "annotations": spec.pop("annotations", {})},
        "spec": {
            "persistentVolumeReclaimPolicy": policy,
            "storageClassName": "standard",
            "hostPath": {"path": f"/var/lp/{name}"},
            **({"claimRef": {"namespace": namespace, "name": own, "uid": "c"}} if claim else {}),
            **({"nodeAffinity": affinity(node)} if node else {}),
            **spec,
        },
        "status": {"phase": "Bound" if claim else "Available"},
    }


def affinity(node: str) -> dict[str, Any]:
    requirement = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [requirement]}]}}


def claim(name: str, volume_name: str, phase: str = "Bound", **metadata: Any) -> dict[str, Any]:
    namespace, _slash, own = name.partition("/")
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": namespace, "name": own, **metadata},
        "spec": {"volumeName": volume_name, "storageClassName": "standard"},
        "status": {"phase": phase},
    }


def pod(name: str, claim_name: str, phase: str = "Running") -> dict[str, Any]:
    volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": claim_name}}]
    return {
        "kind": "Pod",
        "metadata": {"namespace": "default", "name": name},
        "spec": {"volumes": volumes},
        "status": {"phase": phase},
    }


def named(kind: str, *names: str) -> list[dict[str, Any]]:
    return [{"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "uid": "u"}} for name in names]


OBSERVED = Observed(
    nodes=NODES,
    volumes=[volume("b", "shop/b", policy="Retain"), volume("a", "default/a"), volume("free", policy="Recycle")],
    claims=[claim("shop/b", "b"), claim("default/a", "a"), claim("other/pending", "", "Pending")],
    storage_classes=named("StorageClass", "standard", "unused"),
    namespaces=named("Namespace", "default", "shop", "other", "kube-system"),
    pods=[pod("writer", "a"), pod("done", "a", "Succeeded"), pod("elsewhere", "b")],
    kubernetes_version="v1.34.4",
)


def test_everything_without_a_selection() -> None:
    found = plan(REQUEST, OBSERVED)
    assert [v.name for v in found.volumes] == ["a", "b", "free"]
    assert found.host_directories == {"a": "/srv/lab/a", "b": "/srv/lab/b", "free": "/srv/lab/free"}
    assert found.in_use_by == {"a": ["default/writer"], "b": [], "free": []}
    assert found.waiting == {"other/pending": "Pending"}
    assert {kind: [o["metadata"]["name"] for o in items] for kind, items in found.manifests.items()} == {
        "Namespace": ["default", "other", "shop"],
        "StorageClass": ["standard"],
        "PersistentVolume": ["a", "b", "free"],
        "PersistentVolumeClaim": ["a", "pending", "b"],
        "Workload": [],
        "Cluster": [],
    }


@pytest.mark.parametrize(
    "request_, expected",
    [
        (
            REQUEST,
            ["default/CronJob/late", "default/Deployment/web", "other/Deployment/pending", "shop/StatefulSet/db"],
        ),
        (select(names=["other/pending"]), ["other/Deployment/pending"]),
        (select(namespaces=["shop"]), ["shop/StatefulSet/db"]),
        (select(names=["default/a"]), ["default/CronJob/late", "default/Deployment/web"]),
        (select(names=["free"]), []),
    ],
)
def test_what_makes_pods_with_the_volumes(request_: Request, expected: list[str]) -> None:
    shop, here = {"namespace": "shop"}, {"namespace": "default"}
    made = stateful("db", metadata=shop)
    made["spec"]["template"]["spec"]["volumes"] = volumes("b")
    makers = [
        made,
        workload("Deployment", "web", "a", metadata=here),
        workload("CronJob", "late", "a", metadata=here),
        workload("Deployment", "elsewhere", "a", metadata=shop),
        # Its claim has no volume yet, as it never ran.
        workload("Deployment", "pending", "pending", metadata={"namespace": "other"}, replicas=0),
    ]
    found = plan(request_, replace(OBSERVED, workloads=makers))
    assert [key(item) for item in found.manifests["Workload"]] == expected


def test_only_other_policies_are_patched_and_stored_as_they_will_be() -> None:
    found = plan(REQUEST, OBSERVED)
    assert {name: patch["metadata"]["annotations"] for name, patch in found.retain.items()} == {
        "a": {"kindlab.volumes/original-reclaim-policy": "Delete"},
        "free": {"kindlab.volumes/original-reclaim-policy": "Recycle"},
    }
    stored = found.manifests["PersistentVolume"]
    assert {o["spec"]["persistentVolumeReclaimPolicy"] for o in stored} == {"Retain"}
    assert stored[0]["metadata"]["annotations"] == {"kindlab.volumes/original-reclaim-policy": "Delete"}
    assert "uid" not in stored[0]["metadata"]
    assert OBSERVED.volumes[1]["spec"]["persistentVolumeReclaimPolicy"] == "Delete"


@pytest.mark.parametrize(
    "request_, labelled, expected",
    [
        (select(names=["a"]), None, ["a"]),
        (select(names=["shop/b", "free"]), None, ["b", "free"]),
        (select(namespaces=["shop"]), None, ["b"]),
        (select(storage_classes=["standard"]), None, ["a", "b", "free"]),
        (replace(REQUEST, labels="app=x"), [claim("default/a", "a")], ["a"]),
        (replace(REQUEST, labels="app=x"), [claim("default/a", "a"), claim("other/pending", "")], ["a"]),
        (select(names=["other/pending"]), None, []),
    ],
)
def test_selections(request_: Request, labelled: list[dict[str, Any]] | None, expected: list[str]) -> None:
    found = plan(request_, replace(OBSERVED, labelled=labelled))
    assert [v.name for v in found.volumes] == expected


@pytest.mark.parametrize(
    "request_, said",
    [
        (select(names=["a", "no", "default/no"]), "default/no, no"),
        (select(namespaces=["no"]), "No volume of the cluster lab matches"),
        (select(names=["a"], namespaces=["shop"]), "No volume"),
    ],
)
def test_selections_that_can_not_be(request_: Request, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        plan(request_, OBSERVED)
    assert caught.value.next_step


def test_a_cluster_without_volumes_is_no_error() -> None:
    found = plan(REQUEST, replace(OBSERVED, volumes=[], claims=[]))
    assert (found.volumes, found.retain) == ((), {})


UNMOUNTED = Node("lab-worker2", "lab", "worker", mounts=SHARED[:1])
ELSEWHERE = Node("lab-worker2", "lab", "worker", mounts=(Mount("/var/lp", "/srv/other"),))


@pytest.mark.parametrize(
    "pv, node, why",
    [
        (volume("x", hostPath={"path": "/opt/x"}), None, "/opt/x on lab-worker is not mounted from the host"),
        (volume("x", hostPath={"path": "/var/x"}), None, "/var/x on lab-worker is not mounted"),
        (volume("x", node="gone"), None, "its node gone is not part of this cluster"),
        (volume("x", node="lab-worker2"), UNMOUNTED, "on lab-worker2 is not mounted"),
        (volume("x", node=""), UNMOUNTED, "on lab-worker2 is not mounted"),
        (volume("x", node=""), ELSEWHERE, "different directories: /srv/lab/x, /srv/other/x"),
    ],
)
def test_volumes_without_data_on_the_host_are_declined(pv: dict[str, Any], node: Node | None, why: str) -> None:
    pv["spec"] = {field: value for field, value in pv["spec"].items() if value is not None}
    nodes = (*NODES, node) if node else NODES
    with pytest.raises(Declined, match=why) as caught:
        plan(REQUEST, replace(OBSERVED, nodes=nodes, volumes=[*OBSERVED.volumes, pv]))
    assert [line["name"] for line in caught.value.details] == ["x"]
    assert caught.value.next_step


def test_any_node_will_do_where_all_share_one_directory() -> None:
    found = plan(REQUEST, replace(OBSERVED, volumes=[volume("x", node="")], claims=[]))
    assert found.host_directories == {"x": "/srv/lab/x"}


def test_a_second_backup_still_knows_the_original_policy() -> None:
    first = plan(REQUEST, OBSERVED)
    again = plan(REQUEST, replace(OBSERVED, volumes=first.manifests["PersistentVolume"]))
    assert again.retain == {}
    assert again.manifests["PersistentVolume"] == first.manifests["PersistentVolume"]
    assert {v.name: v.original_policy for v in again.volumes} == {"a": "Delete", "b": "", "free": "Recycle"}


def test_the_engines_own_places_are_not_kept() -> None:
    other = tuple(replace(n, mounts=(Mount("/var", "/x/2", "volume"), n.mounts[1])) for n in NODES)
    one, two = (plan(REQUEST, replace(OBSERVED, nodes=nodes)).cluster for nodes in (NODES, other))
    assert one == two
    nodes = [node.as_node() for node in one.nodes]
    assert [node.host_directory("/var/lp/a") for node in nodes] == ["/srv/lab/a"] * 2
    assert [node.host_directory("/var/other") for node in nodes] == [None] * 2


@pytest.mark.parametrize(
    "request_, expected",
    [
        (REQUEST, {"other/pending": "Pending", "shop/lost": "Lost"}),
        (select(namespaces=["shop"]), {"shop/lost": "Lost"}),
        (select(storage_classes=["standard"]), {"other/pending": "Pending", "shop/lost": "Lost"}),
        (select(storage_classes=["fast"]), {}),
        (select(names=["other/pending", "a"]), {"other/pending": "Pending"}),
        (replace(REQUEST, labels="app=x"), {"shop/lost": "Lost"}),
    ],
)
def test_claims_without_a_volume(request_: Request, expected: dict[str, str]) -> None:
    lost = claim("shop/lost", "gone", "Lost")
    volumes_ = [*OBSERVED.volumes, volume("fast", storageClassName="fast")]
    observed = replace(OBSERVED, claims=[*OBSERVED.claims, lost], volumes=volumes_)
    found = plan(request_, replace(observed, labelled=[lost] if request_.labels else None))
    assert found.waiting == expected
    names = {f"{o['metadata']['namespace']}/{o['metadata']['name']}" for o in found.manifests["PersistentVolumeClaim"]}
    assert names >= set(expected)


OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "1", "controller": True}


def test_ephemeral_volumes_are_left_as_they_are() -> None:
    scratch = [volume("e", "default/p-scratch")]
    claims = [
        claim("default/p-scratch", "e", ownerReferences=[OWNER]),
        claim("default/q-scratch", "", "Pending", ownerReferences=[OWNER]),
    ]
    observed = replace(OBSERVED, volumes=[*OBSERVED.volumes, *scratch], claims=[*OBSERVED.claims, *claims])
    found = plan(REQUEST, observed)
    assert ([v.name for v in found.volumes], found.waiting) == (["a", "b", "free"], {"other/pending": "Pending"})
    assert "e" not in found.retain
    assert found.manifests == plan(REQUEST, OBSERVED).manifests
    for name in ("e", "default/p-scratch"):
        with pytest.raises(Declined, match=r"default/p-scratch \(e\): it is a generic ephemeral volume"):
            plan(select(names=[name]), observed)


def test_an_ephemeral_volume_whose_pod_is_gone_is_left_to_its_provisioner() -> None:
    """With the policy Retain it would stay for ever."""
    web = workload("Deployment", "web", metadata={"namespace": "default"})
    scratch = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}
    web["spec"]["template"]["spec"]["volumes"] = [scratch]
    left = volume("e", "default/web-6bb87c5b9f-9jn5p-scratch", annotations={PROVISIONED_BY: "rancher.io/local-path"})
    left["status"] = {"phase": "Released"}
    observed = replace(OBSERVED, volumes=[*OBSERVED.volumes, left], workloads=[web])
    assert [v.name for v in plan(REQUEST, observed).volumes] == ["a", "b", "free"]


def test_data_elsewhere_is_saved_as_manifests() -> None:
    nfs = volume("n", "default/n", node="", nfs={"server": "files.example", "path": "/n"})
    block = volume("raw", "default/raw", volumeMode="Block", local={"path": "/dev/loop3"})
    for pv in (nfs, block):
        del pv["spec"]["hostPath"]
    host = volume("library", "default/library", hostPath={"path": "/elsewhere"}, policy="Retain")
    host["metadata"]["labels"] = {LABEL: "read-only"}
    found = plan(REQUEST, replace(OBSERVED, volumes=[nfs, block, host]))
    assert found.places == {}
    assert found.elsewhere == {
        "n": "nfs files.example:/n",
        "raw": "local /dev/loop3, a block device",
        "library": "hostPath /elsewhere, data of the host",
    }
    assert set(found.retain) == {"n", "raw"}
    assert [o["metadata"]["name"] for o in found.manifests["PersistentVolume"]] == ["library", "n", "raw"]


def test_a_volume_that_was_never_used_is_saved_without_data() -> None:
    free = volume("x", hostPath={"path": "/nowhere"}, policy="Retain")
    with pytest.raises(Declined, match="/nowhere on lab-worker is not mounted"):
        plan(REQUEST, replace(OBSERVED, volumes=[free]))
    found = plan(REQUEST, replace(OBSERVED, volumes=[free], unused={"x"}))
    assert (found.places, found.elsewhere, [v.name for v in found.volumes]) == ({}, {}, ["x"])


def test_a_policy_for_a_time_is_for_good_now() -> None:
    annotations = {RETAINED_UNTIL: "attached", ORIGINAL_POLICY: "Delete"}
    kept = volume("a", "default/a", policy="Retain", annotations=annotations)
    found = plan(REQUEST, replace(OBSERVED, volumes=[kept]))
    assert found.retain == {"a": {"metadata": {"annotations": {RETAINED_UNTIL: None}}}}
    (stored,) = found.manifests["PersistentVolume"]
    assert stored["metadata"]["annotations"] == {ORIGINAL_POLICY: "Delete"}
    assert original_policy(found.volumes[0]) == "Delete"
    reset = volume("a", "default/a", policy="Delete", annotations=annotations)
    patch = plan(REQUEST, replace(OBSERVED, volumes=[reset])).retain["a"]
    assert patch["metadata"]["annotations"] == {RETAINED_UNTIL: None, ORIGINAL_POLICY: "Delete"}
    assert patch["spec"] == {"persistentVolumeReclaimPolicy": "Retain"}


def test_a_claim_without_a_namespace() -> None:
    """The API server takes it, but no claim matches it: it is saved as it is."""
    pv = volume("a")
    pv["spec"]["claimRef"] = {"name": "a"}
    found = plan(REQUEST, replace(OBSERVED, volumes=[pv]))
    saved = found.manifests["PersistentVolume"][0]["spec"]["claimRef"]
    assert (found.volumes[0].claim, saved["namespace"], saved["name"]) == ("", "", "a")


def test_a_released_volume_is_not_used_by_the_pods_of_another() -> None:
    """Their claim has the name of the one that it belonged to."""
    old = volume("old", "default/a")
    old["status"] = {"phase": "Released"}
    found = plan(REQUEST, replace(OBSERVED, volumes=[*OBSERVED.volumes, old]))
    assert (found.in_use_by["a"], found.in_use_by["old"]) == (["default/writer"], [])
