# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a cluster has and what changes in it, in the collection's own words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.manifest import Object, ref_text
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner import PROVISIONERS, is_default
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner_request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner_state import State, Step


def describe(request: Request, state: State) -> dict[str, Any]:
    """The provisioners of this driver and all classes: {provisioners: {...}, storage_classes: {...}}."""
    provisioner = PROVISIONERS[request.name]
    running, classes = {}, {}
    for (kind, namespace, name), item in sorted(state.items(), key=lambda entry: entry[0]):
        if kind == "Deployment" and provisioner.serves(item):
            config_map = state.get(("ConfigMap", namespace, provisioner.config_map))
            image, helper = provisioner.running(item, config_map)
            paths = provisioner.paths(config_map)
            running[f"{namespace}/{name}"] = {"image": image, "helper_image": helper, "paths": paths}
        elif kind == "StorageClass":
            classes[name] = {
                "provisioner": item["provisioner"],
                "reclaim_policy": item.get("reclaimPolicy", "Delete"),
                "binding_mode": item.get("volumeBindingMode", "Immediate"),
                "default": is_default(item),
            }
    return {"provisioners": running, "storage_classes": classes}


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
    words = describe(request, state)
    shown = words["storage_classes"][request.storage_class]
    return {
        "name": request.name,
        "driver": provisioner.driver,
        "namespace": request.namespace,
        "deployment": provisioner.deployment,
        **words["provisioners"][place],
        "storage_class": request.storage_class,
        "default_class": shown["default"],
        "reclaim_policy": shown["reclaim_policy"],
        "binding_mode": shown["binding_mode"],
    }
