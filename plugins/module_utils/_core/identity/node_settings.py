# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people set on Nodes: labels, taints and cordons, and the patch that sets them on the Nodes of a new cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

# What kubelet, kubeadm and kind set on every Node of that role.
_AUTOMATIC = frozenset(
    (
        *("kubernetes.io/arch", "kubernetes.io/hostname", "kubernetes.io/os"),
        *("beta.kubernetes.io/arch", "beta.kubernetes.io/os"),
        "node-role.kubernetes.io/control-plane",
        "node.kubernetes.io/exclude-from-external-load-balancers",
    )
)
# Taints that controllers set and remove by a node's conditions.
_CONDITIONS = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
# kubeadm sets it on control planes, and kind removes it from a node that is alone.
_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"

Settings = Mapping[str, Mapping[str, Any]]


def node_settings(api_nodes: Iterable[Mapping[str, Any]]) -> dict[str, Object]:
    """Node's name -> {labels, taints, cordoned}, without what Kubernetes and kind set by themselves."""
    return {
        item["metadata"]["name"]: {
            "labels": {k: v for k, v in sorted(_labels(item).items()) if k not in _AUTOMATIC},
            "taints": _lasting(_taints(item)),
            "cordoned": bool((item.get("spec") or {}).get("unschedulable")),
        }
        for item in sorted(api_nodes, key=lambda item: str(item["metadata"]["name"]))
    }


def without_labels(settings: Settings, names: Iterable[str]) -> dict[str, Object]:
    """The settings without these labels."""
    left_out = frozenset(names)
    return {
        node: {**own, "labels": {k: v for k, v in own["labels"].items() if k not in left_out}}
        for node, own in settings.items()
    }


def without_created(settings: Settings, created: Mapping[str, Mapping[str, str]]) -> dict[str, Object]:
    """The settings without the labels that the nodes were created with. created: node's name -> these."""
    return {
        node: {**own, "labels": {k: v for k, v in own["labels"].items() if created.get(node, {}).get(k) != v}}
        for node, own in settings.items()
    }


def settings_patch(settings: Mapping[str, Any], node: Object, *, same_nodes: bool = True) -> Object | None:
    """The patch that sets them on a Node, None if it has them.

    same_nodes: the cluster has the nodes that it had; otherwise the taint of control planes stays as kind set it.
    """
    labels = {key: value for key, value in settings["labels"].items() if _labels(node).get(key) != value}
    existing = _taints(node)
    kept = [taint for taint in existing if _is_condition(taint) or not (same_nodes or taint["key"] != _CONTROL_PLANE)]
    wanted = [taint for taint in settings["taints"] if same_nodes or taint["key"] != _CONTROL_PLANE]
    spec: Object = {}
    if _sorted(_lasting(existing)) != _sorted(_lasting([*kept, *wanted])):
        spec["taints"] = [*kept, *wanted]
    if settings["cordoned"] and not (node.get("spec") or {}).get("unschedulable"):
        spec["unschedulable"] = True
    if not labels and not spec:
        return None
    metadata: Object = {"labels": labels} if labels else {}
    if "taints" in spec:
        # A list is replaced as a whole, and controllers change it, too.
        metadata["resourceVersion"] = node["metadata"].get("resourceVersion")
    return {"metadata": metadata, **({"spec": spec} if spec else {})}


def rows(settings: Settings, created: Mapping[str, Mapping[str, str]]) -> list[Object]:
    """The settings that people made, for the plan: {name, labels, taints, cordoned} of each node that has any.

    created: node's name -> the labels that it is created with.
    """
    found = []
    for name, own in settings.items():
        labels = {k: v for k, v in own["labels"].items() if created.get(name, {}).get(k) != v}
        taints = [taint_text(taint) for taint in own["taints"] if taint["key"] != _CONTROL_PLANE]
        if labels or taints or own["cordoned"]:
            found.append({"name": name, "labels": labels, "taints": taints, "cordoned": own["cordoned"]})
    return found


def taint_text(taint: Mapping[str, Any]) -> str:
    """key=value:effect, as kubectl taint takes it."""
    value = taint.get("value")
    return f"{taint['key']}{f'={value}' if value else ''}:{taint['effect']}"


def _labels(item: Mapping[str, Any]) -> Mapping[str, str]:
    return item["metadata"].get("labels") or {}


def _taints(item: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (item.get("spec") or {}).get("taints") or ()


def _is_condition(taint: Mapping[str, Any]) -> bool:
    return str(taint["key"]).startswith(_CONDITIONS)


def _lasting(taints: Iterable[Mapping[str, Any]]) -> list[Object]:
    """Those that no controller sets, without the time at which they were added."""
    return [{k: v for k, v in taint.items() if k != "timeAdded"} for taint in taints if not _is_condition(taint)]


def _sorted(taints: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(map(taint_text, taints))
