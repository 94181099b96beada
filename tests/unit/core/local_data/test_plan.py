"""The step for each namespace: from what is there to what is asked for, or the reason why not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data import manifests
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.location import DirectoryLocation
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.model import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.plan import plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.policy import BINDING, POLICY, policy
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.request import Request
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import merge

LOCATION = DirectoryLocation("/srv/data", "/mnt/data", ("k-worker",))
WANTED = Request("data", ("ns",))
REMOVED = Request("data", ("ns",), state="absent")
GOING = {"metadata": {"deletionTimestamp": "now"}}
NAMESPACE = {"kind": "Namespace", "metadata": {"name": "ns"}}


def pair(request=WANTED, location=LOCATION, namespace="ns", phase="Bound"):
    pvc = merge(manifests.claim_manifest(request, namespace), {"metadata": {"uid": "u"}, "status": {"phase": phase}})
    pv = merge(manifests.volume_manifest(request, location, namespace), {"spec": {"claimRef": {"uid": "u"}}})
    return merge(pv, {"status": {"phase": phase}}), pvc


def foreign(kind):
    return {"kind": kind, "metadata": {"name": "ns.data"}, "spec": {}}


def pod(phase="Running", claim="data"):
    volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": claim}}]
    return {
        "metadata": {"namespace": "ns", "name": "p"},
        "spec": {"volumes": volumes},
        "status": {"phase": phase},
    }


def seen(volumes=(), claims=(), namespaces=(NAMESPACE,), pods=(), policies=((), ())):
    objects = {"PersistentVolume": volumes, "PersistentVolumeClaim": claims, "Namespace": namespaces, "Pod": pods}
    if policies is not None:
        objects |= dict(zip((POLICY, BINDING), policies, strict=True))
    return Observed.from_objects(objects, (), LOCATION)


def refused(request, now):
    with pytest.raises(Declined) as caught:
        plan(request, now)
    return caught.value


PV, PVC = pair()
OTHER_PV, OTHER_PVC = pair(location=DirectoryLocation("/srv/other", "/mnt/other", ("k-worker",)))
WRITTEN_PV, WRITTEN_PVC = pair(Request("data", ("ns",), read_only=False))


NOW = "read-only, /mnt/data in the nodes, "
OTHER = "read-only, /mnt/other in the nodes, "


@pytest.mark.parametrize(
    ("now", "action", "before"),
    [
        (seen(), "create", "absent"),
        (seen(namespaces=()), "create", "absent"),
        (seen([PV], [PVC]), "unchanged", None),
        (seen([PV], [PVC], pods=[pod()]), "unchanged", None),
        (seen([PV], [merge(PVC, {"status": {"phase": "Pending"}})]), "finish", f"{NOW}Pending"),
        (seen([], [PVC]), "finish", "without a volume, Bound"),
        (seen([PV], []), "finish", f"{NOW}no claim"),
        (seen([OTHER_PV], [OTHER_PVC]), "replace", f"{OTHER}Bound"),
        (seen([OTHER_PV], []), "replace", f"{OTHER}no claim"),
        (seen([OTHER_PV], [OTHER_PVC], pods=[pod("Succeeded")]), "replace", f"{OTHER}Bound"),
        (seen([OTHER_PV], [OTHER_PVC], pods=[pod(claim="else")]), "replace", f"{OTHER}Bound"),
        (seen([WRITTEN_PV], [WRITTEN_PVC]), "replace", "read-write, /mnt/data in the nodes, Bound"),
        (seen([merge(PV, GOING)], [PVC]), "replace", f"{NOW}Bound"),
    ],
)
def test_present(now, action, before):
    planned = plan(WANTED, now)
    (step,) = planned.steps
    assert (step.action, planned.diff()[0]["claims"].get("ns/data")) == (action, before)
    assert planned.namespaces == (() if now.namespaces else ("ns",))


@pytest.mark.parametrize(
    ("now", "why", "pods"),
    [
        (seen([WRITTEN_PV], [WRITTEN_PVC], pods=[pod()]), "it is read-write, /mnt/data in the nodes", ["ns/p"]),
        (seen([merge(PV, GOING)], [merge(PVC, GOING)], pods=[pod()]), "it is being deleted", ["ns/p"]),
        (
            seen([foreign("PersistentVolume")]),
            "PersistentVolume ns.data was not created by kindlab.volumes.local_data",
            [],
        ),
        (seen(namespaces=[{**NAMESPACE, "status": {"phase": "Terminating"}}]), "namespace ns is being deleted", []),
    ],
)
def test_present_is_refused(now, why, pods):
    (row,) = refused(WANTED, now).details
    assert (row["name"], row["pods"], why in row["why"]) == ("ns/data", pods, True), row["why"]
    assert row["next_step"] and (not pods or "in use by ns/p" in row["why"])


def test_a_claim_of_somebody_else_is_left_alone():
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"namespace": "ns", "name": "data"}, "spec": {}}
    for request in (WANTED, replace(REMOVED, force=True)):
        assert "kubectl -n ns get persistentvolumeclaim data" in refused(request, seen(claims=[claim])).next_step


def test_a_namespace_that_is_missing_is_not_made_unasked():
    (row,) = refused(Request("data", ("ns",), create_namespaces=False), seen(namespaces=())).details
    assert row["why"] == "the namespace ns does not exist" and "create_namespaces" in row["next_step"]


@pytest.mark.parametrize(
    ("now", "force", "actions"),
    [
        (seen(), False, []),
        (seen([PV], [PVC]), False, ["remove"]),
        (seen([PV], []), False, ["remove"]),
        (seen([], [PVC]), False, ["remove"]),
        (seen([PV], [PVC], pods=[pod("Failed")]), False, ["remove"]),
        (seen([PV], [PVC], pods=[pod("Pending")]), False, None),
        (seen([PV], [PVC], pods=[pod()]), True, ["remove"]),
        (seen([merge(PV, GOING)], [merge(PVC, GOING)], pods=[pod()]), True, ["terminating"]),
        (seen([PV], [merge(PVC, GOING)], pods=[pod()]), True, ["remove"]),
    ],
)
@pytest.mark.parametrize("namespaces", [(), ("ns",), ("ns", "else")])
def test_absent(now, force, actions, namespaces):
    request = Request("data", namespaces, state="absent", force=force)
    if actions is None:
        assert [row["pods"] for row in refused(request, now).details] == [["ns/p"]]
    else:
        assert [step.action for step in plan(request, now).steps] == actions


def test_absent_finds_all_namespaces_of_the_name_and_no_other_name():
    pairs = [pair(namespace="a"), pair(namespace="b"), pair(Request("more", ("c",)), namespace="c")]
    other = {"kind": "PersistentVolumeClaim", "metadata": {"namespace": "c", "name": "data"}, "spec": {}}
    now = seen([pairs[0][0], pairs[2][0]], [pairs[0][1], pairs[1][1], other])
    assert [step.claim_name for step in plan(Request("data", state="absent"), now).steps] == ["a/data", "b/data"]


MADE = tuple([item] for item in policy())


def test_the_policy_stays_while_anything_is_read_only():
    more = pair(Request("more", ("ns",)))
    both = seen([PV, more[0]], [PVC, more[1]], policies=MADE)
    one = seen([PV], [PVC], policies=MADE)
    assert plan(Request("data", state="absent"), both).policies == ()
    assert [verb for verb, _item in plan(Request("data", state="absent"), one).policies] == ["delete", "delete"]
    leaving = seen([merge(PV, GOING)], [merge(PVC, GOING)], pods=[pod()], policies=MADE)
    assert len(plan(Request("data", state="absent", force=True), leaving).policies) == 2


def test_the_policy_is_made_where_it_is_needed():
    writing = Request("data", ("else",), read_only=False)
    assert len(plan(WANTED, seen()).policies) == 2
    assert plan(writing, seen()).policies == ()
    # One that was removed by hand is needed for what else is read-only.
    assert len(plan(writing, seen([PV], [PVC])).policies) == 2
    assert plan(WANTED, seen(policies=MADE)).policies == ()
    assert [plan(r, seen()).enforced for r in (WANTED, writing)] == [True, False]


def test_a_kubernetes_that_knows_no_policies_is_asked_for_none():
    now = seen([PV], [PVC], policies=None)
    assert (plan(WANTED, now).policies, plan(WANTED, now).enforced) == ((), False)
    assert plan(REMOVED, now).policies == ()


def test_before_and_after_are_told_in_words():
    weak = merge(MADE[1][0], {"spec": {"validationActions": ["Warn"]}})
    now = seen([OTHER_PV], [OTHER_PVC], namespaces=(), policies=((), [weak]))
    before, after = plan(WANTED, now).diff()
    assert before == {
        "claims": {"ns/data": "read-only, /mnt/other in the nodes, Bound"},
        "namespaces": {"ns": "absent"},
        "policy": {POLICY: "absent", BINDING: "different"},
    }
    assert after == {
        "claims": {"ns/data": "read-only, /mnt/data in the nodes, Bound"},
        "namespaces": {"ns": "present"},
        "policy": {POLICY: "as required", BINDING: "as required"},
    }
    used = plan(replace(REMOVED, force=True), seen([PV], [PVC], pods=[pod()], policies=(MADE[0], ())))
    assert used.diff()[1] == {
        "claims": {"ns/data": "absent once it is not used by ns/p"},
        "policy": {POLICY: "absent"},
    }


def test_every_reason_is_told_with_its_way_out():
    request = Request("data", tuple(f"n{number:02}" for number in range(12)), create_namespaces=False)
    error = refused(request, seen(namespaces=()))
    assert "n09/data" in error.message and "n10/data" not in error.message and "and 2 more" in error.message
    steps = [f"Create it (kubectl create namespace n{n:02}), or set create_namespaces=true." for n in range(12)]
    assert error.next_step.split("\n- ") == ["", *steps]
    assert len(error.details) == 12
