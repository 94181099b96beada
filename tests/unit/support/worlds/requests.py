"""Drawn requests: a module, and options for it by its own argument spec."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_cluster,
    kind_cluster_info,
    local_data,
    node_drain,
    storage_provisioner,
    storage_provisioner_info,
    volume_backup,
    volume_detach,
    volume_info,
    volume_restore,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import kind_cluster_recreate

from .choices import Choices
from .names import CLASSES, CLUSTER, NAMESPACES, NODES, Object
from .world import World

MODULES = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        volume_backup,
        volume_detach,
        volume_restore,
        node_drain,
        volume_info,
        storage_provisioner,
        local_data,
        kind_cluster,
        storage_provisioner_info,
        kind_cluster_info,
        kind_cluster_recreate,
    )
}
# What changes the cluster most often leaves a lot to look at.
_MORE = ("volume_backup", "volume_detach", "volume_restore", "node_drain", "volume_backup", "volume_detach")
# A recreation leaves another cluster: it is asked for elsewhere.
WEIGHED = (*(name for name in MODULES if name != "kind_cluster_recreate"), *_MORE)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
# Options that are always the same: where the world is, and times that nobody wants to wait.
FIXED: Mapping[str, Any] = {"engine": "docker", "cluster": CLUSTER, "wait_timeout": 1, "wait": False, "context": None}
# What would look at this machine's own files, or wait for a cluster that does not come up.
LEFT = (
    "kind",
    "merge_kubeconfig",
    "retain_on_failure",
    "mounts",
    "nodes",
    "ports",
    "kubeadm_patches",
    "feature_gates",
    "networking",
)
VOLUME_KINDS = ("PersistentVolume", "PersistentVolumeClaim")


@dataclass(frozen=True)
class Request:
    """A module and its options."""

    module: str
    options: Mapping[str, Any]

    def run(self, world: World, check_mode: bool) -> Outcome:
        """Raises what the module raises."""
        run: Callable[..., Outcome] = MODULES[self.module].run
        doubles = {"runner": world.host, "connect": world.host.connect, "now": lambda: NOW, "sleep": lambda _s: None}
        taken = inspect.signature(run).parameters
        return run(self.options, check_mode, **{name: double for name, double in doubles.items() if name in taken})

    def __str__(self) -> str:
        plain = defaults(MODULES[self.module].ARGUMENTS) | FIXED
        given = (f"{key}={value!r}" for key, value in self.options.items() if value != plain.get(key))
        return f"{self.module} {' '.join(given)}"


def draw(c: Choices, world: World, module: str = "", **given: Any) -> Request:
    """A request to a module, of that name or any; given: options that are not drawn."""
    module = module or c.pick(WEIGHED)
    arguments = MODULES[module].ARGUMENTS
    options = defaults(arguments)
    for name, spec in arguments.items():
        required = spec.get("required", False)
        if name not in LEFT and (required or c.chance(5)):
            options[name] = _value(c, name, spec, world)
    options |= {name: value for name, value in FIXED.items() if name in options}
    return Request(module, {**options, **_usual(module, options, world), **given})


def _usual(module: str, options: Mapping[str, Any], world: World) -> dict[str, Any]:
    """Options without which most requests would be refused at once."""
    if module.startswith("kind_cluster"):
        return {"name": CLUSTER, "kubeconfig": str(world.top / "kubeconfig"), "image": None}
    if module == "local_data" and options["state"] == "present":
        return {"namespaces": options["namespaces"] or ["ns"], "path": options["path"] or f"{world.top}/h/0/v1"}
    if module == "storage_provisioner" and options["state"] == "rendered":
        return {"dest": options["dest"] or f"{world.top}/rendered"}
    return {}


def _value(c: Choices, name: str, spec: Mapping[str, Any], world: World) -> Any:
    objects = [item for item in world.api.objects.values() if item["kind"] in VOLUME_KINDS]
    names = sorted(_full_name(item) for item in objects)
    pools: dict[str, tuple[Any, ...]] = {
        "path": (*[f"{world.top}/backup"] * 8, f"{world.top}/other", f"{world.top}/h/0/v1"),
        "backup": (f"{world.top}/backup", f"{world.top}/other"),
        "dest": (f"{world.top}/rendered", f"{world.top}/h/0"),
        "root": (f"{world.top}/h", f"{world.top}/none"),
        "kubeconfig": (None,),
        "node": (NODES[1], NODES[1], *NODES, NODES[2], "gone"),
        "node_path": (f"{world.top}/n/a", f"{world.top}/n/b", "/", "relative"),
        "storage_class": tuple(CLASSES),
        "namespace": NAMESPACES,
        "generation": (None, "000001-20260102T030405Z", "../x", "gone"),
        "name": ("c",),
    }
    members: dict[str, tuple[Any, ...]] = {
        "names": (*names * 8, "gone", ""),
        "namespaces": (*NAMESPACES * 4, "gone", ""),
        "storage_classes": tuple(CLASSES),
        "label_selectors": ("app=db", "a/b="),
        "pod_selectors": ("app=db", "a/b="),
        "supplemental_groups": (1, 2**40),
        "paths": ({"paths": [f"{world.top}/n/a"]}, {"node": "k-worker", "paths": []}),
    }
    kind = spec["type"]
    if "choices" in spec:
        return c.pick(spec["choices"])
    if kind == "bool":
        return c.chance(2)
    if kind == "int":
        return c.pick((*[spec.get("default")] * 4, 1, 2, 9, 0, -1))
    if kind == "list":
        return [] if c.chance(12) else [c.pick(members.get(name, ("x",))) for _turn in range(1 + c.number(2))]
    if kind == "dict":
        return c.pick(({}, {NODES[1]: NODES[2]}, {"gone": NODES[1]}))
    return c.pick(pools.get(name, (spec.get("default"), "x")))


def _full_name(item: Object) -> str:
    return "/".join(filter(None, (item["metadata"].get("namespace"), item["metadata"]["name"])))
