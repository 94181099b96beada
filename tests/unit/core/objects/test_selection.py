"""Which objects are saved: what people made and changed, and nothing else."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.baseline import Baseline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.cleaning import cleaned
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key, Saved, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.rules import OUTDATED_PODS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.selection import Selection, select
from ansible_collections.kindlab.volumes.tests.unit.support.any_objects import TYPES, names, namespace, owner, thing
from ansible_collections.kindlab.volumes.tests.unit.support.published import published

Object = dict[str, Any]
SPEC = {"template": {"spec": {"containers": [{"name": "c"}]}}}
RUN = {"conditions": [{"type": "Complete", "status": "True"}]}
EMPTY: Baseline = MappingProxyType({})


def save(*items: Object, baseline: Baseline | None = EMPTY, **selection: Any) -> Saved:
    return select(items, TYPES, baseline, Selection(**selection))


def made(*items: Object, **how: Any) -> list[str]:
    return names(save(*items, **how).made)


def left_out(saved: Saved) -> dict[str, str]:
    return {str(row.key): row.why for row in saved.left_out}


# What nobody made.
@pytest.mark.parametrize(
    "item",
    [
        thing("v1", "Event", "web.17"),
        thing("coordination.k8s.io/v1", "Lease", "lock"),
        thing("v1", "Endpoints", "web", annotations={"endpoints.kubernetes.io/last-change-trigger-time": "x"}),
        thing("v1", "Endpoints", "old-lock", annotations={"control-plane.alpha.kubernetes.io/leader": "{}"}),
        thing("v1", "Endpoints", "other", labels={"endpoints.kubernetes.io/managed-by": "endpoint-controller"}),
        thing(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            "web-x",
            labels={"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"},
        ),
        thing(
            "apiregistration.k8s.io/v1",
            "APIService",
            "v1.apps",
            labels={"kube-aggregator.kubernetes.io/automanaged": "onstart"},
            spec={"service": None},
        ),
        thing(
            "flowcontrol.apiserver.k8s.io/v1",
            "FlowSchema",
            "probes",
            annotations={"apf.kubernetes.io/autoupdate-spec": "true"},
        ),
        thing("storage.k8s.io/v1", "VolumeAttachment", "csi-1"),
        thing("v1", "ConfigMap", "kube-root-ca.crt"),
        thing("v1", "ConfigMap", "kindlab-cluster", "kube-system"),
        thing("v1", "ConfigMap", "kindlab-baseline", "kube-system"),
        thing("v1", "ConfigMap", "kindlab-baseline-1", "kube-system"),
        thing("v1", "ConfigMap", "cluster-info", "kube-public"),
        thing("v1", "Secret", "bootstrap-token-abcdef", "kube-system", type="bootstrap.kubernetes.io/token"),
        thing("v1", "Pod", "etcd", "kube-system", annotations={"kubernetes.io/config.mirror": "x"}, spec={}),
        thing("v1", "ServiceAccount", "default"),
    ],
    ids=lambda item: f"{item['kind']}-{item['metadata']['name']}",
)
def test_what_controllers_and_servers_write_is_not_saved(item: Object) -> None:
    service = thing("v1", "Service", "web", spec={"selector": {"app": "web"}})
    saved = save(namespace("shop"), service, item)
    assert (names(saved.made), saved.changed, saved.left_out) == (["Namespace shop", "Service shop/web"], (), ())


@pytest.mark.parametrize(
    "item",
    [
        thing("v1", "Endpoints", "database", subsets=[{"addresses": [{"ip": "10.1.1.1"}]}]),
        thing("discovery.k8s.io/v1", "EndpointSlice", "database-1", labels={"kubernetes.io/service-name": "database"}),
        thing("apiregistration.k8s.io/v1", "APIService", "v1.metrics", spec={"service": {"name": "m"}}),
        thing("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "mine"),
        thing("v1", "ConfigMap", "kindlab-cluster", "shop"),
        thing("v1", "ConfigMap", "kindlab-baseline-x", "kube-system"),
        thing("v1", "Secret", "token", type="kubernetes.io/service-account-token"),
        thing("v1", "Secret", "release", type="helm.sh/release.v1"),
        thing("v1", "Pod", "alone", spec={"containers": []}),
        thing("example.com/v1", "Database", "db", spec={}),
        thing("v1", "ConfigMap", "no-managers", managers=()),
        thing("v1", "ConfigMap", "in-a-system-namespace", "kube-system"),
        thing("v1", "ServiceAccount", "default-2"),
        thing("v1", "LimitRange", "default"),
    ],
    ids=lambda item: f"{item['kind']}-{item['metadata']['name']}",
)
def test_what_people_made_is_saved(item: Object) -> None:
    service = thing("v1", "Service", "database", spec={})
    expected = sorted(["Service shop/database", str(key_of(item))])
    for baseline in (EMPTY, None):
        assert [name for name in made(service, item, baseline=baseline) if name != "Namespace shop"] == expected


# Owners.
def test_what_workloads_made_is_not_saved() -> None:
    deployment = thing("apps/v1", "Deployment", "web", spec=SPEC)
    replicas = thing("apps/v1", "ReplicaSet", "web-1", spec=SPEC, owners=[owner(deployment)])
    pod = thing("v1", "Pod", "web-1-x", spec={}, owners=[owner(replicas)])
    daemon = thing("apps/v1", "DaemonSet", "agent", spec=SPEC)
    agent = thing("v1", "Pod", "agent-x", spec={}, owners=[owner(daemon)])
    assert made(deployment, replicas, pod, daemon, agent) == ["DaemonSet.apps shop/agent", "Deployment.apps shop/web"]


def test_the_newest_replica_set_of_a_paused_deployment_is_saved() -> None:
    """Its template is that of the running pods, which the Deployment's may not be; nobody makes it again."""
    paused = thing("apps/v1", "Deployment", "web", spec={**SPEC, "paused": True})
    sets = [
        thing(
            *("apps/v1", "ReplicaSet", f"web-{number}"),
            spec=SPEC,
            owners=[owner(paused)],
            annotations={"deployment.kubernetes.io/revision": str(number)},
        )
        for number in (9, 10, 2)
    ]
    pod = thing("v1", "Pod", "web-10-x", spec={}, owners=[owner(sets[1])])
    saved = save(namespace("shop"), paused, *sets, pod)
    assert names(saved.made) == ["Deployment.apps shop/web", "Namespace shop", "ReplicaSet.apps shop/web-10"]
    (kept,) = (item for item in saved.made if item["kind"] == "ReplicaSet")
    assert [(reference["kind"], reference["name"]) for reference in kept["metadata"]["ownerReferences"]] == [
        ("Deployment", "web")
    ]


