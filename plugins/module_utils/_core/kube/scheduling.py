# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which nodes fit a pod: by node selector, affinity and tolerations; resources are not considered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .conditions import is_ready
from .objects import Object

# The taint of a cordoned node.
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
KEEPING_OUT = ("NoSchedule", "NoExecute")


def is_schedulable(node: Mapping[str, Any]) -> bool:
    """True for a node that is not cordoned."""
    return not node["spec"].get("unschedulable", False)


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """True if a label selector matches: {} matches everything, None nothing (see LabelSelectorAsSelector)."""
    if selector is None:
        return False
    equal = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return equal and all(_holds(requirement, labels) for requirement in selector.get("matchExpressions") or ())


def affinity_fits(required: Mapping[str, Any] | None, node: Mapping[str, Any]) -> bool:
    """True if a node matches a term of a NodeSelector (of a pod or volume); without a NodeSelector all do."""
    return required is None or any(_term_fits(term, node) for term in required.get("nodeSelectorTerms") or ())


def obstacle(pod: Mapping[str, Any], node: Mapping[str, Any], *, opened: bool = False) -> str:
    """Why a node does not fit a pod, apart from volumes, '' if it does. opened: as if the node were uncordoned."""
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
    """True if one of the tolerations matches the taint."""
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
    """All requirements of a term must hold; a term without any matches nothing (see NodeSelectorTerm)."""
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
