# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what a cluster has to the provisioner that is asked for: ordered steps, or the reason to refuse."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import DEFAULT_ANNOTATIONS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.deployments import rollout_complete
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import (
    Object,
    Ref,
    by_ref,
    is_subset,
    must_be_replaced,
    ref_of,
    without_nulls,
)

from .manifests import Images
from .refusals import (
    check_kept,
    check_takeover,
    check_unused,
)
from .registry import CONFIG_REPLACED, PROVISIONERS, Provisioner, labelled, storage_class
from .request import (
    NodePaths,
    Request,
    check_nodes,
)
from .state import (
    State,
    Step,
    applied,
    classes_of,
    config_of,
    default_classes,
    is_marked,
    marked,
    running,
    serving,
)

# What is in every namespace.
_EVERYWHERE = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}


def plan_present(request: Request, state: State, force: bool = False) -> tuple[Step, ...]:
    """The steps to one provisioner with its class; () where all is so already.

    Other Deployments of the same driver go first: two of them would race for each claim. Classes come when something
    serves them, and last goes what has no class any more. Raises BadInput, Declined or Conflict.
    """
    provisioner = PROVISIONERS[request.name]
    check_nodes(request, (name for kind, _namespace, name in state if kind == "Node"))
    check_takeover(request, provisioner, state)
    if not force:
        check_kept(request, state)
    wanted = _wanted(request, provisioner, state)
    refs = {ref_of(item) for item in wanted}
    steps = [Step("delete", ref) for ref in _others(provisioner, state) if ref not in refs]
    steps += [step for item in wanted for step in _towards(item, state)]
    deployment = ref_of(wanted[-1])
    steps += _restart(deployment, steps, state)
    if any(step.ref == deployment for step in steps) or not rollout_complete(state[deployment]):
        steps.append(Step("serve", deployment))
    steps += _class_steps(request, provisioner.driver, state)
    return (*steps, *_displaced(request, steps, state, force))


def plan_absent(request: Request, state: State, force: bool) -> tuple[Step, ...]:
    """The steps to no provisioner of this driver, whoever installed it; () where there is none.

    Raises Declined, with the list, while volumes or claims need it.
    """
    driver = PROVISIONERS[request.name].driver
    steps = _removal(request.name, {request.namespace}, state)
    if steps and not force:
        check_unused(request.name, driver, state)
    return steps


def manifests(request: Request) -> tuple[Object, ...]:
    """All objects as they are made in a cluster that has nothing yet but the nodes that are named, in their order."""
    named = {("Node", "", entry.node): {"kind": "Node", "metadata": {"name": entry.node}} for entry in request.paths}
    return tuple(without_nulls(step.body) for step in plan_present(request, named) if step.verb == "create")


def plan_file(wanted: Iterable[Object], state: State) -> tuple[Step, ...]:
    """The steps from the objects that a file has to those that it is to have; nothing of another one stays."""
    after = by_ref(wanted)
    gone = (Step("delete", ref) for ref in state if ref not in after)
    made = (Step("patch" if ref in state else "create", ref, item) for ref, item in after.items())
    return (*gone, *(step for step in made if state.get(step.ref) != step.body))


def _displaced(request: Request, steps: Iterable[Step], state: State, force: bool) -> tuple[Step, ...]:
    """The steps by which provisioners of other drivers go that have no class any more: nobody could ask them.

    Raises Declined where they lose their class here, and something needs them. One that lost it earlier stays then.
    """
    after = applied(state, steps)
    gone: tuple[Step, ...] = ()
    for name in dict.fromkeys(running(after).values()):
        driver = PROVISIONERS[name].driver
        if driver == PROVISIONERS[request.name].driver or classes_of(after, driver):
            continue
        try:
            if not force:
                check_unused(name, driver, state)
        except Declined:
            if classes_of(state, driver):
                raise
            continue
        gone += _removal(name, set(), applied(after, gone))
    return gone


