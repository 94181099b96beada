"""Volumes are read from PVs and claims as they are, and saved without the old cluster's state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.export import (
    saved_claim,
    saved_object,
    saved_volume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    Volume,
    affinity_nodes,
    read_volumes,
)


def fields(*names, operator="In"):
    return {"matchFields": [{"key": "metadata.name", "operator": operator, "values": list(names)}]}


def labels(*names, key="kubernetes.io/hostname"):
    return {"matchExpressions": [{"key": key, "operator": "In", "values": list(names)}]}


def pv(name="pv1", *terms, claim="ns/c1", phase="Bound", **spec):
    namespace, _slash, claim = claim.partition("/")
    return {
        "metadata": {"name": name, "uid": "u1", "annotations": {"pv.kubernetes.io/provisioned-by": "rancher.io/x"}},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Delete",
            **({"claimRef": {"namespace": namespace, "name": claim, "uid": "old"}} if claim else {}),
            **({"nodeAffinity": {"required": {"nodeSelectorTerms": list(terms)}}} if terms else {}),
            **({"hostPath": {"path": "/var/x/pv1/"}} if not {"local", "nfs", "csi"} & set(spec) else {}),
            **spec,
        },
        "status": {"phase": phase},
    }


def pvc(name="c1", volume="pv1", phase="Bound"):
    return {
        "metadata": {"name": name, "namespace": "ns", "uid": "u2"},
        "spec": {"volumeName": volume, "accessModes": ["ReadWriteOnce"]},
        "status": {"phase": phase},
    }


def test_a_volume_is_joined_with_its_claim():
    assert read_volumes([pv("pv1", fields("n1"), storageClassName="standard")], [pvc()]) == (
        Volume(
            name="pv1",
            claim="ns/c1",
            phase="Bound",
            claim_phase="Bound",
            storage_class="standard",
            reclaim_policy="Delete",
            capacity="1Gi",
            access_modes=("ReadWriteOnce",),
            nodes=("n1",),
            node_directory="/var/x/pv1",
            source="hostPath",
            provisioned_by="rancher.io/x",
        ),
    )


@pytest.mark.parametrize(
    ("claim", "phase"),
    [
        (pvc(), "Bound"),
        (pvc(volume="", phase="Pending"), "Pending"),
        (pvc(volume="another"), ""),
        (pvc(name="c2"), ""),
    ],
)
def test_the_phase_is_that_of_the_claim_that_may_have_the_volume(claim, phase):
    assert read_volumes([pv()], [claim])[0].claim_phase == phase


@pytest.mark.parametrize(
    ("terms", "nodes"),
    [
        ([], ()),
        ([fields("n1")], ("n1",)),
        ([labels("n2", "n1")], ("n1", "n2")),
        ([fields("n1"), labels("n2")], ("n1", "n2")),
        ([{**fields("n1", "n2"), **labels("n2", "n3")}], ("n2",)),
        ([labels("a", key="topology.kubernetes.io/zone")], ()),
        ([fields("n1"), labels("a", key="topology.kubernetes.io/zone")], ()),
        ([fields("n1", operator="NotIn")], ()),
    ],
)
def test_the_nodes_that_an_affinity_names(terms, nodes):
    assert affinity_nodes(pv("pv1", *terms)) == nodes


@pytest.mark.parametrize(
    ("spec", "source", "directory"),
    [
        ({}, "hostPath", "/var/x/pv1"),
        ({"local": {"path": "/mnt/a/../b"}}, "local", "/mnt/b"),
        ({"local": {"path": "relative/b"}}, "local", "/relative/b"),
        ({"hostPath": {"path": "//var/x/"}}, "hostPath", "/var/x"),
        ({"hostPath": {"path": "/"}}, "hostPath", "/"),
        ({"nfs": {"server": "s", "path": "/e"}}, "nfs", ""),
        ({"csi": {"driver": "d"}, "volumeMode": "Block"}, "csi", ""),
    ],
)
def test_source_and_node_directory(spec, source, directory):
    volume = read_volumes([pv(**spec)], [])[0]
    assert (volume.source, volume.node_directory) == (source, directory)


@pytest.mark.parametrize(
    "reference",
    [{}, {"name": "c1"}, {"namespace": "ns"}, {"namespace": "", "name": ""}, {"namespace": "ns", "name": "No/../Name"}],
)
def test_a_reference_that_no_claim_can_match(reference):
    named = {**pv(), "spec": {**pv()["spec"], "claimRef": reference}}
    assert read_volumes([named], [pvc(), {**pvc(), "metadata": {"name": "c1", "namespace": "default"}}])[0].claim == ""
    saved = saved_volume(named)
    assert {"namespace": "", "name": "", **reference}.items() <= {**(saved["spec"].get("claimRef") or {})}.items() or (
        not reference and saved["spec"]["claimRef"] == {}
    )


@pytest.mark.parametrize("status", [{}, {"status": {}}, {"status": {"phase": ""}}])
def test_a_claim_without_a_phase_is_pending(status):
    claim = {key: value for key, value in pvc().items() if key != "status"} | status
    assert read_volumes([pv()], [claim])[0].claim_phase == "Pending"


def test_a_volume_without_a_claim():
    volume = read_volumes([pv(claim="", phase="Available")], [pvc()])[0]
    assert (volume.claim, volume.claim_phase) == ("", "")


def test_a_saved_volume_keeps_its_claim_by_name_only():
    source = pv("pv1", fields("n1"))
    source["metadata"] |= {"finalizers": ["kubernetes.io/pv-protection"], "labels": {"a": "b"}, "resourceVersion": "7"}
    source["metadata"]["annotations"] |= {
        "pv.kubernetes.io/bound-by-controller": "yes",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }
    assert saved_volume(source) == {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": "pv1",
            "labels": {"a": "b"},
            # By which kubectl apply goes on.
            "annotations": {
                "pv.kubernetes.io/provisioned-by": "rancher.io/x",
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
            },
        },
        "spec": {
            **source["spec"],
            "storageClassName": "",
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "ns", "name": "c1"},
        },
    }


def test_a_saved_claim_names_its_volume_and_has_no_owner():
    source = pvc()
    source["metadata"] |= {
        "ownerReferences": [{"kind": "StatefulSet", "uid": "gone"}],
        "annotations": {"pv.kubernetes.io/bind-completed": "yes", "volume.kubernetes.io/selected-node": "n1"},
    }
    assert saved_claim(source) == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "c1", "namespace": "ns"},
        "spec": {"volumeName": "pv1", "accessModes": ["ReadWriteOnce"], "storageClassName": ""},
    }


def test_a_saved_claim_keeps_those_who_apply_it():
    applied = {"manager": "argocd", "operation": "Apply", "fieldsV1": {"f:spec": {}}}
    source = pvc()
    source["metadata"]["managedFields"] = [
        {**applied, "operation": "Update"},
        applied,
        {**applied, "subresource": "status"},
    ]
    assert saved_claim(source)["metadata"]["managedFields"] == [applied]


def test_a_saved_storage_class_keeps_what_people_wrote():
    source = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "s", "uid": "u", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "rancher.io/local-path",
        "parameters": {"a": "b"},
    }
    assert saved_object(source) == {
        **source,
        "metadata": {"name": "s", "annotations": source["metadata"]["annotations"]},
    }


def test_a_saved_namespace_is_its_metadata():
    source = {"kind": "Namespace", "metadata": {"name": "n"}, "spec": {"finalizers": ["kubernetes"]}, "status": {}}
    assert saved_object(source) == {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}


texts = st.text(max_size=8)


@given(
    st.dictionaries(st.sampled_from(["uid", "labels", "finalizers", "resourceVersion"]), texts),
    st.dictionaries(st.one_of(texts, st.sampled_from(["pv.kubernetes.io/bind-completed", "x"])), texts),
)
def test_saving_twice_saves_the_same(metadata, annotations):
    source = pv("pv1", fields("n1"))
    source["metadata"] |= {**metadata, "annotations": annotations}
    once = saved_volume(source)
    assert saved_volume(once) == once
    assert read_volumes([once], [])[0].nodes == ("n1",)
