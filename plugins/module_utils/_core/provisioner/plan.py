# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan a provisioner and its storage class: ordered steps from the objects of a cluster, or of a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import (
    DEFAULT_ANNOTATIONS,
    rollout_complete,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import (
    Object,
    Ref,
    by_ref,
    ref_of,
    without_nulls,
)

from .backends.base import Images, NodePaths, Provisioner, Settings
from .refusals import check_file, check_foreign_objects, check_successor, check_unused, dependents
from .registry import PROVISIONERS
from .report import describe, difference, result
from .request import Request
from .state import (
    LABEL,
    State,
    Step,
    applied,
    classes_of,
    config_of,
    create_or_patch,
    default_classes,
    empty_namespaces,
    installed,
    labelled,
    others,
    serving,
)

CONFIG_REPLACED = "kindlab.volumes/replaced-config"


@dataclass(frozen=True)
class Plan:
    """The steps, and the objects before and after them; () if nothing is to be done."""

    request: Request
    before: State
    after: State
    steps: tuple[Step, ...]

    @property
    def changed(self) -> bool:
        """False if the only step is to wait."""
        return any(step.verb != "wait" for step in self.steps)

    def diff(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Provisioners, storage classes and changed objects, before and after."""
        before, after = difference(self.steps, self.before)
        return {**describe(self.before), "objects": before}, {**describe(self.after), "objects": after}

    def result(self) -> dict[str, Any]:
        """What the module returns."""
        if self.request.state == "absent":
            return {}
        dest = {"dest": self.request.dest} if self.request.dest else {}
        return {"provisioner": result(self.request, self.after), **dest}


def plan(request: Request, observed: State) -> Plan:
    """observed: the objects of the cluster, or of the file if rendered. Raises BadInput, Declined or Conflict."""
    if request.state == "rendered":
        check_file(request, observed)
        after = by_ref(manifests(request))
        # The file keeps nothing else.
        changes = [Step("delete", ref) for ref in observed if ref not in after]
        for ref, item in after.items():
            if observed.get(ref) != item:
                changes.append(Step("patch" if ref in observed else "create", ref, item))
        return Plan(request, observed, after, tuple(changes))
    if request.state == "present":
        steps = _present(request, observed)
    else:
        steps = _removal(request.name, {request.namespace}, observed)
        if steps and not request.force:
            check_unused(request.name, observed)
    return Plan(request, observed, applied(observed, steps), steps)


def manifests(request: Request) -> tuple[Object, ...]:
    """All objects in the order of their creation in a cluster that has nothing but the nodes that are named."""
    nodes = {("Node", "", entry.node): {"kind": "Node", "metadata": {"name": entry.node}} for entry in request.paths}
    return tuple(without_nulls(step.body) for step in _present(request, nodes) if step.verb == "create")


def storage_class(request: Request, driver: str) -> Object:
    """The class without the beta annotation, which Kubernetes still honours."""
    default, beta = DEFAULT_ANNOTATIONS
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": request.storage_class,
            "annotations": {default: "true" if request.default_class else "false", beta: None},
        },
        "provisioner": driver,
        "reclaimPolicy": request.reclaim_policy,
        "volumeBindingMode": request.binding_mode,
    }


def _present(request: Request, state: State) -> tuple[Step, ...]:
    """The steps to one provisioner with its class.

    Other Deployments of the same driver are deleted first: two of them would race for each claim. Classes are created
    once the provisioner is ready, and provisioners without a class are removed last.
    """
    provisioner = PROVISIONERS[request.name]
    request.check_nodes(name for kind, _namespace, name in state if kind == "Node")
    check_foreign_objects(request, provisioner, state)
    if not request.force:
        check_successor(request, state)
    requested = _requested(request, provisioner, state)
    refs = {ref_of(item) for item in requested}
    steps = [Step("delete", ref) for ref in others(provisioner, state) if ref not in refs]
    steps += [step for item in requested for step in create_or_patch(item, state)]
    deployment = ref_of(requested[-1])
    steps += _restart(deployment, steps, state)
    if any(step.ref == deployment for step in steps) or not rollout_complete(state[deployment]):
        steps.append(Step("wait", deployment))
    steps += _class_steps(request, provisioner.driver, state)
    return (*steps, *_remove_unused(request, steps, state))


def _remove_unused(request: Request, steps: Iterable[Step], state: State) -> tuple[Step, ...]:
    """The steps that remove provisioners of other drivers that have no class any more: no claim could request them.

    Raises Declined if one loses its class in this plan and is still needed. One that lost it earlier is kept then.
    """
    after = applied(state, steps)
    removed: tuple[Step, ...] = ()
    for name in dict.fromkeys(installed(after).values()):
        driver = PROVISIONERS[name].driver
        if driver == PROVISIONERS[request.name].driver or classes_of(after, driver):
            continue
        if not request.force and classes_of(state, driver):
            check_unused(name, state)
        if request.force or not dependents(driver, state):
            removed += _removal(name, set(), applied(after, removed))
    return removed


def _removal(name: str, namespaces: set[str], state: State) -> tuple[Step, ...]:
    """The steps to no provisioner of this one's driver: its classes, Deployments, and what belongs to them."""
    provisioner = PROVISIONERS[name]
    deployments = serving(provisioner, state)
    known: list[Ref] = []
    for namespace in sorted(namespaces | {namespace for _kind, namespace, _name in deployments}):
        # Only the names of the objects matter.
        settings = Settings(name=name, namespace=namespace, paths=(NodePaths("", ("/",)),))
        known += map(ref_of, reversed(provisioner.manifests(settings, Images(""))))
    own = [ref for ref in (*known, *labelled(provisioner, state)) if ref in state and ref[0] != "Namespace"]
    refs = dict.fromkeys([*classes_of(state, provisioner.driver), *deployments, *own])
    steps = [Step("delete", ref) for ref in refs]
    return (*steps, *(Step("delete", ref) for ref in empty_namespaces(state, steps)))


def _requested(request: Request, provisioner: Provisioner, state: State) -> tuple[Object, ...]:
    """All objects but the class. Images are kept from the Deployment that is replaced, else from any other."""
    own = ("Deployment", request.namespace, provisioner.deployment)
    current = next((ref for ref in (own, *serving(provisioner, state)) if ref in state), own)
    config_map = config_of(provisioner, current, state)
    nodes = (item for ref, item in state.items() if ref[0] == "Node")
    images = provisioner.images(request, state.get(current), config_map, nodes)
    label = {"labels": {LABEL: request.name}}
    return tuple({**item, "metadata": {**item["metadata"], **label}} for item in provisioner.manifests(request, images))


def _restart(deployment: Ref, steps: Iterable[Step], state: State) -> list[Step]:
    """New pods if only the ConfigMap was edited: they may have read the edited one."""
    edited = [step.ref for step in steps if step.verb == "patch" and step.ref[0] == "ConfigMap"]
    if not edited or any(step.ref == deployment for step in steps):
        return []
    annotations = {CONFIG_REPLACED: state[edited[0]]["metadata"].get("resourceVersion", "")}
    return [Step("patch", deployment, {"spec": {"template": {"metadata": {"annotations": annotations}}}})]


def _class_steps(request: Request, driver: str, state: State) -> list[Step]:
    requested = storage_class(request, driver)
    steps = []
    for ref in default_classes(state) if request.default_class else ():
        if ref != ref_of(requested):
            annotations = state[ref]["metadata"]["annotations"]
            demoted = {name: "false" for name in DEFAULT_ANNOTATIONS if annotations.get(name) == "true"}
            steps.append(Step("patch", ref, {"metadata": {"annotations": demoted}}))
    return steps + create_or_patch(requested, state)
