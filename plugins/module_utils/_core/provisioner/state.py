# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of a cluster that a provisioner's plan reads and changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_default_class
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import (
    Object,
    Ref,
    is_subset,
    merged,
    must_be_replaced,
    ref_of,
    without_nulls,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import selects

from .backends.base import Provisioner
from .registry import PROVISIONERS

LABEL = "kindlab.volumes/provisioner"
# What a plan reads.
RESOURCES = (
    *("Namespace", "Node", "StorageClass", "Deployment", "ConfigMap", "Lease", "ServiceAccount"),
    *("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"),
    *("Pod", "PersistentVolume", "PersistentVolumeClaim"),
)
# Every namespace has these.
_EVERYWHERE = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}

State = Mapping[Ref, Object]


@dataclass(frozen=True)
class Step:
    """One change. verb: create, patch (a merge patch), delete (until it is gone), or wait (for the rollout)."""

    verb: str
    ref: Ref
    body: Object = field(default_factory=dict)


def applied(state: State, steps: Iterable[Step]) -> State:
    """The objects after the steps."""
    objects = dict(state)
    for step in steps:
        if step.verb == "delete":
            objects.pop(step.ref, None)
        elif step.verb == "create":
            objects[step.ref] = without_nulls(step.body)
        elif step.verb == "patch":
            objects[step.ref] = merged(objects[step.ref], step.body)
        else:
            live = objects[step.ref]
            replicas = live["spec"].get("replicas", 1)
            counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), replicas)
            observed = {"observedGeneration": live["metadata"].get("generation", 0)}
            objects[step.ref] = merged(live, {"status": {**counts, **observed}})
    return objects


def serving(provisioner: Provisioner, state: State) -> list[Ref]:
    """The Deployments that provision for this driver, whoever installed them."""
    return sorted(ref for ref, item in state.items() if ref[0] == "Deployment" and provisioner.serves(item))


def installed(state: State) -> dict[Ref, str]:
    """All Deployments of this collection's provisioners, whoever installed them -> the provisioner's name."""
    return {
        ref: name
        for name, provisioner in PROVISIONERS.items()
        for ref in serving(provisioner, state)
        if provisioner.is_configured(config_of(provisioner, ref, state))
    }


def config_of(provisioner: Provisioner, deployment: Ref, state: State) -> Object | None:
    """The ConfigMap that a Deployment reads, None if there is none."""
    return state.get(("ConfigMap", deployment[1], provisioner.config_map))


def labelled(provisioner: Provisioner, state: State) -> list[Ref]:
    """What this collection has created for a provisioner of this driver, except namespaces."""
    names = {name for name, other in PROVISIONERS.items() if other.driver == provisioner.driver}
    return sorted(
        ref
        for ref, item in state.items()
        if (item["metadata"].get("labels") or {}).get(LABEL) in names and ref[0] not in ("Namespace", "Pod")
    )


def others(provisioner: Provisioner, state: State) -> list[Ref]:
    """All Deployments of this driver, their configuration, and what this collection has created for them."""
    deployments = serving(provisioner, state)
    configs = [("ConfigMap", namespace, provisioner.config_map) for _kind, namespace, _name in deployments]
    return list(dict.fromkeys([*deployments, *(ref for ref in configs if ref in state), *labelled(provisioner, state)]))


def create_or_patch(requested: Object, state: State) -> list[Step]:
    """The steps to an object as requested."""
    ref = ref_of(requested)
    live = state.get(ref)
    if live is None:
        return [Step("create", ref, requested)]
    # An existing namespace belongs to another tool and stays without a label, or is this collection's and has one.
    if requested["kind"] == "Namespace":
        return []
    if must_be_replaced(requested, live):
        return [Step("delete", ref), Step("create", ref, requested)]
    return [] if is_subset(requested, live) else [Step("patch", ref, requested)]


def is_labelled(item: Object) -> bool:
    """True for what this collection has created for any provisioner."""
    return LABEL in (item["metadata"].get("labels") or {})


def classes_of(state: State, driver: str) -> list[Ref]:
    """The storage classes of one driver."""
    return sorted(ref for ref, item in state.items() if ref[0] == "StorageClass" and item["provisioner"] == driver)


def default_classes(state: State) -> list[Ref]:
    """The default storage classes; there should be one."""
    return sorted(ref for ref, item in state.items() if ref[0] == "StorageClass" and is_default_class(item))


def empty_namespaces(state: State, steps: Iterable[Step]) -> list[Ref]:
    """This collection's namespaces in which the steps leave nothing but the pods of deleted Deployments."""
    left = applied(state, steps)
    deleted = [state[step.ref] for step in steps if step.ref[0] == "Deployment"]
    busy = {
        ref[1]
        for ref, item in left.items()
        if (ref[0], ref[2]) not in _EVERYWHERE and not any(_selects(deployment, item) for deployment in deleted)
    }
    own = (ref for ref, item in left.items() if ref[0] == "Namespace" and is_labelled(item))
    return sorted(ref for ref in own if ref[2] not in busy)


def _selects(deployment: Object, item: Object) -> bool:
    same = item["metadata"].get("namespace") == deployment["metadata"]["namespace"]
    labels = item["metadata"].get("labels") or {}
    return item["kind"] == "Pod" and same and selects(deployment["spec"]["selector"], labels)
