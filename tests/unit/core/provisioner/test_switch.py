"""One provisioner in place of another: what goes, what stays, and what is refused as it would be left to nobody."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_default_class
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.hostpath import (
    DRIVER as HOSTPATH,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.plan import manifests
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import LABEL, applied, installed
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import (
    DRIVER,
    GA,
    PLACE,
    SPACE,
    class_of,
    planned,
    request,
    state,
)

OTHER = "example.com/other"
OWN = ("Deployment", "hostpath-storage", "hostpath-provisioner")
NAMES = ["local_path", "local_path_shared", "hostpath"]
PATHS = {"local_path": "/var/local-path-provisioner", "local_path_shared": "/srv", "hostpath": "/data"}


def ask(name, **options):
    return request(name=name, **{"node_path": PATHS[name], **options})


def having(name, *items, **options):
    """A cluster with this provisioner, and then items."""
    return {**applied(state(), planned(ask(name, **options), state())), **by_ref(items)}


def volume(name, driver=DRIVER, policy="Delete", node="lab-worker", directory="/var/local-path-provisioner"):
    requirement = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [requirement]}]}}
    return {
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": driver}},
        "spec": {
            "persistentVolumeReclaimPolicy": policy,
            "hostPath": {"path": f"{directory}/{name}"},
            "claimRef": {"namespace": "ns", "name": name},
            **({"nodeAffinity": affinity} if node else {}),
        },
    }


def claim(name, modes=("ReadWriteOnce",), class_name="standard", **spec):
    wanted = {"storageClassName": class_name, "accessModes": list(modes), **spec}
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "ns"}, "spec": wanted}


def defaults(cluster):
    return [ref[2] for ref, item in cluster.items() if ref[0] == "StorageClass" and is_default_class(item)]


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("second", NAMES)
def test_every_way_leads_to_one_provisioner_and_one_default_class(first, second):
    cluster = having(first)
    after = applied(cluster, planned(ask(second), cluster))
    place = OWN if second == "hostpath" else PLACE
    assert installed(after) == {place: second}
    assert defaults(after) == ["standard"]
    assert {item["metadata"]["labels"][LABEL] for item in after.values() if item["metadata"].get("labels")} == {second}
    assert planned(ask(second), after) == ()


def test_in_place_where_both_are_the_same_program():
    cluster = having("local_path")
    steps = planned(ask("local_path_shared"), cluster)
    assert "delete" not in {step.verb for step in steps}
    assert [step.verb for step in steps if step.ref == PLACE] == ["patch", "wait"]


def test_the_old_one_goes_last_with_all_that_is_its_own():
    """kind's own goes too: its objects are known by their names. The namespace is not of this collection."""
    cluster = state()
    steps = planned(request(name="hostpath"), cluster)
    verbs = [(step.verb, step.ref) for step in steps]
    new_class = verbs.index(("create", ("StorageClass", "", "standard")))
    assert verbs.index(("wait", OWN)) < new_class
    assert verbs[new_class + 1 :] == [
        ("delete", PLACE),
        ("delete", ("ConfigMap", SPACE, "local-path-config")),
    ]
    back = planned(request(), applied(cluster, steps))
    assert (back[-1].verb, back[-1].ref) == ("delete", ("Namespace", "", "hostpath-storage"))


def test_one_that_keeps_a_class_stays():
    cluster = having("local_path")
    after = applied(cluster, planned(ask("hostpath", storage_class="shared"), cluster))
    assert installed(after) == {PLACE: "local_path", OWN: "hostpath"}
    assert defaults(after) == ["shared"]
    cluster = having("local_path", class_of("kept"))
    after = applied(cluster, planned(ask("hostpath"), cluster))
    assert installed(after) == {PLACE: "local_path", OWN: "hostpath"}


BOUND = claim("v", volumeName="v")
NEEDED = [
    ("local_path", "hostpath", [volume("v"), BOUND], ("v", "no provisioner would be left to delete it")),
    ("local_path", "hostpath", [volume("v")], ("v", "no provisioner would be left to delete it")),
    ("local_path", "hostpath", [claim("c")], ("ns/c", "it waits for a volume")),
    ("local_path_shared", "hostpath", [volume("v", node="")], ("v", "no provisioner would be left to delete it")),
    ("hostpath", "local_path", [volume("v", HOSTPATH, node="")], ("v", "no provisioner would be left to delete it")),
    ("hostpath", "local_path_shared", [claim("c")], ("ns/c", "it waits for a volume")),
    (
        "local_path_shared",
        "local_path",
        [volume("v", node="")],
        ("v", "its node affinity does not name exactly one node"),
    ),
    (
        "local_path",
        "local_path_shared",
        [volume("v")],
        ("v", "its directory is on lab-worker; its helper pod could run on another node and delete nothing"),
    ),
    ("local_path_shared", "local_path", [claim("c", ["ReadWriteMany"])], ("ns/c", "it requests ReadWriteMany")),
    (
        "local_path_shared",
        "local_path",
        [claim("c", class_name="fast", selector={"matchLabels": {"a": "b"}}), class_of("fast")],
        ("ns/c", "it has a selector"),
    ),
    (
        "local_path_shared",
        "local_path",
        [class_of("fast", volumeBindingMode="Immediate")],
        ("fast", "its binding mode is Immediate"),
    ),
    (
        "hostpath",
        "hostpath",
        [volume("v", HOSTPATH, node="", directory="/data")],
        ("v", "/data/v is not in /elsewhere"),
    ),
]


