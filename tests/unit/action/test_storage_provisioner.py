"""storage_provisioner against a cluster in memory: what is written, when, and what is said."""

from __future__ import annotations

from typing import ClassVar

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.storage_provisioner import run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Declined,
    KindlabError,
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import must_be_replaced
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.manifests import from_text
from ansible_collections.kindlab.volumes.tests.unit.support.backups import inspected
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import CA, FakeCluster, Killed, ScriptedRunner, merge
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import showing
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import (
    GA,
    PLACE,
    SPACE,
    class_of,
    config_map,
    deployment,
    namespace,
    objects,
    options,
)


class Server(FakeCluster):
    """A cluster whose API server refuses what can't be changed, and counts generations."""

    def patch(self, kind, name, change, namespace="", subresource=""):
        live = self.get(kind, name, namespace)
        if must_be_replaced(merge(live, change), live):
            raise KindlabError(f"The API server refused (422): {kind} {name}: field is immutable")
        patched = super().patch(kind, name, change, namespace, subresource)
        if kind == "Deployment":
            patched["metadata"]["generation"] = patched["metadata"].get("generation", 0) + 1
            self.put(patched)
        return patched


def deployment_controller(cluster):
    """All Deployments run what they were told last."""
    for item in cluster.list("Deployment"):
        counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), item["spec"]["replicas"])
        generation = item["metadata"].get("generation", 0)
        cluster.put({**item, "status": {**counts, "observedGeneration": generation}})


def server(*more, controller=deployment_controller, **how):
    cluster = Server(*objects(*more), **how)
    cluster.react = controller
    return cluster


def play(cluster, asked, check_mode, runner=None):
    runner = runner or showing(inspected("lab-control-plane", "lab", "control-plane"))
    return run(asked, check_mode, runner=runner, connect=lambda *_where: cluster)


def defaults(cluster):
    return [
        item["metadata"]["name"]
        for item in cluster.list("StorageClass")
        if "true" in item["metadata"]["annotations"].values()
    ]


SCENARIOS = [
    {},
    {"reclaim_policy": "Retain", "node_path": "/srv"},
    {"storage_class": "kept", "paths": [{"paths": ["/a"]}, {"node": "lab-worker", "paths": ["/b", "/c"]}]},
    {"namespace": "elsewhere"},
    {"default_class": False, "storage_class": "second"},
    {"name": "local_path_shared", "binding_mode": "Immediate"},
    {"name": "hostpath", "reclaim_policy": "Retain"},
    {"name": "hostpath", "storage_class": "second", "replicas": 1},
]


@pytest.mark.parametrize("asked", SCENARIOS)
def test_check_run_run_check(asked):
    cluster = server()
    checked = play(cluster, options(**asked), True)
    assert (checked.changed, cluster.writes) == (True, [])
    done = play(cluster, options(**asked), False)
    assert done == checked
    written = list(cluster.writes)
    again = play(cluster, options(**asked), False)
    assert (again.changed, again.before, again.after) == (False, done.after | {"objects": {}}, again.before)
    assert again.facts == done.facts
    assert play(cluster, options(**asked), True) == again
    assert cluster.writes == written


@pytest.mark.parametrize("asked", SCENARIOS)
def test_after_any_kill_the_next_run_completes(asked):
    whole = server()
    play(whole, options(**asked), False)
    for writes in range(len(whole.writes)):
        cluster = server(kill_after=writes)
        with pytest.raises(Killed):
            play(cluster, options(**asked), False)
        cluster.kill_after = None
        play(cluster, options(**asked), False)
        assert play(cluster, options(**asked), False).changed is False
        assert defaults(cluster) == defaults(whole)


def test_never_two_of_a_driver_side_by_side():
    """The other one is gone before this one is made, as a watch sees it."""
    seen = []
    cluster = server(deployment("elsewhere"), namespace("elsewhere"))

    def controller(watched):
        seen.append([item["metadata"]["namespace"] for item in watched.list("Deployment")])
        deployment_controller(watched)

    cluster.react = controller
    play(cluster, options(namespace="third"), False)
    assert seen == [["local-path-storage"], [], ["third"]]


def test_one_that_does_not_end_is_not_joined_by_another():
    class Stuck(Server):
        def delete(self, kind, name, namespace="", *, propagation="Background"):
            if kind == "Deployment":
                assert propagation == "Foreground"
                return
            super().delete(kind, name, namespace, propagation=propagation)

    cluster = Stuck(*objects())
    with pytest.raises(TimedOut, match="still there"):
        play(cluster, options(namespace="elsewhere"), False)
    assert cluster.writes == []


