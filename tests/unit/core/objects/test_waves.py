"""The order of a restore: nothing comes before what it needs, or after what blocks it."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects import waves
from ansible_collections.kindlab.volumes.tests.unit.support.saved_objects import deployment, saved

APPS, BATCH, RBAC = "apps/v1", "batch/v1", "rbac.authorization.k8s.io/v1"
ADMISSION = "admissionregistration.k8s.io/v1"


@pytest.mark.parametrize(
    ("version", "kind", "wave"),
    [
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", waves.DEFINITIONS),
        ("v1", "Namespace", waves.NAMESPACES),
        ("storage.k8s.io/v1", "StorageClass", waves.CLASSES),
        ("scheduling.k8s.io/v1", "PriorityClass", waves.CLASSES),
        ("v1", "ServiceAccount", waves.ACCOUNTS),
        (RBAC, "ClusterRoleBinding", waves.ACCOUNTS),
        ("v1", "Secret", waves.CONFIGURATION),
        ("networking.k8s.io/v1", "NetworkPolicy", waves.CONFIGURATION),
        ("v1", "LimitRange", waves.LIMITS),
        ("v1", "Service", waves.SERVICES),
        ("discovery.k8s.io/v1", "EndpointSlice", waves.SERVICES),
        (APPS, "StatefulSet", waves.WORKLOADS),
        (BATCH, "Job", waves.WORKLOADS),
        ("networking.k8s.io/v1", "Ingress", waves.OTHERS),
        ("example.org/v1", "Widget", waves.OTHERS),
        ("apps.kruise.io/v1", "StatefulSet", waves.OTHERS),
        ("autoscaling/v2", "HorizontalPodAutoscaler", waves.SCALERS),
        ("policy/v1", "PodDisruptionBudget", waves.SCALERS),
        (BATCH, "CronJob", waves.SCALERS),
        ("v1", "ResourceQuota", waves.SCALERS),
        ("apiregistration.k8s.io/v1", "APIService", waves.GATES),
        (ADMISSION, "MutatingWebhookConfiguration", waves.GATES),
        (ADMISSION, "ValidatingAdmissionPolicyBinding", waves.GATES),
    ],
)
def test_a_kind_has_its_wave(version: str, kind: str, wave: str) -> None:
    assert waves.wave_of(saved(kind, "a", version=version)) == wave


def test_each_wave_is_in_one_part() -> None:
    assert len(set(waves.WAVES)) == len(waves.WAVES)
    assert waves.WAVES[-2:] == (waves.GATES, waves.AGGREGATED)


def test_a_pod_that_uses_a_claim_waits_for_its_data() -> None:
    claim = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
    own = {"volumes": [{"name": "data", "ephemeral": {}}]}
    found = [waves.wave_of(saved("Pod", "a", spec=spec)) for spec in (claim, own, {})]
    assert found == [waves.SCALERS, waves.WORKLOADS, waves.WORKLOADS]


def test_workloads_that_use_claims() -> None:
    templates = saved("StatefulSet", "a", version=APPS, spec={"template": {"spec": {}}, "volumeClaimTemplates": [{}]})
    assert waves.uses_claims(templates) and waves.uses_claims(deployment(claim="data"))
    assert not waves.uses_claims(deployment())
