# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disruption budgets: which pods each guards, and how many of them may be away at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .conditions import has_condition
from .objects import Object
from .pods import is_exempt_from_budgets
from .scheduling import selects


@dataclass(frozen=True)
class Budget:
    """One PodDisruptionBudget, with the counts of its status.

    wants: as its author wrote it, e.g. 'maxUnavailable 0'. desired, healthy, expected: pods that must be healthy, that
    are, and that there are in all; allowed: evictions that are granted at this moment. counted: the counts are those
    of its present specification. any_unhealthy: a pod that is not ready may always go.
    """

    namespace: str
    name: str
    wants: str = ""
    desired: int = 0
    healthy: int = 0
    expected: int = 0
    allowed: int = 0
    counted: bool = True
    any_unhealthy: bool = False
    selector: Object = field(default_factory=dict, compare=False)

    @property
    def key(self) -> str:
        """'namespace/name'."""
        return f"{self.namespace}/{self.name}"

    @property
    def max_disruptions(self) -> int:
        """How many of its pods may be away at once, when all others are healthy; never less than nothing."""
        return max(0, self.expected - self.desired)

    def text(self) -> str:
        """The budget with its numbers, for people."""
        return (
            f"{self.key} ({self.wants}: {self.desired} of {self.expected} must be healthy, "
            f"{self.healthy} are, {self.allowed} may go now)"
        )

    def as_dict(self) -> Object:
        """As a module returns it."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "wants": self.wants,
            "desired_healthy": self.desired,
            "current_healthy": self.healthy,
            "expected_pods": self.expected,
            "disruptions_allowed": self.allowed,
        }

    def selects_pod(self, pod: Mapping[str, Any]) -> bool:
        """True for a pod that it selects."""
        metadata = pod["metadata"]
        return metadata["namespace"] == self.namespace and selects(self.selector, metadata.get("labels") or {})

    def applies_to(self, pod: Mapping[str, Any]) -> bool:
        """True where the eviction of this pod of it needs its permission (Kubernetes: unhealthyPodEvictionPolicy)."""
        if is_exempt_from_budgets(pod):
            return False
        return has_condition(pod, "Ready") or not (self.any_unhealthy or self.healthy >= self.desired > 0)


def read_budget(item: Object) -> Budget:
    """A budget from the object that the API shows."""
    spec, status, metadata = item["spec"], item.get("status") or {}, item["metadata"]
    wants = next((f"{name} {spec[name]}" for name in ("maxUnavailable", "minAvailable") if name in spec), "")
    return Budget(
        namespace=metadata["namespace"],
        name=metadata["name"],
        wants=wants,
        desired=status.get("desiredHealthy", 0),
        healthy=status.get("currentHealthy", 0),
        expected=status.get("expectedPods", 0),
        allowed=status.get("disruptionsAllowed", 0),
        counted=status.get("observedGeneration", 0) >= metadata.get("generation", 0) > 0,
        any_unhealthy=spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow",
        selector=spec.get("selector") or {},
    )


def read_budgets(items: Iterable[Object]) -> tuple[Budget, ...]:
    """All budgets, by namespace and name."""
    return tuple(sorted((read_budget(item) for item in items), key=lambda budget: budget.key))
