"""Drains that were not clearly asked for are refused, with every reason."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.plan import plan_drain
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain.refusals import refuse
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.tests.unit.support import provisioners
from ansible_collections.kindlab.volumes.tests.unit.support.drains import (
    ANYWHERE,
    HELD,
    WEB,
    master,
    node,
    owner,
    pod,
    seen,
    using,
)

NOTHING = {"force": False, "delete_emptydir_data": False}
SCRATCH = [{"name": "tmp", "emptyDir": {}}, {"name": "cache", "emptyDir": {}}]


def reasons(*objects, name="w1", **asked):
    """'pod: why [option]' of each reason."""
    found = seen(*objects)
    try:
        refuse(found, name, plan_drain(found, name), {**NOTHING, **asked})
    except Declined as error:
        assert error.message.startswith(f"{name} is not drained: ")
        assert all(reason["way_out"] in error.next_step for reason in error.details)
        assert all(reason["why"] in error.message for reason in error.details[:10])
        return [f"{reason['pod']}: {reason['why']} [{reason['option']}]" for reason in error.details]
    return []


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([WEB, pod("p")], []),
        ([WEB, *HELD, pod("p", volumes=using("c"))], []),
        ([pod("p", owner="")], ["ns/p: nothing makes this pod again [force]"]),
        ([pod("p", owner="ReplicaSet gone")], ["ns/p: nothing makes this pod again [force]"]),
        ([pod("p", owner="", phase="Succeeded")], []),
        ([pod("p", owner="", deletionTimestamp="now")], []),
        ([pod("p", "w2", owner="")], []),
        ([WEB, pod("p", volumes=SCRATCH)], ["ns/p: the data in tmp, cache goes with the pod [delete_emptydir_data]"]),
        ([WEB, pod("p", volumes=SCRATCH, phase="Failed")], []),
        (
            [pod("p", owner="", volumes=SCRATCH)],
            [
                "ns/p: nothing makes this pod again [force]",
                "ns/p: the data in tmp, cache goes with the pod [delete_emptydir_data]",
            ],
        ),
        ([owner("DaemonSet", "agent"), pod("p", owner="DaemonSet agent", volumes=SCRATCH)], []),
    ],
)
def test_pods_and_data_that_would_be_lost(objects, expected):
    assert reasons(*objects) == expected
    assert reasons(*objects, force=True, delete_emptydir_data=True) == []


def test_each_option_is_for_its_own_reasons():
    objects = [pod("p", owner="", volumes=SCRATCH)]
    assert reasons(*objects, force=True) == ["ns/p: the data in tmp, cache goes with the pod [delete_emptydir_data]"]
    assert reasons(*objects, delete_emptydir_data=True) == ["ns/p: nothing makes this pod again [force]"]


ALONE = ": it is the only control plane node that is ready and schedulable [force]"


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([master(), node("w1")], [ALONE]),
        ([master(), master("c2")], []),
        ([master(), master("c2", cordoned=True)], [ALONE]),
        ([master(), master("c2", ready=False)], [ALONE]),
        ([master(cordoned=True), node("w1")], [ALONE]),
    ],
)
def test_the_only_control_plane(nodes, expected):
    assert reasons(*nodes, name="c") == expected
    assert reasons(*nodes, name="c", force=True) == []


DNS = pod("dns", owner="ReplicaSet dns", namespace="kube-system")
DNS_SET = owner("ReplicaSet", "dns", "Deployment dns", "kube-system")
CLOSED = (master(), node("w1"), node("w2", cordoned=True))


@pytest.mark.parametrize(
    ("objects", "refused"),
    [
        ([DNS_SET, DNS], False),
        ([*CLOSED, DNS_SET, DNS], True),
        ([*CLOSED, DNS_SET, {**DNS, "spec": {**DNS["spec"], "tolerations": ANYWHERE}}], False),
        ([*CLOSED, WEB, pod("p")], False),
        ([*CLOSED, WEB, pod("p", priorityClassName="system-cluster-critical")], True),
        ([*CLOSED, WEB, pod("p", priorityClassName="mine")], False),
    ],
)
def test_parts_of_kubernetes_that_no_other_node_can_take(objects, refused):
    found = reasons(*objects)
    assert bool(found) is refused
    assert all("no other node can run this part of Kubernetes (c has the taint" in why for why in found)
    assert reasons(*objects, force=True) == []


def test_the_provisioner_that_no_other_node_can_take():
    name, space = "local-path-provisioner", provisioners.SPACE
    makes = owner("ReplicaSet", "lpp", f"Deployment {name}", space)
    objects = [provisioners.deployment(), makes, pod("lpp", owner="ReplicaSet lpp", namespace=space)]
    assert reasons(*objects) == []
    (why,) = reasons(*CLOSED, *objects)
    assert why.startswith(f"{space}/lpp: no other node can run this provisioner of volumes (c has the taint")
    assert why.endswith("; w2 is not schedulable: its replacement waits until w1 is schedulable) [force]")
    assert reasons(*CLOSED, provisioners.deployment("elsewhere", "other"), *objects[1:]) == []


def test_a_long_list_is_cut_for_people_only():
    found = seen(*(pod(f"p{n:02}", owner="") for n in range(12)))
    with pytest.raises(Declined, match=r"ns/p09: nothing makes this pod again; and 2 more\.$") as caught:
        refuse(found, "w1", plan_drain(found, "w1"), NOTHING)
    assert len(caught.value.details) == 12
    assert caught.value.next_step == "Pods that nothing makes again are evicted with force=true."
