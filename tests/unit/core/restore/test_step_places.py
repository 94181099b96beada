"""Where restored data belongs: on the host, inside the one node whose pods use it, or nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.step import plan_volume
from ansible_collections.kindlab.volumes.tests.unit.support.backups import saved_volume, volume
from ansible_collections.kindlab.volumes.tests.unit.support.restores import observed, selected

ARCHIVE = SavedArchive("archives/v0.tar.gz", "0" * 64, 7, "gzip")
BARE = Node("k-worker", "k", "worker")
MOUNTED = replace(BARE, mounts=(Mount("/data", "/srv"),))
CONTROL = Node("k-control-plane", "k", "control-plane", takes_pods=False)
OTHER = Node("k-worker2", "k", "worker")


def planned(*nodes, archive=ARCHIVE, anywhere=False, **spec):
    pv = volume(0)
    pv["spec"] |= spec
    if anywhere:
        del pv["spec"]["nodeAffinity"]
    if spec:
        del pv["spec"]["hostPath"]
    wanted = selected(pv, None, saved_volume(0, archive=archive, host_directory=""))
    return plan_volume(wanted, Request("k"), observed(nodes=nodes))


def place(*nodes, **more):
    step = planned(*nodes, **more)
    return step.node, step.host_directory


@pytest.mark.parametrize("archive", [None, ARCHIVE])
@pytest.mark.parametrize("anywhere", [False, True])
def test_on_the_host_if_it_is_mounted(archive, anywhere):
    assert place(CONTROL, MOUNTED, archive=archive, anywhere=anywhere) == ("", "/srv/v0")


@pytest.mark.parametrize("anywhere", [False, True])
def test_inside_the_one_node_whose_pods_use_it(anywhere):
    assert place(CONTROL, BARE, anywhere=anywhere) == ("k-worker", "")


def test_a_volume_without_a_directory_needs_no_place():
    assert place(CONTROL, BARE, nfs={"path": "/x"}) == ("", "")


@pytest.mark.parametrize(
    ("nodes", "more", "why"),
    [
        (
            (BARE,),
            {"archive": None},
            "/data/v0 is not mounted from the host in this cluster, and the backup has no arc",
        ),
        ((BARE, OTHER), {"anywhere": True}, "its pods may run on several nodes: k-worker, k-worker2"),
        ((replace(BARE, state="paused"),), {}, "/data/v0 is inside its node k-worker, which is paused"),
    ],
)
def test_no_place(nodes, more, why):
    refusal = planned(*nodes, **more)
    assert why in refusal.why
    assert refusal.next_step


def test_a_host_directory_that_the_node_does_not_have():
    """Equal data on the host says nothing about what pods see."""
    mount = Mount("/data", "/srv", mismatch="/srv was replaced", remedy="docker restart k-worker")
    refusal = planned(replace(BARE, mounts=(mount,)))
    assert (refusal.why, refusal.next_step) == ("/srv was replaced", "docker restart k-worker")


@pytest.mark.parametrize("control_plane", [CONTROL, replace(CONTROL, takes_pods=True)])
def test_only_nodes_that_run_pods_need_the_directory(control_plane):
    result = planned(control_plane, MOUNTED, anywhere=True)
    if control_plane.takes_pods:
        assert result.why == (
            "/data/v0 is mounted from the host in k-worker, but not in k-control-plane, where its pods may run, too"
        )
        assert result.next_step
    else:
        assert (result.node, result.host_directory) == ("", "/srv/v0")


def test_a_node_without_a_container():
    """Kubernetes still has its Node."""
    cluster = replace(observed(), node_names=frozenset({"k-worker"}))
    refusal = plan_volume(selected(volume(0), None, saved_volume(0)), Request("k"), cluster)
    assert refusal.why == "its node k-worker has no container"


def needing(*requirements):
    pv = volume(0)
    pv["spec"]["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": list(requirements)}]}}
    return plan_volume(
        selected(pv, None, saved_volume(0)), Request("k"), observed(nodes=(replace(MOUNTED, labels={"disk": "hdd"}),))
    )


@pytest.mark.parametrize(
    ("requirements", "text", "command"),
    [
        ([("disk", "In", ["ssd"])], "disk=ssd", "kubectl label node k-worker disk=ssd"),
        ([("fast", "Exists", None)], "fast Exists", "kubectl label node k-worker fast="),
        (
            [("disk", "In", ["a", "b"]), ("fast", "Exists", None)],
            "disk In (a, b) and fast Exists",
            "kubectl label node k-worker disk=a fast=",
        ),
        ([], "a node that cannot exist", "kubectl get nodes --show-labels"),
        ([("disk", "NotIn", ["hdd"])], "disk NotIn (hdd)", "kubectl get nodes --show-labels"),
    ],
)
def test_labels_that_no_node_has(requirements, text, command):
    named = [{"key": k, "operator": o, **({"values": v} if v else {})} for k, o, v in requirements]
    refusal = needing(*named)
    assert refusal.why == f"no node of this cluster fits its node affinity, which requires {text}"
    assert refusal.next_step.endswith(command)


def test_labels_that_a_node_has():
    assert needing({"key": "disk", "operator": "In", "values": ["hdd"]}).host_directory == "/srv/v0"


@pytest.mark.parametrize("name", [("kubernetes.io/hostname", "matchExpressions"), ("metadata.name", "matchFields")])
def test_a_name_and_a_label_must_both_hold(name):
    """The node of that name lost its label: pods with the volume would stay Pending."""
    key, where = name
    ssd = {"key": "disk", "operator": "In", "values": ["ssd"]}
    pv, named = volume(0), {"key": key, "operator": "In", "values": ["k-worker"]}
    term = {where: [named]}
    term["matchExpressions"] = [*term.get("matchExpressions", []), ssd]
    pv["spec"]["nodeAffinity"] = {"required": {"nodeSelectorTerms": [term]}}

    def plan_with(labels):
        nodes = (replace(MOUNTED, labels=labels), replace(OTHER, labels={"disk": "ssd"}))
        return plan_volume(selected(pv, None, saved_volume(0)), Request("k"), observed(nodes=nodes))

    assert plan_with({"disk": "ssd"}).host_directory == "/srv/v0"
    assert plan_with(None).host_directory == "/srv/v0"
    refusal = plan_with({"disk": "hdd"})
    assert "which requires" in refusal.why and "disk=ssd" in refusal.why
    assert refusal.next_step.endswith("kubectl label node k-worker disk=ssd")
