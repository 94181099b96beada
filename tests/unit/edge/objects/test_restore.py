"""Restoring objects, against an API server that refuses, fills in defaults, and is interrupted."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.baseline import merge_patch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.changes.three_way import touched
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.cleaning import cleaned
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Change, Key, Saved, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.restoring import Request, plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.comparing import compared
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.waves import (
    AFTER_VOLUMES,
    AT_LAST,
    BEFORE_VOLUMES,
    WAVES,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects.live import observe
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects.reader import discover
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects.restore import try_out
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects.waves import restore_waves
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects.writer import Writer
from ansible_collections.kindlab.volumes.tests.unit.support.api_server import BUILT_IN, FakeApi, resource
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed
from ansible_collections.kindlab.volumes.tests.unit.support.saved_objects import (
    LAST_APPLIED,
    application,
    applied,
    definition,
    deployment,
    namespace,
    saved,
    service,
    webhook,
)

Rows = Sequence[Object]


class Clock:
    """Time that passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def restore(
    api: Any,
    *made: Object,
    changed: Sequence[Change] = (),
    waves: Sequence[str] = WAVES,
    seconds: float = 10,
    sleep: Callable[[float], None] | None = None,
    **options: Any,
) -> list[Object]:
    """Restore as the module does: everything is tried out first."""
    clock = Clock()
    deadline = Deadline(seconds, clock)
    things = Saved(made, changed)
    planned = try_out(api, plan(Request(**options), things, observe(api, things, discover(api))), deadline)
    planned.check()

    def pause(duration: float) -> None:
        clock.sleep(duration)
        if sleep:
            sleep(duration)

    writer = Writer(api, planned, deadline, sleep=pause)
    return [step.row() for step in writer.waves(waves)]


def refusing(kind: str, text: str) -> Callable[[str, Object, FakeApi], str | None]:
    return lambda _method, item, _api: text if item["kind"] == kind else None


def results(rows: Rows) -> dict[str, str]:
    return {f"{row['kind']} {row['name']}": f"{row['action']} {row['result']}" for row in rows}


def whys(rows: Rows) -> dict[str, str]:
    return {row["name"]: row["why"] for row in rows if row["why"]}


def live(api: FakeApi, kind: str, name: str, of: str = "shop", group: str = "") -> Object:
    return api.objects[Key(group, kind, of, name)]


def test_everything_comes_back_in_the_order_that_works() -> None:
    api = FakeApi(namespace("default"))
    rows = restore(api, *application())
    assert {row["result"] for row in rows} == {"equal"}
    kinds = [text.split()[1] for text in api.writes]
    assert kinds[:2] == ["CustomResourceDefinition", "Namespace"] and kinds[-1] == "ValidatingWebhookConfiguration"
    order = ["ServiceAccount", "ConfigMap", "Service", "Deployment", "Widget", "CronJob"]
    assert sorted(order, key=kinds.index) == order
    for item in application():
        assert compared(item) == compared(cleaned(api.objects[key_of(item)])), key_of(item)


def test_a_second_restore_writes_nothing() -> None:
    api = FakeApi()
    restore(api, *application())
    api.writes.clear()
    rows = restore(api, *application())
    assert api.writes == []
    assert {row["action"] for row in rows} == {"unchanged"}


@pytest.mark.parametrize("writes", range(len(application()) + 2))
def test_a_killed_restore_is_completed_by_the_next(writes: int) -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "settings"}
    managed = deployment("managed", managedFields=applied("kubectl"), ownerReferences=[owner])
    things = [*application(), managed]
    api = FakeApi(kill_after=writes)
    with pytest.raises(Killed):
        restore(api, *things)
    api.kill_after = None
    assert {row["result"] for row in restore(api, *things)} == {"equal"}
    for item in things:
        assert compared(item) == compared(cleaned(api.objects[key_of(item)])), key_of(item)
    metadata = live(api, "Deployment", "managed", group="apps")["metadata"]
    assert metadata["managedFields"] == applied("kubectl")
    assert metadata["ownerReferences"] == [{**owner, "uid": live(api, "ConfigMap", "settings")["metadata"]["uid"]}]


