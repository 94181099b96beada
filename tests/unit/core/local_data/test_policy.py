"""The policy is for read-only claims alone, says what a pod needs, and is put right where somebody changed it."""

from __future__ import annotations

import json

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import pods_by_claim
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data import manifests
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.policy import (
    POLICY_NAME,
    REFUSED,
    live_policy,
    policy,
    policy_steps,
    writing_pod,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.request import Request
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import merge


def test_the_policy_is_for_read_only_claims_alone():
    made, binding = policy()
    selected = binding["spec"]["paramRef"]["selector"]["matchLabels"].items()
    labels = [
        manifests.claim_manifest(Request("data", ("ns",), mode), "ns")["metadata"]["labels"] for mode in (True, False)
    ]
    assert [selected <= found.items() for found in labels] == [True, False]
    assert binding["spec"]["policyName"] == made["metadata"]["name"]
    assert REFUSED in made["spec"]["validations"][0]["messageExpression"]
    assert made["spec"]["failurePolicy"] == "Fail"


def test_the_pod_that_is_asked_about_could_write():
    pod = writing_pod("ns", "data")
    assert list(pods_by_claim([{**pod, "metadata": {**pod["metadata"], "name": "p"}}])) == ["ns/data"]
    assert "readOnly" not in json.dumps(pod["spec"]["volumes"])


def test_it_is_made_mended_and_removed_binding_first():
    made, binding = policy()
    assert policy_steps((None, None), needed=True) == (("create", made), ("create", binding))
    as_shown = merge(made, {"spec": {"matchConstraints": {"matchPolicy": "Equivalent"}}})
    assert policy_steps((as_shown, binding), needed=True) == ()
    weak = merge(binding, {"spec": {"validationActions": ["Warn"]}})
    assert policy_steps((made, weak), needed=True) == (("patch", binding),)
    assert policy_steps((as_shown, binding), needed=False) == (("delete", binding), ("delete", as_shown))
    assert policy_steps((None, None), needed=False) == ()


def test_those_of_others_are_left_alone():
    other, own = ({"metadata": {"name": name}} for name in ("other", POLICY_NAME))
    assert live_policy([other, own], [other]) == (own, None)


def test_the_pod_has_what_limits_of_its_namespace_ask_for_at_least() -> None:
    limits = [
        {"type": "Pod", "min": {"cpu": "200m"}, "max": {"cpu": "2"}},
        {"type": "Container", "min": {"cpu": "100m", "ephemeral-storage": "1Gi"}, "default": {"cpu": "500m"}},
        {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}},
    ]
    (container,) = writing_pod("ns", "data", [{"spec": {"limits": limits}}, {"spec": {}}])["spec"]["containers"]
    assert container["resources"] == {"limits": {"cpu": "200m", "memory": "16Mi", "ephemeral-storage": "1Gi"}}
