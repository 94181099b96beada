# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a cluster has and what changes in it, in the collection's own words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.manifest import Object, Ref, ref_text
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner import PROVISIONERS, is_default
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner_request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner_state import (
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
            "default": is_default(item),
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