def test_defaults_that_the_server_fills_in_are_no_difference() -> None:
    older = deployment()
    del older["spec"]["revisionHistoryLimit"]
    api = FakeApi(namespace())
    assert results(restore(api, older)) == {"Deployment.apps web": "create equal"}
    api.writes.clear()
    # What is there has one field more than what was saved; only the server knows that it is a default.
    assert results(restore(api, older)) == {"Deployment.apps web": "unchanged equal"}
    assert (api.writes, api.trials[-1]) == ([], "PUT Deployment shop/web")


@pytest.mark.parametrize(("existing", "outcome"), [("keep", "keep kept"), ("replace", "replace equal")])
def test_an_object_that_differs_is_treated_as_asked(existing: str, outcome: str) -> None:
    api = FakeApi(namespace(), saved("ConfigMap", "settings", data={"a": "other", "b": "more"}))
    rows = restore(api, saved("ConfigMap", "settings", data={"a": "1"}), existing=existing)
    assert results(rows) == {"ConfigMap settings": outcome}
    data = live(api, "ConfigMap", "settings")["data"]
    assert data == ({"a": "1"} if existing == "replace" else {"a": "other", "b": "more"})


def test_by_default_an_object_that_differs_is_refused_and_nothing_is_written() -> None:
    api = FakeApi(namespace(), saved("ConfigMap", "settings", data={"a": "other"}))
    with pytest.raises(Declined) as error:
        restore(api, saved("ConfigMap", "settings", data={"a": "1"}), saved("Secret", "key", data={}))
    assert [(row["name"], row["why"]) for row in error.value.details] == [
        ("ConfigMap shop/settings", "it exists, and differs in data.a")
    ]
    assert api.writes == []


def test_an_object_that_only_has_more_is_left_as_it_is() -> None:
    api = FakeApi(namespace(), saved("ConfigMap", "settings", data={"a": "1"}, metadata={"labels": {"later": "yes"}}))
    rows = restore(api, saved("ConfigMap", "settings", data={"a": "1"}))
    assert results(rows) == {"ConfigMap settings": "unchanged adapted"}
    assert whys(rows) == {"settings": "it has more: metadata.labels"}


def test_a_refused_object_is_known_before_anything_is_written() -> None:
    api = FakeApi(namespace())
    api.refusals.append(refusing("Secret", "exceeded quota: quota"))
    with pytest.raises(Declined, match="Secret shop/key: exceeded quota: quota"):
        restore(api, saved("Secret", "key", data={}), saved("ConfigMap", "settings", data={}))
    assert api.writes == []


def test_an_object_that_cannot_be_tried_out_is_refused_alone() -> None:
    """Its namespace is created by the same run."""
    api = FakeApi()
    api.refusals.append(
        lambda _method, item, _api: (item["kind"] == "Secret" and "The API server refused (422): too\nbig") or None
    )
    rows = restore(api, namespace(), saved("Secret", "key", data={}), saved("ConfigMap", "settings", data={}))
    assert results(rows) == {
        "Namespace shop": "create equal",
        "ConfigMap settings": "create equal",
        "Secret key": "refuse refused",
    }
    assert whys(rows) == {"key": "too big"}


def test_a_webhook_that_does_not_answer_is_waited_for() -> None:
    def unavailable(_method: str, item: Object, api: FakeApi) -> str | None:
        if item["kind"] != "Ingress" or api.trials.count("up"):
            return None
        return 'The API server refused (500): Internal error occurred: failed calling webhook "validate.nginx": refused'

    api = FakeApi(namespace())
    api.refusals.append(unavailable)
    rows = restore(
        api,
        saved("Ingress", "web", version="networking.k8s.io/v1", spec={}),
        sleep=lambda _seconds: api.trials.append("up"),
    )
    assert results(rows) == {"Ingress.networking.k8s.io web": "create equal"}


def test_a_webhook_that_never_answers_is_told_after_the_time() -> None:
    api = FakeApi(namespace())
    api.refusals.append(refusing("Ingress", "failed calling webhook x"))
    rows = restore(
        api, saved("Ingress", "web", version="networking.k8s.io/v1", spec={}), saved("Secret", "key", data={})
    )
    assert whys(rows) == {"web": "failed calling webhook x (still so after 10 seconds)"}
    assert results(rows)["Secret key"] == "create equal"


