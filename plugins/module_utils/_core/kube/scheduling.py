# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which nodes could take a pod: by its selector, affinity and tolerations. Room (cpu, memory) is not looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .conditions import is_ready
from .objects import Object

# What Kubernetes puts on a node that was made unschedulable.
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
KEEPING_OUT = ("NoSchedule", "NoExecute")


def is_schedulable(node: Mapping[str, Any]) -> bool:
    """True for a node that is not cordoned."""
    return not node["spec"].get("unschedulable", False)


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """True where a label selector fits; an empty one fits nothing here, as a disruption budget has it."""
    if not selector or not (selector.get("matchLabels") or selector.get("matchExpressions")):
        return False
    equal = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return equal and all(_holds(requirement, labels) for requirement in selector.get("matchExpressions") or ())


def affinity_fits(required: Mapping[str, Any] | None, node: Mapping[str, Any]) -> bool:
    """True where a node fits a NodeSelector (of a pod or of a volume): one of its terms; no NodeSelector fits all."""
    if required is None:
        return True
    return any(_term_fits(term, node) for term in required.get("nodeSelectorTerms") or ())


def obstacle(pod: Mapping[str, Any], node: Mapping[str, Any], *, opened: bool = False) -> str:
    """What keeps a node from taking a pod, apart from volumes; '' for nothing.

    opened: as if the node were schedulable.
    """
    spec = pod["spec"]
    if not opened and not is_schedulable(node):
        return "is not schedulable"
    if not is_ready(node):
        return "is not ready"
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return "does not fit its node selector"
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    if not affinity_fits(affinity, node):
        return "does not fit its node affinity"
    for taint in node["spec"].get("taints") or ():
        passing = opened and taint["key"] == UNSCHEDULABLE
        if taint["effect"] in KEEPING_OUT and not passing and not tolerates(spec.get("tolerations") or (), taint):
            return f"has the taint {taint['key']}:{taint['effect']}"
    return ""


def tolerates(tolerations: Iterable[Mapping[str, Any]], taint: Mapping[str, Any]) -> bool:
    """True where one of the tolerations is for this taint."""
    return any(_tolerates(toleration, taint) for toleration in tolerations)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    exists = toleration.get("operator") == "Exists"
    if not toleration.get("key"):
        return exists
    same = exists or (toleration.get("value") or "") == (taint.get("value") or "")
    return toleration["key"] == taint["key"] and same


def _term_fits(term: Object, node: Mapping[str, Any]) -> bool:
    """All requirements of a term hold together; a term without any fits nothing (Kubernetes: NodeSelectorTerm)."""
    labels = node["metadata"].get("labels") or {}
    fields = {"metadata.name": node["metadata"]["name"]}
    on_labels, on_fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    return bool(on_labels or on_fields) and (
        all(_holds(requirement, labels) for requirement in on_labels)
        and all(_holds(requirement, fields) for requirement in on_fields)
    )


def _holds(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator, values = requirement["key"], requirement["operator"], requirement.get("values") or ()
    value = labels.get(key)
    if operator in ("Exists", "DoesNotExist"):
        return bool((value is not None) == (operator == "Exists"))
    if operator in ("In", "NotIn"):
        return bool((value in values) == (operator == "In"))
    try:
        number, limit = int(value or ""), int("".join(values))
    except ValueError:
        return False
    return number > limit if operator == "Gt" else number < limit