def _removal(name: str, spaces: set[str], state: State) -> tuple[Step, ...]:
    """The steps to no provisioner of this one's driver: its classes, Deployments, and what belongs to them."""
    provisioner = PROVISIONERS[name]
    served = serving(provisioner, state)
    known = [
        ref_of(item)
        for space in sorted(spaces | {namespace for _kind, namespace, _name in served})
        for item in reversed(provisioner.manifests(_somewhere(name, space), Images("")))
        if item["kind"] != "Namespace"
    ]
    classes = classes_of(state, provisioner.driver)
    gone = [*classes, *served, *(r for r in (*known, *marked(provisioner, state)) if r in state)]
    steps = [Step("delete", ref) for ref in dict.fromkeys(gone)]
    return (*steps, *(Step("delete", ref) for ref in _empty_namespaces(state, steps)))


def _somewhere(name: str, namespace: str) -> Request:
    """A request that serves to know how objects are called."""
    return Request(name, namespace, "", False, "", "", (NodePaths("", ("/",)),))


def _wanted(request: Request, provisioner: Provisioner, state: State) -> tuple[Object, ...]:
    """All objects but the class; the images are those of the Deployment in place, else of any other."""
    place = ("Deployment", request.namespace, provisioner.deployment)
    current = next((ref for ref in (place, *serving(provisioner, state)) if ref in state), place)
    config_map = config_of(provisioner, current, state)
    nodes = (item for ref, item in state.items() if ref[0] == "Node")
    images = provisioner.images(request, state.get(current), config_map, nodes)
    return tuple(labelled(request, item) for item in provisioner.manifests(request, images))


def _others(provisioner: Provisioner, state: State) -> list[Ref]:
    """All Deployments of this driver, their configuration, and what was made here for one."""
    served = serving(provisioner, state)
    configs = [("ConfigMap", namespace, provisioner.config_map) for _kind, namespace, _name in served]
    found = [*served, *(ref for ref in configs if ref in state), *marked(provisioner, state)]
    return list(dict.fromkeys(found))


def _towards(wanted: Object, state: State) -> list[Step]:
    ref = ref_of(wanted)
    live = state.get(ref)
    if live is None:
        return [Step("create", ref, wanted)]
    # A namespace that is there was made by somebody else, and stays unmarked, or here, and is marked.
    if wanted["kind"] == "Namespace":
        return []
    if must_be_replaced(wanted, live):
        return [Step("delete", ref), Step("create", ref, wanted)]
    return [] if is_subset(wanted, live) else [Step("patch", ref, wanted)]


def _restart(deployment: Ref, steps: Iterable[Step], state: State) -> list[Step]:
    """New pods where only the configuration was put right: they may have read what somebody wrote into it."""
    edited = [step.ref for step in steps if step.verb == "patch" and step.ref[0] == "ConfigMap"]
    if not edited or any(step.ref == deployment for step in steps):
        return []
    mark = {CONFIG_REPLACED: state[edited[0]]["metadata"].get("resourceVersion", "")}
    return [Step("patch", deployment, {"spec": {"template": {"metadata": {"annotations": mark}}}})]


def _class_steps(request: Request, driver: str, state: State) -> list[Step]:
    wanted = storage_class(request, driver)
    steps = []
    for ref in default_classes(state) if request.default_class else ():
        if ref != ref_of(wanted):
            annotations = state[ref]["metadata"]["annotations"]
            loses = {name: "false" for name in DEFAULT_ANNOTATIONS if annotations.get(name) == "true"}
            steps.append(Step("patch", ref, {"metadata": {"annotations": loses}}))
    return steps + _towards(wanted, state)


def _empty_namespaces(state: State, steps: Iterable[Step]) -> list[Ref]:
    """Namespaces that were made here and have nothing left in them after the steps; pods of what goes apart."""
    left = applied(state, steps)
    going = [state[step.ref] for step in steps if step.ref[0] == "Deployment"]
    busy = {
        ref[1]
        for ref, item in left.items()
        if (ref[0], ref[2]) not in _EVERYWHERE and not any(_runs(deployment, item) for deployment in going)
    }
    made = (ref for ref, item in left.items() if ref[0] == "Namespace" and is_marked(item))
    return sorted(ref for ref in made if ref[2] not in busy)


def _runs(deployment: Object, item: Object) -> bool:
    labels = deployment["spec"]["selector"].get("matchLabels", {})
    same = item["metadata"].get("namespace") == deployment["metadata"]["namespace"]
    return item["kind"] == "Pod" and same and is_subset(labels, item["metadata"].get("labels"))