def test_a_webhook_of_the_backup_does_not_block_the_restore() -> None:
    """As the real one would as soon as it is there: its pods do not run."""
    hooks = Key("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "", "shop-admission")
    api = FakeApi()
    api.refusals.append(lambda _method, _item, server: "failed calling webhook" if hooks in server.objects else None)
    assert {row["result"] for row in restore(api, *application(), webhook())} == {"equal"}


def test_a_service_gets_another_address_and_port_if_its_own_are_taken() -> None:
    other = service("other", "10.96.0.50", 30080)
    other["metadata"]["namespace"] = "default"
    api = FakeApi(namespace(), namespace("default"), other)
    rows = restore(api, service(), service("free", "10.96.0.51", 30081))
    spec = live(api, "Service", "web")["spec"]
    assert spec["clusterIP"].startswith("10.96.200.") and spec["ports"][0]["nodePort"] > 32000
    assert results(rows) == {"Service free": "create equal", "Service web": "create adapted"}
    assert whys(rows)["web"] == (
        f"its node port 30080 is not free, and replaced; its cluster IP is {spec['clusterIP']} instead of 10.96.0.50"
    )
    api.writes.clear()
    again = restore(api, service())
    assert (results(again), api.writes) == ({"Service web": "unchanged adapted"}, [])


def only_ipv4(_method: str, item: dict[str, Any], _server: FakeApi) -> str | None:
    """As an API server whose cluster has no IPv6."""
    spec = item.get("spec") or {}
    if spec.get("ipFamilyPolicy") == "RequireDualStack":
        return "spec.ipFamilyPolicy: Invalid value: this cluster is not configured for dual-stack services"
    if "IPv6" in spec.get("ipFamilies", ()):
        return 'spec.ipFamilies[1]: Invalid value: "IPv6": not configured on this cluster'
    return None


@pytest.mark.parametrize("address", ["10.96.0.50", "None"])
def test_a_service_does_without_an_ip_family_that_the_cluster_does_not_have(address: str) -> None:
    spec = {"clusterIP": address, "ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "PreferDualStack"}
    api = FakeApi(namespace())
    api.refusals.append(only_ipv4)
    dual = saved("Service", "web", spec=spec)
    rows = restore(api, dual)
    assert results(rows) == {"Service web": "create adapted"}
    assert whys(rows)["web"].startswith("the cluster does not have all of its IP families IPv4, IPv6")
    assert (live(api, "Service", "web")["spec"]["clusterIP"] == "None") is (address == "None")
    strict = saved("Service", "strict", spec={**spec, "ipFamilyPolicy": "RequireDualStack"})
    with pytest.raises(Declined, match=r"Service shop/strict: .* not configured for dual-stack services"):
        restore(api, strict)


def test_a_headless_service_stays_headless() -> None:
    headless = saved("Service", "db", spec={"clusterIP": "None", "clusterIPs": ["None"], "sessionAffinity": "None"})
    api = FakeApi(namespace())
    assert results(restore(api, headless)) == {"Service db": "create equal"}
    assert live(api, "Service", "db")["spec"]["clusterIP"] == "None"


def test_a_version_that_is_gone_is_replaced_by_the_one_that_is_served() -> None:
    autoscaler = saved("HorizontalPodAutoscaler", "web", version="autoscaling/v2beta2", spec={"maxReplicas": 5})
    api = FakeApi(namespace())
    rows = restore(api, autoscaler)
    assert whys(rows) == {"web": "autoscaling/v2beta2 is not served any more, and autoscaling/v2 is used"}
    assert live(api, "HorizontalPodAutoscaler", "web", group="autoscaling")["apiVersion"] == "autoscaling/v2"


def test_a_version_that_is_served_is_used_although_another_is_preferred() -> None:
    autoscaler = saved("HorizontalPodAutoscaler", "web", version="autoscaling/v1", spec={"maxReplicas": 5})
    api = FakeApi(namespace())
    api.older["autoscaling", "HorizontalPodAutoscaler"] = ("v1",)
    assert results(restore(api, autoscaler)) == {"HorizontalPodAutoscaler.autoscaling web": "create equal"}


def test_a_type_that_the_cluster_lacks_is_refused() -> None:
    with pytest.raises(Declined, match=r"Widget.example.org shop/one: the cluster has no Widget.example.org"):
        restore(FakeApi(namespace()), saved("Widget", "one", version="example.org/v1"))


def test_a_namespace_that_is_being_deleted_is_refused() -> None:
    ending = {**namespace(), "status": {"phase": "Terminating"}}
    ending["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    api = FakeApi(ending)
    with pytest.raises(Declined) as error:
        restore(api, namespace(), saved("ConfigMap", "settings", data={}))
    assert [row["why"] for row in error.value.details] == ["it is being deleted", "the namespace shop is being deleted"]
    assert error.value.details[1]["next_step"] == "Wait: kubectl wait --for=delete namespace/shop"


def test_a_definition_that_is_never_established_is_refused() -> None:
    api = FakeApi()
    api.established = False
    rows = restore(api, definition())
    assert whys(rows) == {"widgets.example.org": "CustomResourceDefinition widgets.example.org: not ready"}


def test_an_object_that_somebody_creates_meanwhile_is_compared_again() -> None:
    def race(method: str, item: Object, api: FakeApi) -> str | None:
        if (method, item["kind"]) == ("POST", "Namespace"):
            for name, value in (("same", "1"), ("other", "2")):
                api.put(saved("ConfigMap", name, data={"a": value}))
        return None

    def run(existing: str) -> list[Object]:
        api = FakeApi()
        api.refusals.append(race)
        things = (saved("ConfigMap", name, data={"a": "1"}) for name in ("same", "other"))
        return restore(api, namespace(), *things, existing=existing)

    assert results(run("replace")) == {
        "Namespace shop": "create equal",
        "ConfigMap same": "unchanged equal",
        "ConfigMap other": "replace equal",
    }
    assert results(run("keep"))["ConfigMap other"] == "keep kept"
    assert whys(run("refuse")) == {"other": "it exists, and differs in data.a"}


def test_a_replaced_object_keeps_what_controllers_need() -> None:
    api = FakeApi(namespace())
    held = saved("ConfigMap", "settings", data={"a": "2"}, metadata={"finalizers": ["example.org/held"]})
    held["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}]
    api.put(held)
    restore(api, saved("ConfigMap", "settings", data={"a": "1"}), existing="replace")
    found = live(api, "ConfigMap", "settings")
    assert found["data"] == {"a": "1"}
    assert found["metadata"]["finalizers"] == ["example.org/held"]
    assert found["metadata"]["ownerReferences"][0]["uid"] == "u"


def test_appliers_find_their_fields_again() -> None:
    api = FakeApi(namespace())
    restore(api, deployment(managedFields=applied("kubectl", "argocd-controller")), deployment("plain"))
    assert live(api, "Deployment", "web", group="apps")["metadata"]["managedFields"] == applied(
        "kubectl", "argocd-controller"
    )
    assert (
        live(api, "Deployment", "plain", group="apps")["metadata"]["managedFields"][0]["manager"] == "kindlab.volumes"
    )


def test_kubectl_finds_what_it_applied_from_its_own_side() -> None:
    api = FakeApi(namespace())
    restore(api, deployment(annotations={LAST_APPLIED: "{}\n"}))
    metadata = live(api, "Deployment", "web", group="apps")["metadata"]
    assert metadata["managedFields"][0]["manager"] == "kubectl-client-side-apply"
    assert metadata["annotations"] == {LAST_APPLIED: "{}\n"}


def test_an_owner_that_comes_later_is_filled_in() -> None:
    owner = {"apiVersion": "example.org/v1", "kind": "Widget", "name": "one", "controller": True}
    api = FakeApi(namespace())
    secret = saved("Secret", "of-widget", data={}, metadata={"ownerReferences": [owner]})
    rows = restore(api, secret, definition(), saved("Widget", "one", version="example.org/v1"))
    uid = live(api, "Widget", "one", group="example.org")["metadata"]["uid"]
    assert live(api, "Secret", "of-widget")["metadata"]["ownerReferences"] == [{**owner, "uid": uid}]
    assert {row["result"] for row in rows} == {"equal"}


def test_an_owner_that_does_not_exist_is_told() -> None:
    owner = {"apiVersion": "example.org/v1", "kind": "Widget", "name": "one", "controller": True}
    api = FakeApi(namespace())
    for action in ("create", "unchanged"):
        rows = restore(api, saved("Secret", "of-widget", data={}, metadata={"ownerReferences": [owner]}))
        assert whys(rows) == {"of-widget": "its owner does not exist: Widget one"}
        assert rows[0]["action"] == action
    assert "ownerReferences" not in live(api, "Secret", "of-widget")["metadata"]


def test_what_people_changed_of_the_cluster_comes_back() -> None:
    brought = saved("ConfigMap", "coredns", "kube-system", data={"Corefile": "new", "extra": "of this version"})
    change = Change(key_of(brought), "v1", {"data": {"Corefile": "mine", "gone": None}})
    lost = Change(Key("", "ConfigMap", "kube-system", "lost"), "v1", {"data": {"a": "1"}})
    api = FakeApi(namespace("kube-system"), brought)
    rows = restore_waves(api, Saved(changed=(change, lost)), WAVES, deadline=Deadline(5))
    assert results(rows) == {"ConfigMap coredns": "patch equal", "ConfigMap lost": "refuse refused"}
    assert live(api, "ConfigMap", "coredns", "kube-system")["data"] == {"Corefile": "mine", "extra": "of this version"}
    assert results(restore(api, changed=[change])) == {"ConfigMap coredns": "unchanged equal"}


def test_the_account_of_a_new_namespace_is_changed_once_it_is_there() -> None:
    key = Key("", "ServiceAccount", "shop", "default")
    change = Change(key, "v1", {"imagePullSecrets": [{"name": "registry"}]})
    api = FakeApi()
    rows = restore(
        api,
        namespace(),
        changed=[change],
        sleep=lambda _seconds: api.put(saved("ServiceAccount", "default")) and None,
    )
    assert results(rows) == {"Namespace shop": "create equal", "ServiceAccount default": "patch equal"}
    assert api.objects[key]["imagePullSecrets"] == [{"name": "registry"}]


def test_a_recreation_restores_in_three_parts() -> None:
    api = FakeApi()
    things = Saved([*application(), deployment("db", claim="data")])
    for waves, down in ((BEFORE_VOLUMES, False), (AFTER_VOLUMES, True)):
        rows = restore_waves(api, things, waves, down=down, deadline=Deadline(5))
        assert {row["result"] for row in rows} == {"equal"}
    spec = live(api, "Deployment", "db", group="apps")
    assert (spec["spec"]["replicas"], spec["metadata"]["labels"]) == (0, {"kindlab.volumes/detached": "replicas.3"})
    assert live(api, "Deployment", "web", group="apps")["spec"]["replicas"] == 3
    assert not any(key.kind in ("CronJob", "ValidatingWebhookConfiguration") for key in api.objects)
    restore_waves(api, things, AT_LAST, deadline=Deadline(5))
    assert {key_of(item) for item in things.made} <= api.objects.keys()
    assert {row["action"] for row in restore_waves(api, things, WAVES, deadline=Deadline(5))} == {"unchanged"}


@pytest.mark.parametrize("kills", [*itertools.product((0, 3, 7, 11, 14), repeat=2)])
def test_a_recreation_that_is_killed_twice_is_completed(kills: tuple[int, int]) -> None:
    api = FakeApi()
    things = Saved([*application(), deployment("db", claim="data", managedFields=applied("kubectl"))])
    for kill in (*kills, None):
        api.kill_after = None if kill is None else len(api.writes) + kill
        for waves, down in ((BEFORE_VOLUMES, False), (AFTER_VOLUMES, True), (AT_LAST, False)):
            try:
                rows = restore_waves(api, things, waves, down=down, deadline=Deadline(5))
            except Killed:
                break
            assert {row["result"] for row in rows} <= {"equal"}
    assert {key_of(item) for item in things.made} <= api.objects.keys()
    assert live(api, "Deployment", "db", group="apps")["metadata"]["managedFields"] == applied("kubectl")


def test_a_server_without_a_type_that_was_just_defined_is_asked_again() -> None:
    api = FakeApi(types=[*BUILT_IN, resource("Widget", "example.org")])
    api.put(namespace())
    late = iter(["The API server refused (404): 404 page not found", None])
    api.refusals.append(lambda _m, item, _api: next(late) if item["kind"] == "Widget" else None)
    rows = restore_waves(
        api,
        Saved([saved("Widget", "one", version="example.org/v1")]),
        WAVES,
        deadline=Deadline(5),
    )
    assert results(rows) == {"Widget.example.org one": "create equal"}


@pytest.mark.parametrize(
    ("existing", "data", "outcome"),
    [
        ("refuse", {"a": "1", "b": "2"}, "unchanged adapted"),
        ("keep", {"a": "2"}, "keep kept"),
        ("refuse", {"a": "2"}, "it exists, and differs in data.a"),
        ("replace", {"a": "2"}, "field is immutable"),
    ],
)
def test_an_object_that_cannot_be_changed(existing: str, data: dict[str, str], outcome: str) -> None:
    api = FakeApi(namespace(), saved("ConfigMap", "settings", data=data))
    text = "The API server refused (422): field is immutable @@ -1,93 +1,5 @@ {"
    api.refusals.append(lambda method, _item, _api: text if method == "PUT" else None)
    try:
        told = results(restore(api, saved("ConfigMap", "settings", data={"a": "1"}), existing=existing))
    except Declined as error:
        told = {"ConfigMap settings": error.details[0]["why"]}
    assert told == {"ConfigMap settings": outcome}


DONE = {
    **saved("Job", "done", version="batch/v1", spec={"template": {"metadata": {}, "spec": {}}, "suspend": False}),
    "status": {"conditions": [{"type": "Complete", "status": "True"}]},
}


@pytest.mark.parametrize("writes", [1, 2, 3, 9])
def test_a_job_that_was_done_is_done_however_often_the_restore_is_killed(writes: int) -> None:
    """At no time is it one that runs."""
    api = FakeApi(namespace(), kill_after=writes)
    runs: list[Object] = []
    api.refusals.append(lambda _m, item, _api: runs.append(item) if _runs(item) else None)
    with contextlib.suppress(Killed):
        restore(api, DONE)
    api.kill_after = None
    assert results(restore(api, DONE))["Job.batch done"].split()[0] in ("create", "finish", "unchanged")
    found = live(api, "Job", "done", group="batch")
    assert found["spec"]["suspend"] is False
    assert [row["type"] for row in found["status"]["conditions"]] == ["SuccessCriteriaMet", "Complete"]
    assert (runs, results(restore(api, DONE))) == ([], {"Job.batch done": "unchanged equal"})


def _runs(job: Object) -> bool:
    return not job["spec"]["suspend"] and not (job.get("status") or {}).get("conditions")


def test_a_changed_container_of_the_cluster_keeps_the_image_of_its_version() -> None:
    def coredns(image: str, **container: Any) -> Object:
        item = deployment("coredns")
        item["metadata"]["namespace"] = "kube-system"
        item["spec"]["template"]["spec"]["containers"] = [{"name": "coredns", "image": image, **container}]
        return item

    memory = {"resources": {"limits": {"memory": "1Gi"}}}
    patch = merge_patch(coredns("coredns:1"), coredns("coredns:1", **memory))
    change = Change(key_of(coredns("")), "apps/v1", patch, touched(coredns("coredns:1"), patch))
    api = FakeApi(namespace("kube-system"), coredns("coredns:2"))
    assert results(restore(api, changed=[change])) == {"Deployment.apps coredns": "patch equal"}
    spec = live(api, "Deployment", "coredns", "kube-system", "apps")["spec"]["template"]["spec"]
    assert spec["containers"] == [{"name": "coredns", "image": "coredns:2", **memory}]
    api.writes.clear()
    assert results(restore(api, changed=[change])) == {"Deployment.apps coredns": "unchanged equal"}
    assert api.writes == []


def test_a_change_of_what_the_cluster_does_not_have_is_told() -> None:
    ports = [{"name": "metrics", "port": 9153, "protocol": "TCP"}]
    dns = saved("Service", "dns", "kube-system", spec={"clusterIP": "None", "ports": [], "sessionAffinity": "None"})
    change = Change(key_of(dns), "v1", {"spec": {"ports": [{**ports[0], "port": 1}]}}, {"spec": {"ports": ports}})
    (row,) = restore(FakeApi(namespace("kube-system"), dns), changed=[change])
    assert (row["action"], row["result"], row["why"]) == (
        "unchanged",
        "adapted",
        "the cluster does not have spec.ports[metrics], of which a part was changed",
    )


@pytest.mark.parametrize("node", ["lab-worker", "lab-worker2"])
def test_a_pod_on_a_node_that_people_chose(node: str) -> None:
    api = FakeApi(namespace(), saved("Node", "lab-worker", ""))
    (row,) = restore(api, saved("Pod", "debug", spec={"nodeName": node, "containers": []}))
    gone = node == "lab-worker2"
    told = "its node lab-worker2 does not exist, and the scheduler chooses another one" if gone else ""
    assert (row["action"], row["result"], row["why"]) == ("create", "adapted" if gone else "equal", told)
    assert live(api, "Pod", "debug")["spec"].get("nodeName") == (None if gone else node)


def scaler(kind: str = "Deployment", group: str = "apps") -> Object:
    target = {"apiVersion": f"{group}/v1", "kind": kind, "name": "web"}
    return saved("HorizontalPodAutoscaler", "web", version="autoscaling/v2", spec={"scaleTargetRef": target})


@pytest.mark.parametrize("existing", ["refuse", "keep", "replace"])
def test_how_many_replicas_there_are_is_an_autoscalers(existing: str) -> None:
    api = FakeApi(namespace(), deployment(replicas=5), scaler())
    (row,) = restore(api, deployment(replicas=3), existing=existing)
    assert (row["action"], row["result"]) == ("unchanged", "adapted")
    assert row["why"] == "its autoscaler has scaled it to 5 instead of 3"
    assert api.writes == []


def test_what_else_differs_is_replaced_at_the_autoscalers_scale() -> None:
    api = FakeApi(namespace(), deployment(replicas=5))
    changed = deployment(replicas=3)
    changed["spec"]["paused"] = True
    rows = restore(api, changed, scaler(), existing="replace")
    assert results(rows)["Deployment.apps web"] == "replace adapted"
    # The autoscaler is only in the backup yet: it has scaled nothing.
    (row,) = (row for row in rows if row["kind"].startswith("Deployment"))
    assert row["why"] == "its autoscaler decides how many replicas it has: 5 instead of 3"
    spec = live(api, "Deployment", "web", group="apps")["spec"]
    assert (spec["replicas"], spec["paused"]) == (5, True)


@pytest.mark.parametrize("others", [(), (scaler("StatefulSet"),), (scaler("Deployment", "apps.kruise.io"),)])
def test_how_many_replicas_there_are_is_peoples_without_an_autoscaler(others: tuple[Object, ...]) -> None:
    api = FakeApi(namespace(), deployment(replicas=5), *others)
    assert results(restore(api, deployment(replicas=3), existing="replace")) == {"Deployment.apps web": "replace equal"}


def test_at_zero_no_autoscaler_scales() -> None:
    api = FakeApi(namespace(), deployment(replicas=0), scaler())
    assert results(restore(api, deployment(replicas=3), existing="replace")) == {"Deployment.apps web": "replace equal"}


def test_only_custom_resources_wait_for_their_definitions() -> None:
    api = FakeApi()
    restore(api, *application())
    (wait,) = api.waits
    assert api.writes[wait].split()[1] == "Widget" and "Deployment" in {text.split()[1] for text in api.writes[:wait]}
    api = FakeApi()
    restore(api, *application(), waves=BEFORE_VOLUMES)
    # At the latest when the restore ends, which tells that they are served.
    assert api.waits == [len(api.writes)]
    restore(api, *application())
    assert len(api.waits) == 1


def test_made_and_changed_objects_in_a_version_that_is_gone() -> None:
    group = "flowcontrol.apiserver.k8s.io"
    mine, theirs = (saved("FlowSchema", name, "", f"{group}/v1beta3", spec={"a": 1}) for name in ("mine", "theirs"))
    change = Change(key_of(theirs), f"{group}/v1beta3", {"spec": {"a": 2}}, {"spec": {"a": 1}})
    types = (*BUILT_IN, resource("FlowSchema", group, namespaced=False))
    api = FakeApi({**theirs, "apiVersion": f"{group}/v1"}, types=types)
    rows = restore(api, mine, changed=[change])
    told = f"{group}/v1beta3 is not served any more, and {group}/v1 is used"
    assert results(rows) == dict.fromkeys(
        (f"FlowSchema.{group} mine", f"FlowSchema.{group} theirs"), "create adapted"
    ) | {f"FlowSchema.{group} theirs": "patch adapted"}
    assert whys(rows) == {"mine": told, "theirs": told}
    for name, value in (("mine", 1), ("theirs", 2)):
        found = live(api, "FlowSchema", name, "", group)
        assert (found["apiVersion"], found["spec"]) == (f"{group}/v1", {"a": value})


def test_a_form_that_the_newer_version_does_not_take_is_refused_alone() -> None:
    ingress = saved("Ingress", "web", version="networking.k8s.io/v1beta1", spec={"backend": {"serviceName": "web"}})
    api = FakeApi(namespace())
    api.refusals.append(refusing("Ingress", "The API server refused (422): spec.rules: Required value"))
    rows = restore_waves(api, Saved([ingress, saved("Secret", "key", data={})]), WAVES, deadline=Deadline(5))
    assert results(rows) == {"Secret key": "create equal", "Ingress.networking.k8s.io web": "refuse refused"}
    assert whys(rows) == {"web": "spec.rules: Required value"}


def test_a_definition_that_is_too_large_is_refused_alone() -> None:
    """etcd takes 1.5 MiB, the API server 3 MB."""
    for text in (
        "The API server refused (500): etcdserver: request is too large",
        "The API server refused (413): Request entity too large: limit is 3145728",
    ):
        api = FakeApi()
        api.refusals.append(refusing("CustomResourceDefinition", text))
        rows = restore_waves(api, Saved([definition(), namespace()]), WAVES, deadline=Deadline(5))
        assert results(rows)["CustomResourceDefinition.apiextensions.k8s.io widgets.example.org"] == "refuse refused"
        assert results(rows)["Namespace shop"] == "create equal"
        assert whys(rows) == {"widgets.example.org": text.partition(": ")[2]}


def test_a_kind_that_an_older_version_lacks_is_refused_alone() -> None:
    policy = saved("MutatingAdmissionPolicy", "mine", "", "admissionregistration.k8s.io/v1", spec={})
    rows = restore_waves(FakeApi(), Saved([policy, namespace()]), WAVES, deadline=Deadline(5))
    assert results(rows)["Namespace shop"] == "create equal"
    assert whys(rows) == {"mine": "the cluster has no MutatingAdmissionPolicy.admissionregistration.k8s.io"}


class Aggregating(FakeApi):
    """It serves Flunders once their APIService is there, and some discoveries later, when their server answers."""

    def __init__(self, *objects: Object, late: int) -> None:
        self.late = late
        apiservice = resource("APIService", "apiregistration.k8s.io", namespaced=False)
        super().__init__(*objects, types=(*BUILT_IN, apiservice))

    def read(self, path: str, *more: Any, **options: Any) -> Object:
        if path == "/apis" and any(key.kind == "APIService" for key in self.objects):
            self.late -= 1
            if self.late < 0:
                self.types["wardle.example.com", "Flunder"] = resource("Flunder", "wardle.example.com")
        return super().read(path, *more, **options)


def aggregated() -> Saved:
    service = {"service": {"name": "wardle", "namespace": "shop"}, "group": "wardle.example.com", "version": "v1"}
    name = "v1.wardle.example.com"
    return Saved(
        [
            saved("Flunder", "mine", version="wardle.example.com/v1", spec={"a": 1}),
            saved("APIService", name, "", "apiregistration.k8s.io/v1", spec=service),
            namespace(),
        ]
    )


def test_objects_of_a_server_in_the_cluster_wait_until_it_answers() -> None:
    api = Aggregating(late=3)
    earlier = restore_waves(api, aggregated(), (*BEFORE_VOLUMES, *AFTER_VOLUMES), deadline=Deadline(5))
    assert results(earlier) == {"Namespace shop": "create equal"}
    rows = restore_waves(api, aggregated(), AT_LAST, deadline=Deadline(20))
    assert results(rows) == {
        "APIService.apiregistration.k8s.io v1.wardle.example.com": "create equal",
        "Flunder.wardle.example.com mine": "create equal",
    }
    again = restore_waves(api, aggregated(), AT_LAST, deadline=Deadline(5))
    assert {row["action"] for row in again} == {"unchanged"}


def test_a_server_that_never_answers_is_told_with_its_objects() -> None:
    rows = restore_waves(Aggregating(late=1000), aggregated(), WAVES, deadline=Deadline(0))
    assert whys(rows) == {"mine": "the cluster has no Flunder.wardle.example.com"}
