"""A volume and its claim are for each other, and for nobody else."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data import manifests
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.location import DirectoryLocation
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.request import Request

LOCATION = DirectoryLocation("/srv/data", "/mnt/data", ("k-worker", "k-worker2"))


@pytest.mark.parametrize("read_only", [True, False])
def test_a_volume_and_its_claim_are_for_each_other(read_only):
    request = Request("data", ("ns",), read_only)
    pv, pvc = manifests.volume_manifest(request, LOCATION, "ns"), manifests.claim_manifest(request, "ns")
    found = read_volumes([pv], [pvc])[0]
    assert (found.claim, found.node_directory, found.nodes) == ("ns/data", "/mnt/data", LOCATION.nodes)
    assert (found.storage_class, found.reclaim_policy) == ("", "Retain")
    assert pvc["spec"]["volumeName"] == pv["metadata"]["name"] == "ns.data"
    assert pvc["spec"]["accessModes"] == pv["spec"]["accessModes"]
    assert pvc["spec"]["storageClassName"] == ""


def test_read_only_is_mounted_so_for_kubelet_too():
    spec = manifests.volume_manifest(Request("data"), LOCATION, "ns")["spec"]
    assert (spec["local"], spec["mountOptions"], "hostPath" in spec) == ({"path": "/mnt/data"}, ["ro"], False)


def test_what_is_written_to_is_not_given_to_a_group_by_kubelet():
    spec = manifests.volume_manifest(Request("data", read_only=False), LOCATION, "ns")["spec"]
    assert spec["hostPath"] == {"path": "/mnt/data", "type": "Directory"}
    assert "local" not in spec and "mountOptions" not in spec
