# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Workloads that an autoscaler scales: how many replicas they have is not people's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key, key_of

AUTOSCALER = ("autoscaling", "HorizontalPodAutoscaler")


def targets(items: Iterable[Mapping[str, Any]]) -> set[Key]:
    """What the HorizontalPodAutoscalers among these objects scale."""
    found = set()
    for item in items:
        key = key_of(item)
        target = (item.get("spec") or {}).get("scaleTargetRef") or {} if key[:2] == AUTOSCALER else {}
        if target:
            group = str(target.get("apiVersion", "")).rpartition("/")[0]
            found.add(Key(group, target.get("kind", ""), key.namespace, target.get("name", "")))
    return found


def as_scaled(item: Object, live: Mapping[str, Any], *, already: bool) -> tuple[Object, tuple[str, ...]]:
    """The workload with as many replicas as it has, and what to tell of it; at zero no autoscaler scales it.

    already: whether the cluster has the autoscaler.
    """
    saved, now = ((side.get("spec") or {}).get("replicas") for side in (item, live))
    if not (saved and now) or saved == now:
        return item, ()
    why = "has scaled it to" if already else "decides how many replicas it has:"
    told = f"its autoscaler {why} {now} instead of {saved}"
    return dict(merged(item, {"spec": {"replicas": now}})), (told,)
