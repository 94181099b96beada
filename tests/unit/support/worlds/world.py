"""A drawn world: one machine, one kind cluster on it, and everything that its API server has accepted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import api_of

from .api import WorldApi
from .choices import Choices
from .host import RUNTIMES, WorldHost, build_host, directories
from .names import CLAIMS, CLASSES, CLUSTER, NAMESPACES, NODES, PODS, VOLUMES, WORKLOADS, Object, metadata
from .pods import KINDS, budget, made_by, node, pod, workload
from .volumes import attachment, bind, claim, storage_class, volume

# In memory if possible: most of the time is spent on files.
PLACE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# What people write into the ConfigMaps that modules read.
LOCAL_PATHS = (
    '{"nodePathMap":[{"node":"DEFAULT_PATH_FOR_NON_LISTED_NODES","paths":["%s/n/a"]}]}',
    '{"nodePathMap":[{"node":"k-worker","paths":[]},{"paths":["/%s/n/a","relative"]}]}',
    '{"sharedFileSystemPath":"%s/n/a"}',
    '{"nodePathMap":null,"storageClassConfigs":{"x":{"sharedFileSystemPath":"%s/n/b"},"y":{"nodePathMap":[]}}}',
    '{"nodePathMap":{"a":"%s"}}',
    '{"nodePathMap":[null,"x",{"node":7,"paths":[7,null]},{"node":null,"paths":"%s"}]}',
    '{"storageClassConfigs":["%s"],"sharedFileSystemPath":7,"cmdTimeoutSeconds":"x"}',
    '{"storageClassConfigs":{"a":null,"b":"%s"}}',
    '["%s"]',
    "no JSON: %s",
    "",
)
RECORDS = (
    '{"kind":"Cluster","name":"k","nodes":[{"role":"control-plane"},{"role":"worker"}]}',
    '{"name":"k","nodes":[{"role":"control-plane","extraMounts":[{"hostPath":"/h","containerPath":"/n"}]}]}',
    "{}",
    "[]",
    "null",
    '[["name","k"]]',
    '{"name":"k","nodes":[{}]}',
    '{"name":"k","nodes":null}',
    '{"name":7,"nodes":[{"role":7}]}',
    '{"name":"k","nodes":[{"role":"control-plane","extraMounts":[7],"extraPortMappings":{"a":1}}]}',
    '{"name":"k","nodes":[],"networking":[],"kubeadmConfigPatches":[7,null,"{"]}',
    '{"name":"k","nodes":[{"role":"worker"}],"networking":{"x":1},"featureGates":7}',
    "no JSON",
)


@dataclass
class World:
    """Its directory holds all files of the machine; the API server's objects are in memory."""

    top: Path
    host: WorldHost
    api: WorldApi

    def files(self) -> dict[str, str]:
        """Path -> type, mode and content of everything below the directory, without what runtimes and kind keep."""
        return dict(_files(self.top))


def build(c: Choices, top: Path) -> World:
    """The world of these choices in an empty directory."""
    host = build_host(c.part(96), top)
    found = directories(top)
    storage = _storage(c.part(320), found)
    objects = [*_base(c.part(128), top), *storage, *_pods(c.part(512), found, storage)]
    unique = {(item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]): item for item in objects}
    api = WorldApi(*unique.values())
    api.settle()
    host.clusters[CLUSTER] = api
    return World(top, host, api)


def _base(c: Choices, top: Path) -> Iterator[Object]:
    nodes = [{"role": "control-plane"}]
    for item in api_of({"name": CLUSTER, "nodes": nodes}).objects.values():
        if item["kind"] not in ("Node", "StorageClass"):
            yield item
    for name in NODES:
        if not c.chance(10):
            yield node(c, name)
    if c.chance(20):
        yield node(c, "gone")
    for name in NAMESPACES:
        if name == "kube-system" or not c.chance(6):
            found = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(c, "Namespace", name)}
            phase = "Terminating" if found["metadata"].get("deletionTimestamp") else "Active"
            yield {**found, "spec": {}, **c.pick(({"status": {"phase": phase}}, {"status": {"phase": phase}}, {}))}
    yield from (storage_class(c, name) for name in CLASSES if name and not c.chance(3))
    yield from _config_maps(c, top)
    if c.chance(2):
        yield _provisioner(c)


