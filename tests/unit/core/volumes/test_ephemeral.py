"""Volumes of generic ephemeral volumes, before and after their pods."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.ephemeral import ephemeral_volumes
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import workload

LEFT = Volume(
    "v", "ns/web-6bb87c5b9f-9jn5p-scratch", phase="Released", reclaim_policy="Delete", provisioned_by="d.example"
)


def owner(
    kind: str = "Deployment", name: str = "web", namespace: str = "ns", volume: str = "scratch"
) -> dict[str, Any]:
    item = workload(kind, name, metadata={"namespace": namespace})
    pod = item["spec"]["jobTemplate"]["spec"] if kind == "CronJob" else item["spec"]
    pod["template"]["spec"]["volumes"] = [
        {"name": "other", "emptyDir": {}},
        {"name": volume, "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
    ]
    return item


def test_one_with_its_claim() -> None:
    assert ephemeral_volumes([replace(LEFT, is_ephemeral=True, claim_phase="Bound")], ()) == {"v"}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "CronJob"])
def test_one_whose_pod_and_claim_are_gone(kind: str) -> None:
    assert ephemeral_volumes([LEFT], [owner(kind)]) == {"v"}


@pytest.mark.parametrize(
    "volume, workloads",
    [
        (LEFT, []),
        (LEFT, [owner(name="we")]),
        (LEFT, [owner(namespace="other")]),
        (LEFT, [owner(volume="cratch")]),
        (replace(LEFT, reclaim_policy="Retain"), [owner()]),
        (replace(LEFT, provisioned_by=""), [owner()]),
        (replace(LEFT, claim_phase="Bound"), [owner()]),
    ],
)
def test_other_volumes_are_not(volume: Volume, workloads: list[dict[str, Any]]) -> None:
    assert ephemeral_volumes([volume], workloads) == set()
