# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results and diff of storage_provisioner and storage_provisioner_info."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_default_class
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, Ref, ref_text
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults

from .registry import PROVISIONERS
from .request import ARGUMENTS, Request
from .state import State, Step, config_of, installed

# What the functions below read.
LATE = "WaitForFirstConsumer"
RESOURCES = ("StorageClass", "Deployment", "ConfigMap")


def describe(state: State) -> dict[str, Any]:
    """This collection's provisioners and all storage classes: {provisioners: {...}, storage_classes: {...}}."""
    return {
        "provisioners": {
            f"{ref[1]}/{ref[2]}": _describe(ref, name, state) for ref, name in sorted(installed(state).items())
        },
        "storage_classes": {
            ref[2]: {
                "provisioner": state[ref]["provisioner"],
                "reclaim_policy": state[ref].get("reclaimPolicy", "Delete"),
                "binding_mode": state[ref].get("volumeBindingMode", "Immediate"),
                "default": is_default_class(state[ref]),
            }
            for ref in sorted(state)
            if ref[0] == "StorageClass"
        },
    }


def _describe(deployment: Ref, name: str, state: State) -> Object:
    provisioner, item = PROVISIONERS[name], state[deployment]
    config_map = config_of(provisioner, deployment, state)
    images = provisioner.installed_images(item, config_map)
    return {
        "name": name,
        "image": images.program,
        "helper_image": images.helper,
        "replicas": item["spec"].get("replicas", 1),
        "paths": provisioner.paths(item, config_map),
    }


def difference(steps: Iterable[Step], state: State) -> tuple[dict[str, str], dict[str, str]]:
    """The objects that the steps change, except classes, before and after; each present, absent or different."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for step in steps:
        if step.verb == "wait" or step.ref[0] == "StorageClass":
            continue
        name = ref_text(step.ref)
        existing = "absent" if step.ref not in state else "different" if step.verb == "patch" else "present"
        before.setdefault(name, existing)
        after[name] = "absent" if step.verb == "delete" else "as requested"
    return before, after


def result(request: Request, state: State) -> Object:
    """The module's return value for a provisioner that is installed, or would be after check mode."""
    deployment = ("Deployment", request.namespace, PROVISIONERS[request.name].deployment)
    storage_class = describe(state)["storage_classes"][request.storage_class]
    return {
        **_row(deployment, request.name, state),
        "storage_class": request.storage_class,
        "default_class": storage_class["default"],
        "reclaim_policy": storage_class["reclaim_policy"],
        "binding_mode": storage_class["binding_mode"],
    }


def provisioners(state: State) -> list[Object]:
    """This collection's provisioners, whoever installed them."""
    return [_row(ref, name, state) for ref, name in sorted(installed(state).items())]


def _row(deployment: Ref, name: str, state: State) -> Object:
    where = {"namespace": deployment[1], "deployment": deployment[2], "driver": PROVISIONERS[name].driver}
    return {**where, **_describe(deployment, name, state)}


def storage_classes(state: State) -> list[Object]:
    """All storage classes by name, with the options that create each again, {} if its provisioner is unknown."""
    servers = {server["driver"]: server for server in reversed(provisioners(state))}
    found = []
    for name, described in describe(state)["storage_classes"].items():
        driver = described.pop("provisioner")
        options = _options(name, described, servers[driver], state) if driver in servers else {}
        found.append({"name": name, "driver": driver, **described, "options": options})
    return found


def _options(storage_class: str, described: Object, server: Object, state: State) -> dict[str, Any]:
    ref = ("Deployment", server["namespace"], server["deployment"])
    provisioner = PROVISIONERS[server["name"]]
    config_map = config_of(provisioner, ref, state)
    # Each class may have directories of its own (storageClassConfigs), which no option describes.
    if not server["paths"] and not any(provisioner.configured_paths(config_map or {})):
        return {}
    paths = ("paths",) if server["paths"] else ()
    helper = ("helper_image",) if server["helper_image"] else ()
    supported = [name for name in ("name", "namespace", "image", "replicas") if name not in provisioner.unsupported]
    options = {
        **{name: server[name] for name in (*supported, *paths, *helper)},
        "storage_class": storage_class,
        "default_class": described["default"],
        "reclaim_policy": described["reclaim_policy"],
        # A class that its provisioner cannot serve.
        "binding_mode": described["binding_mode"] if provisioner.supports_immediate_binding else LATE,
        **provisioner.numbers(state[ref], config_map),
    }
    try:
        Request.from_options({**defaults(ARGUMENTS), **options})
    except BadInput:
        # The provisioner does not start with such a configuration.
        return {}
    return options