def _config_maps(c: Choices, top: Path) -> Iterator[Object]:
    """ConfigMaps that modules read, as people leave them."""
    for name, namespace, key, texts in (
        ("local-path-config", "local-path-storage", "config.json", LOCAL_PATHS),
        ("kindlab-cluster", "kube-system", "config", RECORDS),
        ("local-path-config", "ns", "config.json", LOCAL_PATHS),
    ):
        data: Object = {"data": {key: c.pick(texts).replace("%s", str(top))}}
        if c.chance(8):
            data = c.pick(({}, {"data": {}}))
        if not c.chance(3):
            where = metadata(c, "ConfigMap", name, namespace)
            yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": where, **data}


def _provisioner(c: Choices) -> Object:
    """The Deployment of local-path-provisioner, as different programs install it."""
    container = c.pick(
        (
            {
                "name": "p",
                "image": "docker.io/kindest/local-path-provisioner:v1",
                "command": ["local-path-provisioner", "start"],
            },
            {"name": "p", "image": "local-path-provisioner", "command": [], "env": [{"name": "PROVISIONER_NAME"}]},
            {"name": "p", "image": "i"},
        )
    )
    labels = {"matchLabels": {"app": "local-path-provisioner"}}
    spec = {
        "selector": c.pick((labels, {"matchExpressions": [{"key": "app", "operator": "Exists"}]})),
        "template": {"metadata": {}, "spec": {"containers": [container]}},
    }
    where = metadata(c, "Deployment", "local-path-provisioner", "local-path-storage")
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": where,
        "spec": spec,
        **c.pick(({}, {"status": {}})),
    }


def _storage(c: Choices, paths: tuple[str, ...]) -> list[Object]:
    names = VOLUMES[: c.number(len(VOLUMES) + 1)]
    found: list[Object] = []
    for number, name in enumerate(names):
        one = c.part(56)
        pv = volume(one, name, paths if one.chance(3) else paths[:3])
        found.append(pv)
        if not one.chance(4):
            other = claim(one, CLAIMS[number], one.pick(NAMESPACES), names)
            if not one.chance(3):
                bind(pv, other)
            found.append(other)
    for _turn in range(c.number(3)):
        found.append(claim(c, c.pick(CLAIMS), c.pick(NAMESPACES), names))
    return [*found, *([attachment(c, "a")] if c.chance(3) else [])]


def _pods(c: Choices, paths: tuple[str, ...], storage: list[Object]) -> list[Object]:
    found = []
    claims = [item["metadata"] for item in storage if item["kind"] == "PersistentVolumeClaim"]
    spaces = (*[claim["namespace"] for claim in claims] * 4, *NAMESPACES)
    for turn in range(c.number(5) + c.number(5)):
        one = c.part(48)
        space = one.pick(spaces)
        used = tuple(claim["name"] for claim in claims if claim["namespace"] == space)
        if turn % 2:
            item = workload(one, one.pick(KINDS), one.pick(WORKLOADS), space, paths, used)
            found += [item, *(made_by(item, one.pick(NODES)) if one.chance(2) else ())]
        else:
            found.append(pod(one, one.pick(PODS), space, paths, used))
    for name in ("one", "two")[: c.number(3)]:
        found.append(budget(c, name, c.pick(NAMESPACES)))
    return found


def _files(top: Path) -> Iterator[tuple[str, str]]:
    todo = [str(top)]
    while todo:
        with os.scandir(todo.pop()) as entries:
            for entry in entries:
                path = entry.path[len(str(top)) :]
                if path in (f"/{RUNTIMES}", "/home"):
                    continue
                if entry.is_symlink():
                    yield path, f"link {os.readlink(entry.path)}"
                elif entry.is_dir():
                    yield path, f"directory {entry.stat().st_mode:o}"
                    todo.append(entry.path)
                else:
                    content = Path(entry.path).read_bytes()
                    yield path, f"file {entry.stat().st_mode:o} {hashlib.sha256(content).hexdigest()}"