def test_a_policy_is_changed_by_a_new_class():
    cluster = server()
    play(cluster, options(), False)
    old = cluster.get("StorageClass", "standard")
    cluster.writes.clear()
    done = play(cluster, options(reclaim_policy="Retain"), False)
    assert cluster.writes == [("delete", "StorageClass", "standard"), ("create", "StorageClass", "standard")]
    assert cluster.get("StorageClass", "standard")["metadata"]["uid"] != old["metadata"]["uid"]
    assert done.before["storage_classes"]["standard"]["reclaim_policy"] == "Delete"
    assert done.after["storage_classes"]["standard"]["reclaim_policy"] == "Retain"


WAITING = {
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "c", "namespace": "default"},
    "spec": {"storageClassName": "standard"},
}


@pytest.mark.parametrize(
    "asked, more, error",
    [
        ({"node_path": "relative"}, [], BadInput),
        ({"binding_mode": "Immediate"}, [], BadInput),
        ({"paths": [{"node": "nowhere", "paths": ["/a"]}]}, [], BadInput),
        ({}, [class_of("standard", "example.com/other")], Declined),
        ({"name": "local_path_shared", "paths": [{"paths": ["/a", "/b"]}]}, [], BadInput),
        ({"name": "hostpath", "helper_image": "busybox"}, [], BadInput),
        ({"name": "hostpath"}, [class_of("rival", "example.com/other", GA)], Declined),
        ({"name": "hostpath"}, [WAITING], Declined),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_refused_before_anything_is_changed(asked, more, error, check_mode):
    cluster = server(*more)
    with pytest.raises(error):
        play(cluster, options(**asked), check_mode)
    assert cluster.writes == []


def pulling(cluster):
    """No pod gets its image."""
    waiting = {"reason": "ImagePullBackOff", "message": "no such host"}
    status = {"containerStatuses": [{"name": "p", "image": "wrong:1", "ready": False, "state": {"waiting": waiting}}]}
    labels = {"app": "local-path-provisioner"}
    metadata = {"name": "local-path-provisioner-x", "namespace": SPACE, "labels": labels}
    cluster.put({"kind": "Pod", "metadata": metadata, "status": status})
    stranger = {"name": "stranger", "namespace": SPACE, "labels": {}, "creationTimestamp": "9"}
    cluster.put({"kind": "Pod", "metadata": stranger, "status": {}})


def test_one_that_does_not_serve_is_explained_and_gets_no_class():
    cluster = server(controller=pulling)
    with pytest.raises(TimedOut) as caught:
        play(cluster, options(image="wrong:1", storage_class="new", wait_timeout=5), False)
    error = caught.value
    assert "local-path-storage/local-path-provisioner is not ready after 5 seconds" in error.message
    assert "pod local-path-provisioner-x is ImagePullBackOff; no such host" in error.message
    assert "kind_image" in error.next_step
    assert defaults(cluster) == ["standard"]
    assert cluster.get("StorageClass", "new") is None
    # The same again: nothing is different any more, but it does not serve.
    with pytest.raises(TimedOut):
        play(cluster, options(image="wrong:1", storage_class="new", wait_timeout=5), False)
    cluster.react = deployment_controller
    play(cluster, options(storage_class="new"), False)
    assert cluster.objects[PLACE]["spec"]["template"]["spec"]["containers"][0]["image"] != "wrong:1"
    assert defaults(cluster) == ["new"]


def test_in_a_cluster_without_a_network_plugin_the_provisioner_is_not_waited_for():
    cluster = server(controller=pulling)
    how = options(image="later:1", storage_class="new")
    assert run(how, False, connect=lambda *_names: cluster, wait=False).changed
    assert defaults(cluster) == ["new"]


def test_absent():
    cluster = server()
    play(cluster, options(namespace="made"), False)
    checked = play(cluster, options(namespace="made", state="absent"), True)
    done = play(cluster, options(namespace="made", state="absent"), False)
    assert done == checked
    assert (done.changed, done.facts) == (True, {})
    assert done.after["provisioners"] == done.after["storage_classes"] == {}
    assert {ref[0] for ref in cluster.objects} == {"Node", "Namespace"}
    assert cluster.get("Namespace", "made") is None
    assert cluster.get("Namespace", SPACE) is not None
    written = list(cluster.writes)
    assert play(cluster, options(state="absent"), False).changed is False
    assert cluster.writes == written


def test_absent_after_any_kill():
    whole = server()
    play(whole, options(state="absent"), False)
    for writes in range(len(whole.writes)):
        cluster = server(kill_after=writes)
        with pytest.raises(Killed):
            play(cluster, options(state="absent"), False)
        cluster.kill_after = None
        play(cluster, options(state="absent"), False)
        assert cluster.objects.keys() == whole.objects.keys()


def test_absent_is_declined_while_a_claim_waits():
    cluster = server(WAITING)
    with pytest.raises(Declined, match="default/c: "):
        play(cluster, options(state="absent"), False)
    assert cluster.writes == []
    assert play(cluster, options(state="absent", force=True), False).changed is True


def test_a_configuration_edited_by_hand_is_put_right():
    cluster = server()
    play(cluster, options(), False)
    cluster.put({**config_map(), "data": {"config.json": "{}"}})
    generation = cluster.objects[PLACE]["metadata"]["generation"]
    done = play(cluster, options(), False)
    assert done.before["provisioners"]["local-path-storage/local-path-provisioner"]["paths"] == []
    assert done.before["objects"] == {
        "ConfigMap local-path-storage/local-path-config": "different",
        "Deployment local-path-storage/local-path-provisioner": "different",
    }
    assert cluster.objects[PLACE]["metadata"]["generation"] == generation + 1
    assert play(cluster, options(), False).changed is False


def test_from_one_to_another_and_back():
    """Each time in one run; the one before is shown as gone."""
    cluster = server()
    before = "local-path-storage/local-path-provisioner"
    for name, place in (
        ("hostpath", "hostpath-storage/hostpath-provisioner"),
        ("local_path_shared", before),
        ("local_path", before),
        ("hostpath", "hostpath-storage/hostpath-provisioner"),
    ):
        done = play(cluster, options(name=name), False)
        assert (done.changed, list(done.before["provisioners"]), list(done.after["provisioners"])) == (
            True,
            [before],
            [place],
        )
        assert done.after["provisioners"][place]["name"] == done.facts["provisioner"]["name"] == name
        assert play(cluster, options(name=name), False).changed is False
        assert defaults(cluster) == ["standard"]
        before = place


def test_what_waits_gives_way_when_it_is_told_to():
    cluster = server(WAITING)
    assert play(cluster, options(name="hostpath", force=True), False).changed is True
    assert cluster.get("Deployment", "local-path-provisioner", SPACE) is None


def rendered(tmp_path, **asked):
    return options(state="rendered", dest=str(tmp_path / "made" / "storage.yaml"), **asked)


@pytest.mark.parametrize("name", ["local_path", "local_path_shared", "hostpath"])
def test_rendered_check_run_run_check(tmp_path, name):
    """No cluster is asked: there is none."""
    asked = rendered(tmp_path, name=name, image="program:1")
    checked = run(asked, True)
    assert (checked.changed, list(tmp_path.iterdir())) == (True, [])
    done = run(asked, False)
    assert done == checked
    assert (done.facts["dest"], done.facts["provisioner"]["image"]) == (asked["dest"], "program:1")
    written = (tmp_path / "made" / "storage.yaml").stat()
    assert written.st_mode & 0o777 == 0o644
    again = run(asked, False)
    assert (again.changed, again.facts) == (False, done.facts)
    assert run(asked, True) == again
    assert (tmp_path / "made" / "storage.yaml").stat().st_ino == written.st_ino


def test_a_cluster_that_is_born_with_the_file_needs_nothing(tmp_path):
    run(rendered(tmp_path, name="hostpath"), False)
    cluster = Server(*[node for node in objects() if node["kind"] == "Node"], namespace("default"))
    cluster.react = deployment_controller
    for item in from_text((tmp_path / "made" / "storage.yaml").read_text()):
        cluster.put(item)
    assert play(cluster, options(name="hostpath"), False).changed is False
    assert cluster.writes == []


def test_a_file_of_another_provisioner_is_replaced_as_a_whole(tmp_path):
    run(rendered(tmp_path, name="local_path"), False)
    done = run(rendered(tmp_path, name="hostpath"), False)
    assert [(where["name"]) for where in done.before["provisioners"].values()] == ["local_path"]
    assert [(where["name"]) for where in done.after["provisioners"].values()] == ["hostpath"]
    assert done.after["objects"]["ConfigMap local-path-storage/local-path-config"] == "absent"
    text = (tmp_path / "made" / "storage.yaml").read_text()
    assert "rancher" not in text
    assert len(from_text(text)) == 9


@pytest.mark.parametrize(
    "text",
    [
        "kind: Pod\nmetadata: {name: mine}\n",
        "just words",
        "a: {",
        "[1, 2]",
        "kind: StorageClass\nmetadata: {name: x, labels: {kindlab.volumes/provisioner: hostpath}}\n",
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_file_of_somebody_else_is_left_alone(tmp_path, text, check_mode):
    file = tmp_path / "made" / "storage.yaml"
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(Declined, match="something other"):
        run(rendered(tmp_path), check_mode)
    assert file.read_text() == text


def test_an_empty_file_is_filled(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "storage.yaml").write_text("\n")
    assert run(rendered(tmp_path), False).changed is True


@pytest.mark.parametrize("dest, words", [("relative.yaml", "is not an absolute path"), ("/", "cannot be read")])
def test_no_place_for_a_file(dest, words):
    with pytest.raises(BadInput, match=words):
        run(options(state="rendered", dest=dest), False)


class Elsewhere(ScriptedRunner):
    """An engine without the cluster's containers."""

    looks: ClassVar = {f"{name}-control-plane": Completed(1, err="No such container") for name in ("b", "lab")}


def nodes_that_see(code: int) -> ScriptedRunner:
    """Two nodes; what is written through the first is seen through the second with exit code 0 only."""
    inside = ["docker", "exec", "-i"]
    return showing(
        inspected("lab-control-plane", "lab", "control-plane"),
        inspected("lab-worker", "lab", "worker"),
        script=(([*inside, "lab-worker", "sh"], f"1:{code}"), ([*inside, "lab-control-plane", "sh"], "1:0")),
    )


@pytest.mark.parametrize("name", ["local_path_shared", "hostpath"])
def test_a_directory_that_nodes_do_not_share_is_refused_before_anything_is_written(name: str) -> None:
    cluster = server()
    asked = options(name=name, check_shared=True, node_path="/data")
    with pytest.raises(BadInput, match="/data is not the same as on lab-control-plane on lab-worker"):
        play(cluster, asked, False, runner=nodes_that_see(1))
    with pytest.raises(BadInput, match="/data is not the same as on lab-control-plane on lab-worker"):
        play(cluster, asked, True, runner=nodes_that_see(1))
    assert cluster.writes == []
    play(cluster, asked, False, runner=nodes_that_see(0))
    assert cluster.writes != []


def test_nodes_are_not_looked_at_where_each_has_its_own() -> None:
    seen = nodes_that_see(1)
    play(server(), options(name="local_path", check_shared=True), False, runner=seen)
    assert [call for call in seen.calls if "stat" in " ".join(call) and "/data" in call] == []


def test_nodes_on_another_host_are_not_looked_at_and_that_is_told() -> None:
    elsewhere = Elsewhere(script=((["docker", "ps"], ""),))
    cluster = server({"kind": "Node", "metadata": {"name": "lab-control-plane"}})
    done = play(cluster, options(name="hostpath", check_shared=True), False, runner=elsewhere)
    assert [warning.partition(":")[0] for warning in done.warnings] == [
        "It was not checked that the API server at https",
        "Whether /tmp/hostpath-provisioner is the same directory in all nodes was not checked",
    ]


def test_the_api_of_another_cluster_is_refused() -> None:
    cluster = server()
    cluster.ca = CA.replace("S2lu", "S2xu")
    elsewhere = Elsewhere(script=((["docker", "ps"], ""),))
    for check_mode in (True, False):
        with pytest.raises(BadInput, match="another cluster than lab: its CA certificate"):
            play(cluster, options(), check_mode)
        # Without node containers there are only names.
        with pytest.raises(BadInput, match="another cluster than b: its nodes have other names"):
            play(cluster, options(cluster="b"), check_mode, runner=elsewhere)
    assert cluster.writes == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_place_for_rendered_manifests_that_cannot_be_written(tmp_path, check_mode):
    (tmp_path / "made").touch()
    with pytest.raises(BadInput, match="made"):
        run(rendered(tmp_path), check_mode)
