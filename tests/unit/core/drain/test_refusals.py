"""Drains that would lose something are refused, with every reason."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.tests.unit.support import provisioners
from ansible_collections.kindlab.volumes.tests.unit.support.drains import (
    ANYWHERE,
    ON_W1,
    WEB,
    master,
    node,
    pod,
    request,
    seen,
    using,
    workload,
)

NOTHING = {"force": False, "delete_emptydir_data": False}
SCRATCH = [{"name": "tmp", "emptyDir": {}}, {"name": "cache", "emptyDir": {}}]


def refusals(*objects, node="w1", **options):
    """'name: why [option]' of each refusal."""
    try:
        plan(request(node, **{**NOTHING, **options}), seen(*objects))
    except Declined as error:
        assert f"node {node}" in error.message
        assert all(row["next_step"] in error.next_step for row in error.details)
        assert all(row["why"] in error.message for row in error.details[:10])
        return [f"{row['name']}: {row['why']} [{row['option']}]" for row in error.details]
    return []


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([WEB, pod("p")], []),
        ([WEB, *ON_W1, pod("p", volumes=using("c"))], []),
        ([pod("p", owner="")], ["ns/p: no controller recreates this pod [force]"]),
        ([pod("p", owner="ReplicaSet gone")], ["ns/p: no controller recreates this pod [force]"]),
        ([pod("p", owner="", phase="Succeeded")], []),
        ([pod("p", owner="", deletionTimestamp="now")], []),
        ([pod("p", "w2", owner="")], []),
        (
            [WEB, pod("p", volumes=SCRATCH)],
            ["ns/p: the data in its volumes tmp, cache would be lost [delete_emptydir_data]"],
        ),
        ([WEB, pod("p", volumes=SCRATCH, phase="Failed")], []),
        (
            [pod("p", owner="", volumes=SCRATCH)],
            [
                "ns/p: no controller recreates this pod [force]",
                "ns/p: the data in its volumes tmp, cache would be lost [delete_emptydir_data]",
            ],
        ),
        ([workload("DaemonSet", "agent"), pod("p", owner="DaemonSet agent", volumes=SCRATCH)], []),
    ],
)
def test_pods_and_data_that_would_be_lost(objects, expected):
    assert refusals(*objects) == expected
    assert refusals(*objects, force=True, delete_emptydir_data=True) == []


def test_each_option_overrides_its_own_refusals():
    objects = [pod("p", owner="", volumes=SCRATCH)]
    assert refusals(*objects, force=True) == [
        "ns/p: the data in its volumes tmp, cache would be lost [delete_emptydir_data]"
    ]
    assert refusals(*objects, delete_emptydir_data=True) == ["ns/p: no controller recreates this pod [force]"]


ALONE = "c: it is the only control plane node that is ready and schedulable [force]"


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([master(), node("w1")], [ALONE]),
        ([master(), master("c2")], []),
        ([master(), master("c2", cordoned=True)], [ALONE]),
        ([master(), master("c2", ready=False)], [ALONE]),
        ([master(cordoned=True), node("w1")], []),
        ([master(cordoned=True), node("w1"), WEB, pod("p", "c")], [ALONE]),
    ],
)
def test_the_only_control_plane(nodes, expected):
    assert refusals(*nodes, node="c") == expected
    assert refusals(*nodes, node="c", force=True) == []


DNS = pod("dns", owner="ReplicaSet dns", namespace="kube-system")
DNS_SET = workload("ReplicaSet", "dns", "Deployment dns", "kube-system")
CORDONED = (master(), node("w1"), node("w2", cordoned=True))


@pytest.mark.parametrize(
    ("objects", "refused"),
    [
        ([DNS_SET, DNS], False),
        ([*CORDONED, DNS_SET, DNS], True),
        ([*CORDONED, DNS_SET, {**DNS, "spec": {**DNS["spec"], "tolerations": ANYWHERE}}], False),
        ([*CORDONED, WEB, pod("p")], False),
        ([*CORDONED, WEB, pod("p", priorityClassName="system-cluster-critical")], True),
        ([*CORDONED, WEB, pod("p", priorityClassName="mine")], False),
    ],
)
def test_system_pods_that_no_other_node_can_run(objects, refused):
    found = refusals(*objects)
    assert bool(found) is refused
    assert all("no other node can run this system pod (c has the taint" in why for why in found)
    assert refusals(*objects, force=True) == []


def test_the_provisioner_that_no_other_node_can_run():
    name, space = "local-path-provisioner", provisioners.SPACE
    makes = workload("ReplicaSet", "lpp", f"Deployment {name}", space)
    objects = [provisioners.deployment(), makes, pod("lpp", owner="ReplicaSet lpp", namespace=space)]
    assert refusals(*objects) == []
    (why,) = refusals(*CORDONED, *objects)
    assert why.startswith(f"{space}/lpp: no other node can run this volume provisioner (c has the taint")
    assert why.endswith("; w2 is not schedulable: its replacement waits until w1 is schedulable) [force]")
    assert refusals(*CORDONED, provisioners.deployment("elsewhere", "other"), *objects[1:]) == []


def test_a_long_list_is_cut_for_people_only():
    with pytest.raises(Declined, match=r"ns/p09: no controller recreates this pod\n- and 2 more$") as caught:
        plan(request(**NOTHING), seen(*(pod(f"p{n:02}", owner="") for n in range(12))))
    assert len(caught.value.details) == 12
    assert caught.value.next_step.count("force=true") == 1
