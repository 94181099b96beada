"""The baseline of a new cluster in memory."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.selection import select
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects import baseline, reader
from ansible_collections.kindlab.volumes.tests.unit.support.any_objects import TYPES, names, namespace, thing
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster


def new_cluster() -> FakeCluster:
    spec = {"template": {"spec": {}}}
    made = FakeCluster(
        namespace("kube-system"),
        thing("v1", "ConfigMap", "coredns", "kube-system", data={"Corefile": "a"}),
        thing("v1", "ConfigMap", "kindlab-cluster", "kube-system"),
        thing("apps/v1", "Deployment", "coredns", "kube-system", spec=spec),
        thing("v1", "Event", "x", "kube-system"),
        thing("v1", "Node", "lab-worker"),
        thing("storage.k8s.io/v1", "StorageClass", "standard", provisioner="x"),
    )
    made.types = list(TYPES)
    return made


def test_a_new_cluster_is_recorded_without_what_is_never_saved() -> None:
    live = new_cluster()
    assert baseline.record(live) == ()
    assert live.writes == [("apply", "ConfigMap", "kube-system/kindlab-baseline")]
    brought = baseline.read(live)
    assert brought is not None
    assert names(brought.values()) == [
        "ConfigMap kube-system/coredns",
        "Deployment.apps kube-system/coredns",
        "Namespace kube-system",
        "StorageClass.storage.k8s.io standard",
    ]


def test_nothing_of_a_new_cluster_is_saved_and_everything_that_comes_later_is() -> None:
    live = new_cluster()
    baseline.record(live)
    live.put(thing("v1", "ConfigMap", "mine", "kube-system"))
    live.patch("ConfigMap", "coredns", {"data": {"Corefile": "b"}}, "kube-system")
    saved = select(reader.read(live, TYPES)[0], TYPES, baseline.read(live))
    assert names(saved.made) == ["ConfigMap kube-system/mine"]
    assert [(str(change.key), change.patch) for change in saved.changed] == [
        ("ConfigMap kube-system/coredns", {"data": {"Corefile": "b"}})
    ]


def test_recording_again_gives_the_same() -> None:
    live = new_cluster()
    baseline.record(live)
    before = live.get("ConfigMap", "kindlab-baseline", "kube-system")
    baseline.record(live)
    after = live.get("ConfigMap", "kindlab-baseline", "kube-system")
    assert before and after and before["binaryData"] == after["binaryData"]


def test_a_cluster_of_which_a_part_cannot_be_read_is_not_recorded() -> None:
    live = new_cluster()
    live.refusals = {"/api/v1/secrets": KindlabError("The API server refused (503): x")}
    (warning,) = baseline.record(live)
    assert "Secret (it cannot be listed: The API server refused (503): x)" in warning
    assert live.writes == []
    assert baseline.read(live) is None