@pytest.mark.parametrize(
    ("kind", "mixed", "uniform"),
    [
        (
            "StatefulSet",
            {"currentRevision": "a", "updateRevision": "b"},
            {"currentRevision": "a", "updateRevision": "a"},
        ),
        ("DaemonSet", {"currentNumberScheduled": 3, "updatedNumberScheduled": 1}, {"currentNumberScheduled": 0}),
    ],
)
def test_pods_of_an_earlier_revision_are_told(kind: str, mixed: Object, uniform: Object) -> None:
    """A partition, or updates on deletion: nothing but the pods has their template."""
    items = [thing("apps/v1", kind, name, spec=SPEC, status=s) for name, s in (("db", mixed), ("web", uniform))]
    saved = save(namespace("shop"), *items)
    assert [(row.key.name, row.why) for row in saved.left_out] == [("db", OUTDATED_PODS)]
    assert len(saved.made) == 3


@pytest.mark.parametrize("place", ["default", "shop"])
def test_what_only_controllers_wrote_is_of_their_workload_in_any_namespace(place: str) -> None:
    how: Object = {"namespace": place, "spec": SPEC, "managers": ["kube-controller-manager"]}
    cron = thing("batch/v1", "CronJob", "nightly", place, spec={"jobTemplate": {"spec": SPEC}})
    going = thing("batch/v1", "Job", "nightly-2", owners=[owner(cron)], **how)
    paused = thing("apps/v1", "Deployment", "web", place, spec={**SPEC, "paused": True})
    newest = thing("apps/v1", "ReplicaSet", "web-1", owners=[owner(paused)], **how)
    found = made(cron, going, paused, newest)
    assert {f"Job.batch {place}/nightly-2", f"ReplicaSet.apps {place}/web-1"} <= set(found)


