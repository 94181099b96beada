# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pod disruption budgets: which pods they select, and how many of them may be down at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .conditions import is_ready
from .objects import Object
from .pods import is_exempt_from_budgets
from .scheduling import selects


@dataclass(frozen=True)
class Budget:
    """One PodDisruptionBudget, with the counts of its status.

    wants: its spec, e.g. 'maxUnavailable 0'. desired, healthy, expected: numbers of pods that must be healthy, that are
    healthy, and of all pods; allowed: evictions that would be granted now. counted: the numbers are for its current
    spec. any_unhealthy: an unready pod can always be evicted.
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
    selector: Object | None = field(default=None, compare=False)

    @property
    def key(self) -> str:
        """'namespace/name'."""
        return f"{self.namespace}/{self.name}"

    @property
    def max_disruptions(self) -> int:
        """How many of its pods may be down at once if all others are healthy."""
        return max(0, self.expected - self.desired)

    def text(self) -> str:
        """The budget with its numbers."""
        return (
            f"{self.key} ({self.wants}: {self.desired} of {self.expected} must be healthy, "
            f"{self.healthy} are, {self.allowed} may be evicted now)"
        )

    def as_dict(self) -> Object:
        """The budget in a module's result."""
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
        """True if its selector matches the pod."""
        metadata = pod["metadata"]
        return metadata["namespace"] == self.namespace and selects(self.selector, metadata.get("labels") or {})

    def applies_to(self, pod: Mapping[str, Any]) -> bool:
        """True if it can refuse the eviction of this pod, which it selects (see unhealthyPodEvictionPolicy)."""
        if is_exempt_from_budgets(pod):
            return False
        return is_ready(pod) or not (self.any_unhealthy or self.healthy >= self.desired > 0)


class BudgetIndex:
    """Finds the budgets of a pod by one of its labels, without trying all of them."""

    def __init__(self, budgets: Iterable[Budget]) -> None:
        self._by_label: dict[tuple[str, str, str], list[Budget]] = {}
        for budget in budgets:
            labels = (budget.selector or {}).get("matchLabels") or {}
            # No label has an empty name: it stands for selectors without labels.
            name, value = next(iter(labels.items()), ("", ""))
            self._by_label.setdefault((budget.namespace, name, value), []).append(budget)

    def of(self, pod: Mapping[str, Any]) -> tuple[Budget, ...]:
        """The budgets that select the pod, by namespace and name."""
        labels = [("", ""), *(pod["metadata"].get("labels") or {}).items()]
        found = (b for label in labels for b in self._by_label.get((pod["metadata"]["namespace"], *label), ()))
        return tuple(sorted((b for b in found if b.selects_pod(pod)), key=lambda b: b.key))


def read_budget(item: Object) -> Budget:
    """A budget from its object."""
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
        selector=spec.get("selector"),
    )


def read_budgets(items: Iterable[Object]) -> tuple[Budget, ...]:
    """All budgets, sorted by namespace and name."""
    return tuple(sorted((read_budget(item) for item in items), key=lambda budget: budget.key))