@pytest.mark.parametrize("first, second, items, why", NEEDED)
def test_refused_where_something_would_be_left_to_nobody(first, second, items, why):
    cluster = having(first, *items)
    options = {"node_path": "/elsewhere"} if first == second else {}
    with pytest.raises(Declined) as caught:
        planned(ask(second, **options), cluster)
    assert [(row["name"], row["why"]) for row in caught.value.details] == [why]
    assert why[1] in caught.value.message and "force=true" in caught.value.next_step
    after = applied(cluster, planned(ask(second, force=True, **options), cluster))
    assert set(installed(after).values()) == {second}
    assert planned(ask(second, **options), after) == ()


FINE = [
    ("local_path", "hostpath", [volume("v", policy="Retain"), BOUND]),
    ("local_path", "hostpath", [volume("v", OTHER), BOUND]),
    ("local_path", "hostpath", [claim("c", class_name="another")]),
    ("hostpath", "local_path", [volume("v", HOSTPATH, "Retain", "")]),
    ("local_path", "local_path_shared", [volume("v", directory="/srv"), BOUND]),
    ("local_path", "local_path_shared", [volume("v", policy="Retain"), BOUND]),
    ("local_path", "local_path_shared", [claim("c")]),
    ("local_path_shared", "local_path", [volume("v", policy="Retain", node=""), claim("c")]),
    ("local_path_shared", "local_path", [claim("c", ["ReadWriteMany"], "another")]),
    ("local_path_shared", "local_path_shared", [volume("v", node="")]),
    ("hostpath", "hostpath", [volume("v", HOSTPATH, "Retain", "", "/data")]),
]


@pytest.mark.parametrize("first, second, items", FINE)
def test_not_refused_where_nothing_is_left(first, second, items):
    options = {"node_path": "/elsewhere"} if first == second else {}
    cluster = having(first, *items)
    after = applied(cluster, planned(ask(second, **options), cluster))
    assert set(installed(after).values()) == {second}


def test_what_was_left_before_does_not_stand_in_the_way():
    """A volume that the configuration of now would not delete either is no reason to refuse another one."""
    cluster = having("local_path_shared", volume("v"))
    assert planned(ask("local_path_shared", worker_threads=8), cluster)
    cluster = having("local_path", volume("v", node=""))
    assert planned(ask("local_path"), cluster) == ()
    assert planned(ask("local_path", node_path="/other"), cluster)


def test_one_that_lost_its_class_earlier_goes_when_nothing_needs_it():
    cluster = having("hostpath")
    stock = {PLACE: state()[PLACE], **cluster}
    assert [step.ref for step in planned(ask("hostpath"), stock)] == [PLACE]
    needed = {**stock, **by_ref([volume("v")])}
    assert planned(ask("hostpath"), needed) == ()
    assert [step.ref for step in planned(ask("hostpath", force=True), needed)] == [PLACE]


@pytest.mark.parametrize("name", NAMES)
def test_a_default_class_of_somebody_else_is_left_alone(name):
    cluster = state(class_of("rival", OTHER, GA))
    with pytest.raises(Declined, match=f"rival: is already the default, with the provisioner {OTHER}"):
        planned(ask(name), cluster)
    after = applied(cluster, planned(ask(name, default_class=False, storage_class="second"), cluster))
    assert "rival" in defaults(after)
    after = applied(cluster, planned(ask(name, replace_default=True), cluster))
    assert defaults(after) == ["standard"]


@pytest.mark.parametrize("name", NAMES)
def test_absent_leaves_the_other_driver_alone(name):
    other = "local_path" if name == "hostpath" else "hostpath"
    cluster = having(other)
    both = applied(cluster, planned(ask(name, storage_class="mine"), cluster))
    assert set(installed(both).values()) == {name, other}
    after = applied(both, planned(ask(name, state="absent"), both))
    assert set(installed(after).values()) == {other}
    assert {ref[2] for ref in after if ref[0] == "StorageClass"} == {"standard"}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_makes_a_cluster_that_is_as_asked_for(name):
    """What kind applies to a cluster without classes is what this module would make: nothing is left to do."""
    asked = ask(name, reclaim_policy="Retain", image="program:1")
    bare = {ref: item for ref, item in state().items() if ref[0] == "Node"}
    made = {**bare, **by_ref(manifests(asked))}
    assert [step.verb for step in planned(asked, made)] == ["wait"]
    assert manifests(asked)[0]["kind"] == "Namespace"
    assert manifests(asked)[-1]["kind"] == "StorageClass"


def test_a_file_for_nodes_that_are_not_there_yet():
    asked = request(paths=[{"paths": ["/a"]}, {"node": "lab-worker9", "paths": ["/b"]}])
    assert len(manifests(asked)) == 9


def test_a_file_has_nothing_of_another_provisioner():
    rendered = ask("hostpath", state="rendered", dest="/f")
    there, wanted = by_ref(manifests(ask("local_path"))), manifests(rendered)
    steps = planned(rendered, there)
    assert {step.ref for step in steps if step.verb == "delete"} == set(there) - set(by_ref(wanted))
    assert [step.ref for step in steps if step.verb == "patch"] == [("StorageClass", "", "standard")]
    assert planned(rendered, by_ref(wanted)) == ()
