"""A drawn world's cluster is recreated: the plan and the run agree, refusals change nothing, and everything is back."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import controller
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import renamed_affinity
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import kind_cluster_recreate

from .api import WorldApi
from .choices import Choices
from .host import LOADED
from .names import CLUSTER, NODES, Object
from .properties import Told, attempt, changes, differences
from .requests import FIXED, Request, draw
from .round_trip import changed, unequal
from .scope import WORKLOADS, Key, names_claims, not_retained
from .world import World

IMAGE = "kindest/node:v1.34.4"
# A backup of everything.
PLAIN = dict.fromkeys(("names", "namespaces", "storage_classes", "label_selectors"))
# What a plan and the run that follows it both return.
SAME = ("cluster", "first_step", "without_api", "resumed", "journal", "plan")


def recreate(c: Choices, world: World) -> Iterator[str]:
    """Show the plan, recreate, and look; what does not hold."""
    request = _prepare(c, world)
    objects, state, files = world.api.by_key(), world.api.text(), world.files()
    images = {name: set(runtime.names) for name, runtime in world.host.runtimes.items()}
    told, _plan = _attempt(request, world, True)
    if world.api.text() != state or world.host.writes() or world.files() != files:
        yield f"{request}: check mode changed something: {changes(world, state, files)}"
    if told.verdict == "ok" and world.api.is_stuck():
        return
    world.api.writes.clear()
    done, facts = _attempt(request, world, False)
    tried = _rehearsed(world)
    if told != done and not (tried and told.verdict == "ok" and done.verdict == "Declined"):
        how = "; ".join(differences(told, done)) if told.verdict == done.verdict else f"{told.verdict}, then {done}"
        yield f"{request}: check mode and the run differ: {how}"
    yield from not_retained(objects, world.api)
    if done.verdict == "ok":
        yield from (f"{request}: {problem}" for problem in _lost(request, world, facts, objects, files))
        yield from (f"{request}: {problem}" for problem in _unloaded(request, world, facts, images))
    elif world.api.text() != state or _writes(world) or _kept(files, tried) != _kept(world.files(), tried):
        yield f"{request}: it failed ({done.verdict}) and changed something: {changes(world, state, files)}"


def _prepare(c: Choices, world: World) -> Request:
    """Do what people did before: backups, a detachment, images loaded into nodes."""
    before_that = c.pick(("", "volume_backup", "volume_detach"))
    if before_that:
        attempt(draw(c.part(64), world, before_that), world, False)
    request = _draw(c, world)
    for node in Engine("docker", world.host).nodes(CLUSTER):
        for name in c.some(tuple(LOADED), len(LOADED)):
            if node.role != "external-load-balancer":
                world.host.runtime(node.name).load(name, LOADED[name])
    for _turn in range(c.number(3)):
        attempt(draw(c.part(32), world, "volume_backup", path=request.options["path"], **PLAIN), world, False)
    world.api.binds = True
    world.api.settle()
    world.api.binds = False
    world.host.calls.clear()
    return request


def _rehearsed(world: World) -> list[list[str]]:
    """What was done for a throw-away cluster: its refusals are known from a run only."""
    return [call for call in world.host.calls if any("-rehearsal-" in word for word in call)]


def _writes(world: World) -> list[list[str]]:
    return [call for call in world.host.writes() if call not in _rehearsed(world)]


def _kept(files: Mapping[str, str], tried: object) -> dict[str, str]:
    """The files that may not be changed by a run that ended before its first step, or where a rehearsal was refused."""
    return {path: file for path, file in files.items() if not (tried and path.startswith("/backup"))}


def _unloaded(
    request: Request, world: World, facts: Mapping[str, Any], before: Mapping[str, set[str]]
) -> Iterator[str]:
    """Images that a node had and lacks now, and throw-away clusters that are left."""
    names = {node["Name"].lstrip("/") for node in world.host.nodes}
    yield from (f"{name} is left" for name in sorted(names) if "-rehearsal-" in name)
    if request.options["images"] != "none" and not facts["without_api"]:
        for name in sorted(names & before.keys()):
            lacking = before[name] - world.host.runtime(name).names.keys()
            yield from (f"{name} lacks the image {image}" for image in sorted(lacking))


def _draw(c: Choices, world: World) -> Request:
    arguments = kind_cluster_recreate.ARGUMENTS
    options = defaults(arguments) | {name: value for name, value in FIXED.items() if name in arguments}
    options |= {"path": f"{world.top}/backup", "kubeconfig": str(world.top / "kubeconfig")}
    for name, spec in arguments.items():
        if "choices" in spec and name != "engine" and not c.chance(2):
            options[name] = c.pick(spec["choices"])
    options["rehearse"] = c.pick((None, False, True))
    options["node_map"] = c.pick((None, None, None, {}, {NODES[1]: NODES[0]}, {"gone": NODES[1]}))
    options["attach"] = not c.chance(6)
    options["keep"] = c.pick((0, 0, 1, 2))
    options["options"] = c.pick(
        (_described(world), _described(world), {}, {**_described(world), **c.pick(CHANGES)}, c.pick(CHANGES))
    )
    return Request("kind_cluster_recreate", options)


CHANGES: tuple[Object, ...] = (
    {"image": IMAGE},
    {"image": "node:gone"},
    {"merge_kubeconfig": True},
    {"nodes": [{"role": "control-plane"}]},
    {"nodes": [{"role": "worker"}]},
    {"nodes": []},
    {"workers": 2},
    {"mounts": []},
    {"mounts": [{"host_path": "/kindlab-nowhere/a", "node_path": "/x", "create": False}]},
    {"ports": [{"node_port": 80}]},
    {"labels": {"zone": "a"}},
    {"labels": {"kubernetes.io/x": "a"}},
    {"networking": {"x": 1}},
    {"controller_manager_qps": 1000},
    {"feature_gates": {"A": "x"}},
    {"name": "x"},
    {"nonsense": 1},
)


def _described(world: World) -> Object:
    """The nodes as their containers show them, for a cluster that others made."""
    rows = []
    for node in Engine("docker", world.host).nodes(CLUSTER):
        mounts = [
            {
                "host_path": mount.host_path,
                "node_path": mount.node_path,
                "read_only": mount.read_only,
                "propagation": {"rshared": "Bidirectional"}.get(mount.propagation, "None"),
            }
            for mount in node.mounts
            if mount.kind == "bind"
        ]
        if node.role != "external-load-balancer":
            rows.append({"role": node.role, "mounts": mounts})
    world.host.calls.clear()
    return {"nodes": rows}


def _attempt(request: Request, world: World, check_mode: bool) -> tuple[Told, Mapping[str, Any]]:
    """What is the same in check mode and in the run, and everything that was returned."""
    found = attempt(request, world, check_mode)
    if found.verdict != "ok":
        return found, {}
    facts = found.result[2]
    return Told("ok", copy.deepcopy({name: facts[name] for name in SAME})), facts


def _lost(
    request: Request, world: World, facts: Mapping[str, Any], before: Mapping[Key, Object], files: Mapping[str, str]
) -> Iterator[str]:
    """What does not exist any more, or differs. facts: what the run returned."""
    rows = facts["before"]["volumes"]
    before = {key: _moved(item, facts["plan"]["node_map"]) for key, item in before.items()}
    api = world.host.clusters[CLUSTER]
    assert isinstance(api, WorldApi)
    world.api, api.binds = api, True
    api.settle()
    for row in rows:
        yield from (f"{row['name']} {why}" for why in unequal(row, before, world))
    inside = tuple(f"{row['node_directory'].removeprefix(str(world.top))}/" for row in rows if row["node"])
    kept, now = {path: file for path, file in files.items() if path.startswith(("/h/", *inside))}, world.files()
    lost = changed(kept, {path: file for path, file in now.items() if path in kept})
    yield from (f"{path} is not as it was" for path in lost)
    claims = {key[1:] for key, item in before.items() if key[0] == "PersistentVolumeClaim" and not _is_of_pod(item)}
    everything = request.options["objects"] == "all" and not facts["without_api"]
    # Other values of the option leave Jobs suspended, or out.
    kinds = [kind for kind in WORKLOADS if kind != "Job" or request.options["jobs"] == "resume"]
    for key, item in before.items() if request.options["attach"] else ():
        saved = key[0] in kinds and not controller(item) and not workloads.has_finished(item)
        if saved and (_lasts(key, before) if everything else names_claims(item, claims)):
            again = api.objects.get(key)
            state = workloads.state(again) if again else "gone"
            if state != workloads.state(item):
                yield f"{key} is {state}, it was {workloads.state(item)}"


def _moved(item: Object, node_map: Mapping[str, str]) -> Object:
    """The object; a volume with the nodes that the plan moves it to."""
    affinity = item["spec"].get("nodeAffinity") if item["kind"] == "PersistentVolume" else None
    if not affinity or not affinity.get("required"):
        return item
    required = renamed_affinity(affinity["required"], node_map)
    return {**item, "spec": {**item["spec"], "nodeAffinity": {**affinity, "required": required}}}


def _lasts(key: Key, objects: Mapping[Key, Object]) -> bool:
    """True for an object that nobody deletes, in a namespace that nobody deletes."""
    owners = (objects[key], objects.get(("Namespace", "", key[1])))
    return not any(item is None or item["metadata"].get("deletionTimestamp") for item in owners)


def _is_of_pod(claim: Object) -> bool:
    """True for the claim of a generic ephemeral volume, which is never saved."""
    return (controller(claim) or {"kind": ""})["kind"] == "Pod"
