"""The manifests agree with each other: what the policy selects, which claim a volume is for, what a pod is told."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core import local_data_objects as objects
from ansible_collections.kindlab.volumes.plugins.module_utils._core.inventory import pods_by_claim
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_place import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volume import read_volumes

PLACE = Place("/srv/data", "/mnt/data", ("k-worker", "k-worker2"))


@pytest.mark.parametrize("read_only", [True, False])
def test_a_volume_and_its_claim_are_for_each_other(read_only):
    request = Request("data", ("ns",), read_only)
    pv, pvc = objects.volume(request, PLACE, "ns"), objects.claim(request, "ns")
    found = read_volumes([pv], [pvc])[0]
    assert (found.claim, found.node_directory, found.nodes) == ("ns/data", "/mnt/data", PLACE.nodes)
    assert (found.storage_class, found.reclaim_policy) == ("", "Retain")
    assert pvc["spec"]["volumeName"] == pv["metadata"]["name"] == "ns.data"
    assert pvc["spec"]["accessModes"] == pv["spec"]["accessModes"]
    assert pvc["spec"]["storageClassName"] == ""


def test_read_only_is_mounted_so_for_kubelet_too():
    spec = objects.volume(Request("data"), PLACE, "ns")["spec"]
    assert (spec["local"], spec["mountOptions"], "hostPath" in spec) == ({"path": "/mnt/data"}, ["ro"], False)


def test_what_is_written_to_is_not_given_to_a_group_by_kubelet():
    spec = objects.volume(Request("data", read_only=False), PLACE, "ns")["spec"]
    assert spec["hostPath"] == {"path": "/mnt/data", "type": "Directory"}
    assert "local" not in spec and "mountOptions" not in spec


def test_the_policy_is_for_read_only_claims_alone():
    policy, binding = objects.policy()
    selected = binding["spec"]["paramRef"]["selector"]["matchLabels"].items()
    labels = [objects.claim(Request("data", ("ns",), mode), "ns")["metadata"]["labels"] for mode in (True, False)]
    assert [selected <= found.items() for found in labels] == [True, False]
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
    assert objects.REFUSED in policy["spec"]["validations"][0]["messageExpression"]
    assert policy["spec"]["failurePolicy"] == "Fail"


def test_the_pod_that_is_asked_about_could_write():
    pod = objects.writing_pod("ns", "data")
    assert list(pods_by_claim([{**pod, "metadata": {**pod["metadata"], "name": "p"}}])) == ["ns/data"]
    assert "readOnly" not in json.dumps(pod["spec"]["volumes"])
