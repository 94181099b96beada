# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster's objects as a provisioner's plan reads and changes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_default_class
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import (
    Object,
    Ref,
    merged,
    without_nulls,
)

from .registry import LABEL, PROVISIONERS, Provisioner

# What has to be read for a plan.
SEEN = (
    *("Namespace", "Node", "StorageClass", "Deployment", "ConfigMap", "Lease", "ServiceAccount"),
    *("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"),
    *("Pod", "PersistentVolume", "PersistentVolumeClaim"),
)

State = Mapping[Ref, Object]


@dataclass(frozen=True)
class Step:
    """One change. verb: create, patch (a merge patch), delete (until it is gone), or serve: wait until it serves."""

    verb: str
    ref: Ref
    body: Object = field(default_factory=dict)


def applied(state: State, steps: Iterable[Step]) -> State:
    """What the cluster has after the steps."""
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
            wanted = live["spec"].get("replicas", 1)
            counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), wanted)
            seen = {"observedGeneration": live["metadata"].get("generation", 0)}
            objects[step.ref] = merged(live, {"status": {**counts, **seen}})
    return objects


def serving(provisioner: Provisioner, state: State) -> list[Ref]:
    """The Deployments that serve this driver, whoever installed them."""
    return sorted(ref for ref, item in state.items() if ref[0] == "Deployment" and provisioner.serves(item))


def running(state: State) -> dict[Ref, str]:
    """All Deployments of this collection's provisioners, whoever installed them, and what each is called here."""
    return {
        ref: name
        for name, provisioner in PROVISIONERS.items()
        for ref in serving(provisioner, state)
        if provisioner.is_configured(config_of(provisioner, ref, state))
    }


def config_of(provisioner: Provisioner, deployment: Ref, state: State) -> Object | None:
    """The ConfigMap that a Deployment reads, where there is one."""
    return state.get(("ConfigMap", deployment[1], provisioner.config_map))


def directories(paths: Iterable[Object]) -> list[str]:
    """The directories of what a provisioner says of its paths."""
    return sorted({path for entry in paths for path in entry["paths"]})


def marked(provisioner: Provisioner, state: State) -> list[Ref]:
    """What was made here for a provisioner of this driver; namespaces apart."""
    names = {name for name, other in PROVISIONERS.items() if other.driver == provisioner.driver}
    return sorted(
        ref
        for ref, item in state.items()
        if (item["metadata"].get("labels") or {}).get(LABEL) in names and ref[0] not in ("Namespace", "Pod")
    )


def classes_of(state: State, driver: str) -> list[Ref]:
    """The classes of one driver."""
    return sorted(ref for ref, item in state.items() if ref[0] == "StorageClass" and item["provisioner"] == driver)


def default_classes(state: State) -> list[Ref]:
    """The default classes; there should be one."""
    return sorted(ref for ref, item in state.items() if ref[0] == "StorageClass" and is_default_class(item))


def is_marked(item: Object) -> bool:
    """True for what was made here."""
    return LABEL in (item["metadata"].get("labels") or {})