def test_what_workloads_made_is_not_saved_either_where_they_were_not_read() -> None:
    deployment = thing("apps/v1", "Deployment", "web", spec=SPEC)
    replicas = thing("apps/v1", "ReplicaSet", "web-1", spec=SPEC, owners=[owner(deployment)])
    assert made(replicas) == []


def test_an_unfinished_run_of_a_cron_job_is_saved_with_its_owner() -> None:
    cron = thing("batch/v1", "CronJob", "nightly", spec={"jobTemplate": {"spec": SPEC}})
    going = thing("batch/v1", "Job", "nightly-2", spec=SPEC, owners=[owner(cron)])
    done = thing("batch/v1", "Job", "nightly-1", spec=SPEC, owners=[owner(cron)], status=RUN)
    pods = [thing("v1", "Pod", f"{job['metadata']['name']}-x", spec={}, owners=[owner(job)]) for job in (going, done)]
    saved = save(cron, going, done, *pods)
    assert names(saved.made) == ["CronJob.batch shop/nightly", "Job.batch shop/nightly-2"]
    assert saved.made[1]["metadata"]["ownerReferences"] == [
        {"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "controller": True}
    ]


def test_a_job_that_people_made_is_saved_even_if_it_is_done() -> None:
    assert made(thing("batch/v1", "Job", "migrate", spec=SPEC, status=RUN)) == ["Job.batch shop/migrate"]


def test_an_operator_makes_its_objects_again_but_not_its_passwords() -> None:
    database = thing("example.com/v1", "Database", "db")
    owned = [
        thing("apps/v1", "StatefulSet", "db", spec=SPEC, owners=[owner(database)]),
        thing("v1", "Service", "db", spec={}, owners=[owner(database)]),
        thing("v1", "Secret", "db-password", owners=[owner(database)]),
        thing("v1", "ConfigMap", "db-id", owners=[owner(database)]),
    ]
    assert made(database, *owned) == ["ConfigMap shop/db-id", "Database.example.com shop/db", "Secret shop/db-password"]


def test_what_an_operator_made_of_something_unreadable_is_saved() -> None:
    """Nothing would make it again."""
    database = thing("example.com/v1", "Database", "db")
    service = thing("v1", "Service", "db", spec={}, owners=[owner(database)])
    saved = save(service)
    assert names(saved.made) == ["Service shop/db"]
    assert "ownerReferences" not in saved.made[0]["metadata"]


def test_owners_that_control_nothing_only_decide_what_is_deleted_with_them() -> None:
    deployment = thing("apps/v1", "Deployment", "web", spec=SPEC)
    config = thing("v1", "ConfigMap", "web", owners=[owner(deployment, controls=False)])
    lock = thing("v1", "ConfigMap", "lock", owners=[owner(deployment)])
    saved = save(deployment, config, lock)
    assert names(saved.made) == ["ConfigMap shop/lock", "ConfigMap shop/web", "Deployment.apps shop/web"]
    assert all("uid" not in ref for item in saved.made for ref in item["metadata"].get("ownerReferences", ()))


def test_what_belongs_to_a_pod_that_is_made_again_goes_with_it() -> None:
    deployment = thing("apps/v1", "Deployment", "web", spec=SPEC)
    replicas = thing("apps/v1", "ReplicaSet", "web-1", spec=SPEC, owners=[owner(deployment)])
    pod = thing("v1", "Pod", "web-1-x", spec={}, owners=[owner(replicas)])
    lock = thing("v1", "ConfigMap", "leader-for-life", owners=[owner(pod, controls=False)])
    shared = thing("v1", "ConfigMap", "shared", owners=[owner(pod, controls=False), owner(deployment, controls=False)])
    assert made(deployment, replicas, pod, lock, shared) == ["ConfigMap shop/shared", "Deployment.apps shop/web"]


def test_owners_in_a_circle_and_in_a_long_row_do_no_harm() -> None:
    one, other = thing("v1", "ConfigMap", "one"), thing("v1", "ConfigMap", "other")
    one["metadata"]["ownerReferences"] = [owner(other)]
    other["metadata"]["ownerReferences"] = [owner(one), {"apiVersion": "v1", "kind": "Pod", "name": "no-uid"}]
    row = [thing("example.com/v1", "Database", "d0000")]
    for number in range(1, 3000):
        row.append(thing("v1", "ConfigMap", f"d{number:04}", owners=[owner(row[-1], controls=False)]))
    assert len(made(one, other, *row)) == 3002


# What the cluster brings.
def record(*items: Object) -> Baseline:
    return {key_of(item): cleaned(item) for item in items}


def coredns(corefile: str = "a", **fields: Any) -> Object:
    return thing(
        "v1", "ConfigMap", "coredns", "kube-system", data={"Corefile": corefile}, managers=["kubeadm"], **fields
    )


def test_what_the_cluster_brought_is_not_saved() -> None:
    assert save(coredns(), baseline=record(coredns())) == Saved()


def test_what_people_changed_of_it_is_saved_as_a_patch() -> None:
    saved = save(coredns("b", labels={"team": "x"}), baseline=record(coredns("a")))
    (change,) = saved.changed
    assert (change.key, change.api_version) == (Key("", "ConfigMap", "kube-system", "coredns"), "v1")
    assert change.patch == {"metadata": {"labels": {"team": "x"}}, "data": {"Corefile": "b"}}
    assert (saved.made, saved.left_out) == ((), ())


def test_what_belongs_to_the_version_is_named_instead() -> None:
    def proxy(mode: str) -> Object:
        return thing("v1", "ConfigMap", "kube-proxy", "kube-system", data={"mode": mode})

    saved = save(proxy("ipvs"), baseline=record(proxy("iptables")))
    assert (saved.made, saved.changed) == ((), ())
    assert "belongs to the version" in left_out(saved)["ConfigMap kube-system/kube-proxy"]


def test_what_people_deleted_of_it_is_named() -> None:
    saved = save(baseline=record(coredns(), thing("storage.k8s.io/v1", "StorageClass", "standard")))
    assert left_out(saved) == {"ConfigMap kube-system/coredns": "people deleted it, and a new cluster brings it again"}


def test_a_later_version_of_kubernetes_may_have_added_objects() -> None:
    """A cluster that was upgraded in place has objects that its baseline lacks."""
    added = [
        thing(
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            "new",
            labels={"kubernetes.io/bootstrapping": "rbac-defaults"},
        ),
        thing("v1", "ServiceAccount", "new-controller", "kube-system", managers=["kube-controller-manager"]),
        thing("v1", "ConfigMap", "new-config", "kube-system", managers=["kubeadm", "kubectl-edit"]),
    ]
    assert made(*added) == []


def test_a_default_account_that_people_changed_is_a_change() -> None:
    account = thing("v1", "ServiceAccount", "default", imagePullSecrets=[{"name": "registry"}])
    for baseline in (EMPTY, None):
        (change,) = save(account, baseline=baseline).changed
        assert change.patch == {"imagePullSecrets": [{"name": "registry"}]}


def test_flows_that_the_server_maintains_are_its_own_until_people_take_them_over() -> None:
    def flow(precedence: int, maintained: str) -> Object:
        annotations = {"apf.kubernetes.io/autoupdate-spec": maintained}
        spec = {"matchingPrecedence": precedence}
        return thing("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "probes", annotations=annotations, spec=spec)

    baseline = record(flow(2, "true"))
    assert save(flow(4, "true"), baseline=baseline) == Saved()
    (change,) = save(flow(3, "false"), baseline=baseline).changed
    assert change.patch == {
        "metadata": {"annotations": {"apf.kubernetes.io/autoupdate-spec": "false"}},
        "spec": {"matchingPrecedence": 3},
    }


def test_without_a_baseline_labels_managers_and_kinds_names_tell() -> None:
    brought = [
        coredns(),
        *(namespace(name, managers=["kube-apiserver"]) for name in ("default", "kube-system", "kube-public")),
        namespace("local-path-storage"),
        thing("apps/v1", "Deployment", "local-path-provisioner", "local-path-storage", spec=SPEC),
        thing("storage.k8s.io/v1", "StorageClass", "standard"),
        thing("apps/v1", "DaemonSet", "kindnet", "kube-system", spec=SPEC, managers=["kubectl-create"]),
        thing("v1", "Service", "kubernetes", "default", managers=["kube-apiserver"]),
        thing("v1", "ServiceAccount", "job-controller", "kube-system", managers=["kube-controller-manager"]),
        thing("scheduling.k8s.io/v1", "PriorityClass", "system-node-critical", managers=["kube-apiserver"]),
    ]
    people = thing("v1", "ConfigMap", "mine", "default", managers=["kubectl-create", "kube-controller-manager"])
    assert made(*brought, people, baseline=None) == ["ConfigMap default/mine"]


def test_accounts_of_the_clusters_own_controllers_are_known_by_their_bindings() -> None:
    """They have no fields, so that nobody manages any; nor do those that people made."""
    defaults = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    items = []
    for name, labels in (("job-controller", defaults), ("my-controller", {})):
        subject = {"kind": "ServiceAccount", "name": name, "namespace": "kube-system"}
        group = {"kind": "Group", "name": "system:nodes"}
        binding = thing(
            "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", name, labels=labels, subjects=[subject, group]
        )
        items += [binding, thing("v1", "ServiceAccount", name, "kube-system", managers=())]
    for baseline in (EMPTY, None):
        assert made(*items, baseline=baseline) == [
            "ClusterRoleBinding.rbac.authorization.k8s.io my-controller",
            "ServiceAccount kube-system/my-controller",
        ]


def test_with_a_baseline_names_prove_nothing() -> None:
    """A cluster without kind's storage may have a class of people's that is called like kind's."""
    mine = thing("storage.k8s.io/v1", "StorageClass", "standard", provisioner="mine")
    assert made(mine) == ["StorageClass.storage.k8s.io standard"]


# What others save, and what is going.
def test_volumes_and_nodes_are_saved_by_others() -> None:
    items = [
        thing("v1", "PersistentVolume", "pv-1", spec={}),
        thing("v1", "PersistentVolumeClaim", "data", spec={}),
        thing("v1", "Node", "lab-worker"),
    ]
    saved = save(*items)
    assert saved.made == ()
    assert sorted(left_out(saved)) == ["Node", "PersistentVolume", "PersistentVolumeClaim"]
    assert left_out(save(thing("v1", "ConfigMap", "a"))) == {}


def test_what_storage_provisioner_installed_is_named() -> None:
    labels = {"kindlab.volumes/provisioner": "local_path"}
    items = [
        namespace("storage", labels=labels),
        thing("storage.k8s.io/v1", "StorageClass", "fast", labels=labels, provisioner="x"),
        thing("apps/v1", "Deployment", "p", "storage", labels=labels, spec=SPEC),
    ]
    saved = save(*items)
    assert saved.made == ()
    assert set(left_out(saved).values()) == {"storage_provisioner installs it"}
    assert len(saved.left_out) == 3
    assert save(*items, baseline=record(*items)) == Saved()


def test_what_is_being_deleted_is_named_and_what_is_in_a_namespace_that_is_not() -> None:
    gone = "2026-11-30T05:00:00Z"
    items = [
        namespace("old", deletionTimestamp=gone),
        thing("v1", "ConfigMap", "a", "old"),
        thing("v1", "ConfigMap", "b", "old", deletionTimestamp=gone, finalizers=["x/y"]),
        thing("v1", "ConfigMap", "stuck", "shop", deletionTimestamp=gone, finalizers=["x/y"]),
    ]
    saved = save(*items)
    assert saved.made == ()
    assert left_out(saved) == dict.fromkeys(("Namespace old", "ConfigMap shop/stuck"), "it is being deleted")


# Selections.
def test_namespaces_with_their_own_object() -> None:
    items = [
        namespace("shop"),
        namespace("other"),
        thing("v1", "ConfigMap", "a"),
        thing("v1", "ConfigMap", "b", "other"),
    ]
    assert made(*items, namespaces=("shop",)) == ["ConfigMap shop/a", "Namespace shop"]


def test_namespaces_that_selected_objects_need() -> None:
    items = [namespace("shop"), namespace("empty"), thing("v1", "ConfigMap", "a")]
    assert made(*items, labels="app=shop") == ["ConfigMap shop/a", "Namespace shop"]
    assert made(*items, kinds=("ConfigMap",)) == ["ConfigMap shop/a", "Namespace shop"]
    assert made(*items[:2], kinds=("Namespace",)) == ["Namespace empty", "Namespace shop"]


def test_changes_and_rows_are_selected_too() -> None:
    account = thing("v1", "ServiceAccount", "default", "shop", labels={"a": "b"})
    stuck = thing("v1", "ConfigMap", "stuck", "shop", deletionTimestamp="x")
    assert save(account, stuck, namespaces=("other",)) == Saved()
    saved = save(account, stuck, namespaces=("shop",))
    assert (len(saved.changed), len(saved.left_out)) == (1, 1)


def test_a_selection_does_not_name_what_it_did_not_read() -> None:
    assert save(thing("v1", "ConfigMap", "a"), baseline=record(coredns()), namespaces=("shop",)).left_out == ()


@pytest.mark.parametrize("word", ["Deployment", "deployments", "deployment.apps", "DEPLOYMENTS.apps"])
def test_kinds_as_kubectl_takes_them(word: str) -> None:
    found = Selection(kinds=(word,)).resources(TYPES)
    assert {(one.group, one.kind) for one in found} == {("apps", "Deployment"), ("", "Namespace")}


def test_a_namespaced_selection_reads_no_cluster_scoped_type_but_namespaces() -> None:
    found = Selection(namespaces=("shop",)).resources(TYPES)
    assert {one.kind for one in found if not one.namespaced} == {"Namespace"}


def test_kinds_of_which_nothing_is_saved_are_not_read() -> None:
    found = {one.kind for one in Selection().resources(TYPES)}
    assert {"Event", "Lease", "VolumeAttachment"} & found == set()
    assert {"Pod", "Secret", "Database", "PersistentVolume"} <= found


@pytest.mark.parametrize(
    "word, why",
    [
        ("Gadget", "this cluster does not have"),
        ("deployments.extensions", "this cluster does not have"),
        ("pvc", "this cluster does not have"),
        ("PersistentVolume", "volume_backup saves volumes"),
        ("nodes", "labels, taints"),
    ],
)
def test_kinds_that_are_not_there(word: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        Selection(kinds=(word,)).resources(TYPES)


def test_namespaces_that_are_not_there() -> None:
    items = [namespace("shop"), namespace("other")]
    Selection(namespaces=("shop",)).check(items)
    with pytest.raises(BadInput, match="namespaces has shopp, which this cluster does not have") as error:
        Selection(namespaces=("shop", "shopp")).check(items)
    assert "the cluster has other, shop" in error.value.next_step
    # Who may not list namespaces cannot know.
    Selection(namespaces=("shopp",)).check([])


@pytest.mark.parametrize("name", ["namespaces", "kinds", "label_selectors"])
def test_an_empty_list_is_refused(name: str) -> None:
    options = {"namespaces": None, "kinds": None, "label_selectors": None}
    assert Selection.from_options(options).is_everything
    with pytest.raises(BadInput, match=f"{name} is empty"):
        Selection.from_options({**options, name: []})


# Manifests that nobody here wrote.
def test_published_manifests_are_saved_as_they_are() -> None:
    items = published({"argo-cd-install.yaml": "argocd"})
    assert len(items) > 100
    shown = [
        {**item, "metadata": {**item["metadata"], "uid": f"p{number}", "managedFields": []}}
        for number, item in enumerate(items)
    ]
    for baseline in (EMPTY, None):
        saved = select(shown, TYPES, baseline)
        of_kind = {key_of(item) for item in items if item["kind"] not in ("PersistentVolumeClaim", "Namespace")}
        missing = of_kind - {key_of(item) for item in saved.made}
        assert {key.name for key in missing} <= ({"standard", *KIND_STORAGE} if baseline is None else set())
        written = {key_of(item): item for item in items}
        for item in saved.made:
            if item["kind"] not in ("ClusterRole", "Job"):
                assert item == cleaned(written[key_of(item)])


# kind's own storage, in one of the files.
KIND_STORAGE = {
    *("local-path-provisioner", "local-path-provisioner-service-account", "local-path-provisioner-role"),
    *("local-path-provisioner-bind", "local-path-config"),
}
