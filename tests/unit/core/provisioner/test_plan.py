"""A provisioner's plan: its steps, their order, and that the plan after the plan is empty."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_default_class
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import PROVISIONERS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import (
    LABEL,
    applied,
    classes_of,
    installed,
    serving,
)
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import (
    BETA,
    DRIVER,
    GA,
    IMAGE,
    PLACE,
    SPACE,
    class_of,
    config_map,
    deployment,
    namespace,
    node,
    objects,
    planned,
    request,
    state,
)

MARK = {LABEL: "local_path"}
OTHER = ("Deployment", "elsewhere", "local-path-provisioner")


def verbs(steps):
    return [(step.verb, *step.ref) for step in steps]


def settled(*more, **options):
    """A cluster that is as it is asked for, and then has more."""
    asked = request(**options)
    before = state()
    return {**applied(before, planned(asked, before)), **by_ref(more)}


def test_from_kinds_own():
    assert verbs(planned(request(), state())) == [
        ("create", "ServiceAccount", SPACE, "local-path-provisioner-service-account"),
        ("create", "Role", SPACE, "local-path-provisioner-role"),
        ("create", "ClusterRole", "", "local-path-provisioner-role"),
        ("create", "RoleBinding", SPACE, "local-path-provisioner-bind"),
        ("create", "ClusterRoleBinding", "", "local-path-provisioner-bind"),
        ("patch", "ConfigMap", SPACE, "local-path-config"),
        ("patch", *PLACE),
        ("wait", *PLACE),
    ]


def test_from_nothing():
    bare = by_ref([node("lab-control-plane", IMAGE), namespace("default")])
    steps = planned(request(), bare)
    assert [step.verb for step in steps] == ["create"] * 8 + ["wait", "create"]
    assert steps[0].ref == ("Namespace", "", SPACE)
    assert steps[0].body["metadata"]["labels"] == MARK


def test_nothing_is_left_of_kinds_own_deployment():
    """Lists are replaced as a whole: no argument, volume or update strategy of the old one stays."""
    before = state()
    spec = applied(before, planned(request(), before))[PLACE]["spec"]
    assert spec["strategy"] == {"type": "Recreate"}
    assert "args" not in spec["template"]["spec"]["containers"][0]
    assert [volume["name"] for volume in spec["template"]["spec"]["volumes"]] == ["config-volume"]
    assert spec["template"]["spec"]["containers"][0]["image"] == IMAGE


@pytest.mark.parametrize(
    "options, touched",
    [
        ({}, []),
        ({"image": "other:1"}, [("patch", *PLACE), ("wait", *PLACE)]),
        ({"worker_threads": 8}, [("patch", *PLACE), ("wait", *PLACE)]),
        (
            {"node_path": "/srv"},
            [("patch", "ConfigMap", SPACE, "local-path-config"), ("patch", *PLACE), ("wait", *PLACE)],
        ),
        (
            {"reclaim_policy": "Retain"},
            [("delete", "StorageClass", "", "standard"), ("create", "StorageClass", "", "standard")],
        ),
        ({"default_class": False}, [("patch", "StorageClass", "", "standard")]),
        (
            {"storage_class": "other"},
            [("patch", "StorageClass", "", "standard"), ("create", "StorageClass", "", "other")],
        ),
        ({"storage_class": "other", "default_class": False}, [("create", "StorageClass", "", "other")]),
    ],
)
def test_only_what_differs_is_touched(options, touched):
    assert verbs(planned(request(**options), settled())) == touched


def test_one_that_does_not_serve_is_waited_for():
    ready = settled()
    pending = {**ready, PLACE: {**ready[PLACE], "status": {}}}
    assert verbs(planned(request(), pending)) == [("wait", *PLACE)]


def test_a_racing_deployment_goes_first_with_its_configuration():
    race = settled(namespace("elsewhere"), deployment("elsewhere"), config_map("elsewhere"))
    assert verbs(planned(request(), race)) == [
        ("delete", *OTHER),
        ("delete", "ConfigMap", "elsewhere", "local-path-config"),
    ]


def test_another_namespace_takes_everything_along():
    steps = planned(request(namespace="elsewhere"), settled())
    gone = [step.ref for step in steps if step.verb == "delete"]
    assert steps[0].ref == PLACE
    assert {kind for kind, _namespace, _name in gone} == {
        *("Deployment", "ConfigMap", "ServiceAccount", "Role", "RoleBinding")
    }
    assert {space for _kind, space, _name in gone} == {SPACE}


def test_a_deployment_with_another_selector_is_made_anew():
    live = deployment()
    live["spec"]["selector"] = {"matchLabels": {"app.kubernetes.io/name": "local-path-provisioner"}}
    steps = verbs(planned(request(), state(live)))
    assert [step for step in steps if step[1:] == PLACE] == [
        ("delete", *PLACE),
        ("create", *PLACE),
        ("wait", *PLACE),
    ]


@pytest.mark.parametrize("annotations", [(GA,), (BETA,), (GA, BETA)])
def test_a_class_of_this_driver_is_demoted_whatever_made_it_the_default(annotations):
    before = settled(class_of("old", DRIVER, *annotations))
    after = applied(before, planned(request(), before))
    assert [ref[2] for ref, item in after.items() if ref[0] == "StorageClass" and is_default_class(item)] == [
        "standard"
    ]
    assert after["StorageClass", "", "old"]["metadata"]["annotations"] == dict.fromkeys(annotations, "false")


def test_classes_change_only_when_something_serves_them():
    steps = verbs(planned(request(storage_class="new"), state()))
    served = steps.index(("wait", *PLACE))
    assert [step for step in steps[:served] if step[1] == "StorageClass"] == []
    assert steps[served + 1 :] == [
        ("patch", "StorageClass", "", "standard"),
        ("create", "StorageClass", "", "new"),
    ]


def test_an_unknown_node_is_refused():
    with pytest.raises(BadInput, match="lab-worker9"):
        planned(request(paths=[{"node": "lab-worker9", "paths": ["/a"]}]), state())


CLASSES = st.lists(
    st.builds(
        lambda name, driver, marks, policy: class_of(name, driver, *marks, reclaimPolicy=policy),
        st.sampled_from(["standard", "kept", "old"]),
        st.sampled_from([DRIVER, "example.com/other"]),
        st.lists(st.sampled_from([GA, BETA]), unique=True),
        st.sampled_from(["Delete", "Retain"]),
    ),
    max_size=3,
)
DEPLOYMENTS = st.lists(
    st.builds(
        deployment,
        st.sampled_from([SPACE, "elsewhere"]),
        st.sampled_from(["local-path-provisioner", "mine"]),
        image=st.sampled_from([IMAGE, "mirror/x:1"]),
    ),
    max_size=3,
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(sorted(PROVISIONERS)),
        "namespace": st.sampled_from(["elsewhere", "new"]),
        "storage_class": st.sampled_from(["kept", "new"]),
        "default_class": st.booleans(),
        "reclaim_policy": st.just("Retain"),
        "node_path": st.just("/srv"),
        "image": st.just("other:1"),
        "worker_threads": st.just(8),
        "replace_default": st.booleans(),
    },
).map(lambda found: request(**found))
STATES = st.builds(
    lambda classes, deployments: state(namespace("elsewhere"), *deployments, *classes), CLASSES, DEPLOYMENTS
)


@given(STATES, REQUESTS, REQUESTS)
def test_the_plan_after_the_plan_is_empty(cluster, first, second):
    """Whatever was there, and whatever was asked for before."""
    original = copy.deepcopy(cluster)
    after = cluster
    for asked in (first, second):
        try:
            after = applied(after, planned(asked, after))
        except Declined:
            return
        assert planned(asked, after) == ()
        check(asked, after)
    assert cluster == original


def check(asked, after):
    """One provisioner of the driver, all that run have a class, it is as asked for, and one is the default."""
    provisioner = PROVISIONERS[asked.name]
    place = ("Deployment", asked.namespace, provisioner.deployment)
    assert serving(provisioner, after) == [place]
    assert installed(after)[place] == asked.name
    assert all(classes_of(after, PROVISIONERS[name].driver) for name in installed(after).values())
    made = after["StorageClass", "", asked.storage_class]
    assert (made["provisioner"], made["reclaimPolicy"]) == (provisioner.driver, asked.reclaim_policy)
    assert is_default_class(made) is asked.default_class
    if asked.default_class:
        assert [ref for ref, item in after.items() if ref[0] == "StorageClass" and is_default_class(item)] == [
            ("StorageClass", "", asked.storage_class)
        ]


@given(STATES, REQUESTS)
def test_absent_removes_all_of_the_driver_and_nothing_else(cluster, asked):
    try:
        present = applied(cluster, planned(asked, cluster))
    except Declined:
        return
    after = present
    for name in PROVISIONERS:
        after = applied(after, planned(request(name=name, state="absent"), after))
        assert planned(request(name=name, state="absent"), after) == ()
        assert serving(PROVISIONERS[name], after) == []
    assert not [ref for ref, item in after.items() if LABEL in item["metadata"].get("labels", {})]
    foreign = {ref for ref, item in present.items() if item.get("provisioner") == "example.com/other"}
    assert foreign <= set(after)
    assert {ref for ref in cluster if ref[0] in ("Node", "Namespace")} <= set(after)


def test_absent_begins_with_the_classes():
    steps = verbs(planned(request(state="absent"), settled()))
    assert steps[:2] == [("delete", "StorageClass", "", "standard"), ("delete", *PLACE)]
    assert {verb for verb, *_ref in steps} == {"delete"}
    assert len(steps) == 8


MADE = namespace("made", labels=MARK)
OWN_POD = {
    "kind": "Pod",
    "metadata": {
        "name": "p",
        "namespace": "made",
        "labels": {"app": "local-path-provisioner", "pod-template-hash": "x"},
    },
}
EVERYWHERE = [
    {"kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt", "namespace": "made"}},
    {"kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "made"}},
]


@pytest.mark.parametrize(
    "more, removed",
    [
        ([MADE, *EVERYWHERE], True),
        ([MADE, OWN_POD, *EVERYWHERE], True),
        ([namespace("made"), *EVERYWHERE], False),
        ([MADE, {"kind": "Pod", "metadata": {"name": "p", "namespace": "made", "labels": {"app": "db"}}}], False),
        ([MADE, {"kind": "ConfigMap", "metadata": {"name": "mine", "namespace": "made"}}], False),
        (
            [
                MADE,
                {
                    "kind": "PersistentVolumeClaim",
                    "metadata": {"name": "c", "namespace": "made"},
                    "spec": {"volumeName": "v"},
                },
            ],
            False,
        ),
    ],
)
def test_a_namespace_goes_if_it_was_made_here_and_is_empty(more, removed):
    cluster = settled(*more, namespace="made")
    steps = verbs(planned(request(namespace="made", state="absent"), cluster))
    assert (("delete", "Namespace", "", "made") in steps) is removed
    assert ("delete", "Namespace", "", SPACE) not in steps


def test_pods_of_others_keep_a_namespace_whose_deployment_selects_by_expressions():
    made, mine = deployment("made"), {"key": "app", "operator": "In", "values": ["local-path-provisioner"]}
    made["spec"]["selector"] = {"matchExpressions": [mine]}
    other = {"kind": "Pod", "metadata": {"name": "p", "namespace": "made", "labels": {"app": "db"}}}
    for pod, removed in (
        (OWN_POD, True),
        (other, False),
        ({**other, "metadata": {"name": "p", "namespace": "made"}}, False),
    ):
        steps = verbs(planned(request(namespace="made", state="absent"), state(MADE, made, pod)))
        assert (("delete", "Namespace", "", "made") in steps) is removed


def test_absent_where_nothing_is():
    bare = by_ref(item for item in objects() if item["kind"] in ("Node", "Namespace"))
    assert planned(request(state="absent"), bare) == ()
