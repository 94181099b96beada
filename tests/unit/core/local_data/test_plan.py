"""The step for each namespace: from what is there to what is asked for, or the reason why not."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data import manifests as objects
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.place import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.plan import (
    observed,
    plan_absent,
    plan_present,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.policy import BINDING, POLICY, policy
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.report import before_after, refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.request import Request
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import merge

PLACE = Place("/srv/data", "/mnt/data", ("k-worker",))
WANTED = Request("data", ("ns",))
GOING = {"metadata": {"deletionTimestamp": "now"}}
NAMESPACE = {"kind": "Namespace", "metadata": {"name": "ns"}}


def pair(request=WANTED, place=PLACE, namespace="ns", phase="Bound"):
    pvc = merge(objects.claim(request, namespace), {"metadata": {"uid": "u"}, "status": {"phase": phase}})
    pv = merge(objects.volume(request, place, namespace), {"spec": {"claimRef": {"uid": "u"}}})
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
    return observed(volumes, claims, namespaces, pods, policies)


PV, PVC = pair()
OTHER_PV, OTHER_PVC = pair(place=Place("/srv/other", "/mnt/other", ("k-worker",)))
WRITTEN_PV, WRITTEN_PVC = pair(Request("data", ("ns",), read_only=False))


@pytest.mark.parametrize(
    ("now", "action", "why"),
    [
        (seen(), "create", "is not there"),
        (seen(namespaces=()), "create", "is not there"),
        (seen([PV], [PVC]), "already", "is bound"),
        (seen([PV], [PVC], pods=[pod()]), "already", "is bound"),
        (seen([PV], [merge(PVC, {"status": {"phase": "Pending"}})]), "finish", "is not bound"),
        (seen([], [PVC]), "finish", "is not bound"),
        (seen([PV], []), "finish", "is not bound"),
        (seen([OTHER_PV], [OTHER_PVC]), "replace", "was read-only, /mnt/other in the nodes"),
        (seen([OTHER_PV], []), "replace", "was read-only, /mnt/other in the nodes"),
        (seen([OTHER_PV], [OTHER_PVC], pods=[pod("Succeeded")]), "replace", "was read-only, /mnt/other in the nodes"),
        (seen([OTHER_PV], [OTHER_PVC], pods=[pod(claim="else")]), "replace", "was read-only, /mnt/other in the nodes"),
        (seen([WRITTEN_PV], [WRITTEN_PVC]), "replace", "was read-write, /mnt/data in the nodes"),
        (seen([WRITTEN_PV], [WRITTEN_PVC], pods=[pod()]), "refuse", "in use by ns/p"),
        (seen([merge(PV, GOING)], [merge(PVC, GOING)], pods=[pod()]), "refuse", "is being deleted, and in use by ns/p"),
        (seen([merge(PV, GOING)], [PVC]), "replace", "was read-only, /mnt/data in the nodes"),
        (seen([foreign("PersistentVolume")]), "refuse", "PersistentVolume ns.data that is no local data"),
        (seen(namespaces=[{**NAMESPACE, "status": {"phase": "Terminating"}}]), "refuse", "namespace is being deleted"),
    ],
)
def test_present(now, action, why):
    plan = plan_present(WANTED, PLACE, now)
    (step,) = plan.steps
    assert (step.action, why in step.why) == (action, True), step.why
    assert plan.namespaces == (() if now.namespaces else ("ns",))
    assert (refusal(plan) is not None) is (action == "refuse")


def test_a_claim_of_somebody_else_is_left_alone():
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"namespace": "ns", "name": "data"}, "spec": {}}
    now = seen(claims=[claim])
    for plan in (plan_present(WANTED, PLACE, now), plan_absent(WANTED, now, force=True)):
        (step,) = plan.steps
        assert step.action == "refuse"
        assert "kubectl -n ns get persistentvolumeclaim data" in step.next_step


def test_a_namespace_that_is_missing_is_not_made_unasked():
    (step,) = plan_present(Request("data", ("ns",), namespaces_too=False), PLACE, seen(namespaces=())).steps
    assert (step.action, step.why) == ("refuse", "the namespace is not there")


@pytest.mark.parametrize(
    ("now", "force", "actions"),
    [
        (seen(), False, []),
        (seen([PV], [PVC]), False, ["remove"]),
        (seen([PV], []), False, ["remove"]),
        (seen([], [PVC]), False, ["remove"]),
        (seen([PV], [PVC], pods=[pod("Failed")]), False, ["remove"]),
        (seen([PV], [PVC], pods=[pod("Pending")]), False, ["refuse"]),
        (seen([PV], [PVC], pods=[pod()]), True, ["remove"]),
        (seen([merge(PV, GOING)], [merge(PVC, GOING)], pods=[pod()]), True, ["leaving"]),
        (seen([PV], [merge(PVC, GOING)], pods=[pod()]), True, ["remove"]),
    ],
)
@pytest.mark.parametrize("namespaces", [(), ("ns",), ("ns", "else")])
def test_absent(now, force, actions, namespaces):
    plan = plan_absent(Request("data", namespaces), now, force=force)
    assert [step.action for step in plan.steps] == actions


def test_absent_finds_all_namespaces_of_the_name_and_no_other_name():
    pairs = [pair(namespace="a"), pair(namespace="b"), pair(Request("more", ("c",)), namespace="c")]
    other = {"kind": "PersistentVolumeClaim", "metadata": {"namespace": "c", "name": "data"}, "spec": {}}
    now = seen([pairs[0][0], pairs[2][0]], [pairs[0][1], pairs[1][1], other])
    assert [step.claim_name for step in plan_absent(Request("data"), now, force=False).steps] == ["a/data", "b/data"]


MADE = tuple([item] for item in policy())


def test_the_policy_stays_while_anything_is_read_only():
    more = pair(Request("more", ("ns",)))
    both = seen([PV, more[0]], [PVC, more[1]], policies=MADE)
    one = seen([PV], [PVC], policies=MADE)
    assert plan_absent(Request("data"), both, force=False).policies == ()
    assert [verb for verb, _item in plan_absent(Request("data"), one, force=False).policies] == ["delete", "delete"]
    leaving = seen([merge(PV, GOING)], [merge(PVC, GOING)], pods=[pod()], policies=MADE)
    assert len(plan_absent(Request("data"), leaving, force=True).policies) == 2


def test_the_policy_is_made_where_it_is_needed():
    writing = Request("data", ("else",), read_only=False)
    assert len(plan_present(WANTED, PLACE, seen()).policies) == 2
    assert plan_present(writing, PLACE, seen()).policies == ()
    # One that was removed by hand is needed for what else is read-only.
    assert len(plan_present(writing, PLACE, seen([PV], [PVC])).policies) == 2
    assert plan_present(WANTED, PLACE, seen(policies=MADE)).policies == ()
    assert [plan_present(r, PLACE, seen()).guarded for r in (WANTED, writing)] == [True, False]


def test_a_kubernetes_that_knows_no_policies_is_asked_for_none():
    now = seen([PV], [PVC], policies=None)
    assert (plan_present(WANTED, PLACE, now).policies, plan_present(WANTED, PLACE, now).guarded) == ((), False)
    assert plan_absent(WANTED, now, force=False).policies == ()


def test_before_and_after_are_told_in_words():
    weak = merge(MADE[1][0], {"spec": {"validationActions": ["Warn"]}})
    now = seen([OTHER_PV], [OTHER_PVC], namespaces=(), policies=((), [weak]))
    before, after = before_after(plan_present(WANTED, PLACE, now))
    assert before == {
        "claims": {"ns/data": "read-only, /mnt/other in the nodes, Bound"},
        "namespaces": {"ns": "is not there"},
        "policy": {POLICY: "is not there", BINDING: "is different"},
    }
    assert after == {
        "claims": {"ns/data": "read-only, /mnt/data in the nodes, Bound"},
        "namespaces": {"ns": "is there"},
        "policy": {POLICY: "as it is needed", BINDING: "as it is needed"},
    }
    used = plan_absent(WANTED, seen([PV], [PVC], pods=[pod()], policies=(MADE[0], ())), force=True)
    assert before_after(used)[1] == {
        "claims": {"ns/data": "goes when it is no longer used by ns/p"},
        "policy": {POLICY: "is not there"},
    }


def test_every_reason_is_told_and_each_way_out_once():
    request = Request("data", tuple(f"n{number:02}" for number in range(12)), namespaces_too=False)
    error = refusal(plan_present(request, PLACE, seen(namespaces=())))
    assert error is not None
    assert "n09/data" in error.message and "n10/data" not in error.message and "and 2 more" in error.message
    assert error.next_step == "Create it, or set namespaces_too: true."
    assert len(error.details) == 12
