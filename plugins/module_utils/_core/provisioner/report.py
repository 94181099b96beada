# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a cluster has and what changes in it, in the collection's own words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_default_class
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.deployments import argv, containers, flag
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, Ref, ref_text

from . import hostpath as provisioner_hostpath
from . import local_path as provisioner_local_path
from .registry import PROVISIONERS
from .request import Request
from .state import (
    State,
    Step,
    config_of,
    running,
)


def describe(state: State) -> dict[str, Any]:
    """The provisioners that are known here and all classes: {provisioners: {...}, storage_classes: {...}}."""
    provisioners = {f"{ref[1]}/{ref[2]}": _describe(ref, name, state) for ref, name in sorted(running(state).items())}
    classes = {
        ref[2]: {
            "provisioner": item["provisioner"],
            "reclaim_policy": item.get("reclaimPolicy", "Delete"),
            "binding_mode": item.get("volumeBindingMode", "Immediate"),
            "default": is_default_class(item),
        }
        for ref, item in sorted(state.items(), key=lambda entry: entry[0])
        if ref[0] == "StorageClass"
    }
    return {"provisioners": provisioners, "storage_classes": classes}


def _describe(deployment: Ref, name: str, state: State) -> Object:
    provisioner, item = PROVISIONERS[name], state[deployment]
    config_map = config_of(provisioner, deployment, state)
    image, helper = provisioner.running(item, config_map)
    return {
        "name": name,
        "image": image,
        "helper_image": helper,
        "replicas": item["spec"].get("replicas", 1),
        "paths": provisioner.paths(item, config_map),
    }


def difference(steps: Iterable[Step], state: State) -> tuple[dict[str, str], dict[str, str]]:
    """The objects that the steps touch, classes apart, before and after; each present, absent or different."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for step in steps:
        if step.verb == "serve" or step.ref[0] == "StorageClass":
            continue
        name = ref_text(step.ref)
        was = "absent" if step.ref not in state else "different" if step.verb == "patch" else "present"
        before.setdefault(name, was)
        after[name] = "absent" if step.verb == "delete" else "as asked"
    return before, after


def facts(request: Request, state: State) -> Object:
    """The module's return values for a provisioner that is there (or will be, after check mode)."""
    provisioner = PROVISIONERS[request.name]
    place = f"{request.namespace}/{provisioner.deployment}"
    words = describe(state)
    shown = words["storage_classes"][request.storage_class]
    return {
        "driver": provisioner.driver,
        "namespace": request.namespace,
        "deployment": provisioner.deployment,
        **words["provisioners"][place],
        "storage_class": request.storage_class,
        "default_class": shown["default"],
        "reclaim_policy": shown["reclaim_policy"],
        "binding_mode": shown["binding_mode"],
    }


# What has to be read for it.
SEEN = ("StorageClass", "Deployment", "ConfigMap")
_FLAGS = {
    "local_path": provisioner_local_path.FLAGS,
    "local_path_shared": provisioner_local_path.FLAGS,
    "hostpath": provisioner_hostpath.FLAGS,
}


def provisioners(state: State) -> list[Object]:
    """The provisioners of this collection that are there, whoever installed them."""
    words = describe(state)["provisioners"]
    return [
        {"namespace": ref[1], "deployment": ref[2], "driver": PROVISIONERS[name].driver, **words[f"{ref[1]}/{ref[2]}"]}
        for ref, name in sorted(running(state).items())
    ]


def classes(state: State) -> list[Object]:
    """The storage classes by name, each with options: {} where no provisioner that is known here serves it."""
    servers = {server["driver"]: server for server in reversed(provisioners(state))}
    found = []
    for name, words in describe(state)["storage_classes"].items():
        driver = words.pop("provisioner")
        options = _options(name, words, servers[driver], state) if driver in servers else {}
        found.append({"name": name, "driver": driver, **words, "options": options})
    return found


def _options(storage_class: str, words: Object, server: Object, state: State) -> dict[str, Any]:
    if not server["paths"]:
        return {}
    place = ("Deployment", server["namespace"], server["deployment"])
    return {
        "name": server["name"],
        "namespace": server["namespace"],
        "storage_class": storage_class,
        "default_class": words["default"],
        "reclaim_policy": words["reclaim_policy"],
        "binding_mode": words["binding_mode"],
        "paths": server["paths"],
        "image": server["image"],
        "replicas": server["replicas"],
        **({"helper_image": server["helper_image"]} if server["helper_image"] else {}),
        **_numbers(server["name"], place, state),
    }


def _numbers(name: str, place: Ref, state: State) -> dict[str, int]:
    """The numbers that the program was given."""
    given = argv(containers(state[place])[0])
    found = {option: flag(given, word) for option, word in _FLAGS[name].items()}
    config = provisioner_local_path.read_config(config_of(PROVISIONERS[name], place, state))
    found["helper_timeout"] = str(config.get("cmdTimeoutSeconds", ""))
    return {option: int(value) for option, value in found.items() if value.isdigit()}
