"""volume_detach sets Retain before it stops anything, and the original policy again once pods may run."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import ORIGINAL_POLICY, RETAINED_UNTIL
from ansible_collections.kindlab.volumes.tests.unit.support.detaching import (
    C,
    attach,
    killed_anywhere,
    play,
    policies,
    running,
    scaling,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import merge
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import Controlled, bound, pod, workload

WEB = workload("Deployment", "web", "c")
BOTH = workload("Deployment", "both", "c", "d")
KEPT = ("Retain", {ORIGINAL_POLICY: "Delete", RETAINED_UNTIL: "attached"})
UNTOUCHED = ("Delete", {})
GOING = {"metadata": {"deletionTimestamp": "now"}}


def going(*objects, which):
    """Objects of which those of one kind are being deleted."""
    return [merge(item, GOING) if item["kind"] == which else item for item in objects]


def test_retain_comes_before_all_else_and_ends_with_the_attachment():
    cluster = running(*C, *bound("unused"), WEB)
    done = play(cluster)
    assert cluster.writes == [("patch", "PersistentVolume", "pv-c"), ("patch", "Deployment", "ns/web")]
    assert policies(cluster) == {"pv-c": KEPT, "pv-unused": UNTOUCHED}
    assert done.before["reclaim_policies"] == {"pv-c": "Delete", "pv-unused": "Delete"}
    assert done.after["reclaim_policies"] == {"pv-c": "Retain", "pv-unused": "Delete"}
    assert not play(cluster).changed
    back = attach(cluster)
    (row,) = back.facts["reclaim_policies"]
    assert (row["name"], row["before"], row["after"]) == ("pv-c", "Retain", "Delete")
    assert policies(cluster) == dict.fromkeys(["pv-c", "pv-unused"], UNTOUCHED)
    assert not attach(cluster).changed


def test_all_volumes_of_a_stopped_pod_are_kept():
    cluster = running(*C, *bound("d"), BOTH)
    play(cluster, names=["ns/c"])
    assert policies(cluster) == {"pv-c": KEPT, "pv-d": KEPT}
    attach(cluster, names=["ns/c"])
    assert policies(cluster) == {"pv-c": UNTOUCHED, "pv-d": UNTOUCHED}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("which", ["PersistentVolume", "PersistentVolumeClaim"])
@pytest.mark.parametrize("selected", ["ns/c", "ns/d"])
def test_what_is_being_deleted_is_refused_before_anything_is_written(check, which, selected):
    """Also if the pod has it besides the selected volume."""
    cluster = running(*bound("d"), *going(*C, which=which), BOTH)
    with pytest.raises(Declined, match=r"ns/c \(pv-c\): it or its claim is being deleted") as caught:
        play(cluster, check, names=[selected])
    assert "volume_backup" in caught.value.next_step
    assert (cluster.writes, cluster.get("Deployment", "both", "ns")["spec"]["replicas"]) == ([], 1)


def test_a_claim_that_somebody_deletes_after_the_look_is_refused_before_the_scaling():
    class Deleted(Controlled):
        def patch(self, kind, name, change, namespace="", subresource=""):
            self.put(merge(C[1], GOING))
            return super().patch(kind, name, change, namespace, subresource)

    cluster = running(*C, WEB, cluster=Deleted)
    with pytest.raises(Declined, match="being deleted"):
        play(cluster)
    assert (scaling(cluster), policies(cluster)) == ([], {"pv-c": KEPT})


@pytest.mark.parametrize("which", ["PersistentVolume", "PersistentVolumeClaim"])
def test_what_is_being_deleted_keeps_retain(which):
    cluster = running(*C, WEB)
    play(cluster)
    (item,) = cluster.list(which)
    cluster.put(merge(item, GOING))
    back = attach(cluster)
    assert any(
        "ns/c (pv-c) keeps the reclaim policy Retain: its claim is being deleted" in line for line in back.warnings
    )
    assert policies(cluster)["pv-c"] == KEPT
    assert cluster.get("Deployment", "web", "ns")["spec"]["replicas"] == 1


def test_a_volume_whose_claim_is_gone_keeps_retain():
    """With Delete, its provisioner would remove the data at once."""
    cluster = running(*C, WEB)
    play(cluster)
    del cluster.objects["PersistentVolumeClaim", "ns", "c"]
    back = attach(cluster)
    assert any("ns/c (pv-c) keeps the reclaim policy Retain: its claim is not bound" in line for line in back.warnings)
    assert policies(cluster) == {"pv-c": KEPT}


def test_a_policy_that_a_backup_set_is_not_touched():
    pv = merge(C[0], {"metadata": {"annotations": {ORIGINAL_POLICY: "Delete"}}})
    cluster = running(merge(pv, {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}), C[1], WEB)
    play(cluster)
    attach(cluster)
    assert policies(cluster) == {"pv-c": ("Retain", {ORIGINAL_POLICY: "Delete"})}


def test_a_policy_that_somebody_changed_since_is_theirs():
    cluster = running(*C, WEB)
    play(cluster)
    cluster.put(merge(cluster.get("PersistentVolume", "pv-c"), {"spec": {"persistentVolumeReclaimPolicy": "Delete"}}))
    attach(cluster)
    assert policies(cluster) == {"pv-c": UNTOUCHED}


def test_whenever_it_is_killed_no_pod_stops_with_the_policy_delete():
    for cluster in killed_anywhere(play, lambda: running(*C, *bound("d"), BOTH, pod("done", "c", phase="Succeeded"))):
        stopped = cluster.get("Deployment", "both", "ns")["spec"]["replicas"] == 0
        assert not stopped or policies(cluster) == {"pv-c": KEPT, "pv-d": KEPT}
        play(cluster)
        attach(cluster)
        assert policies(cluster) == {"pv-c": UNTOUCHED, "pv-d": UNTOUCHED}
