# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep storage classes and configurations of provisioners as people made them, and set them again in a new cluster."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.export import saved_object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, by_ref, ref_of

from .backends.local_path import CONFIG_HASH
from .registry import PROVISIONERS
from .report import storage_classes
from .state import State, Step, config_of, create_or_patch, installed, is_labelled

# The pod that a provisioner starts for each directory; its image may exist in nodes of one image only.
HELPER_POD = "helperPod.yaml"
# Options of storage_provisioner that are those of a class: classes are set as they were in any case.
_OF_CLASS = ("storage_class", "default_class", "reclaim_policy", "binding_mode")
# Helper pods read these, not the provisioner.
SCRIPTS = frozenset(("setup", "teardown"))


def provisioned_storage(state: State) -> list[Object]:
    """All storage classes with all of their fields, and the ConfigMaps of this collection's provisioners."""
    classes = [item for ref, item in sorted(state.items()) if ref[0] == "StorageClass"]
    configs = (config_of(PROVISIONERS[name], ref, state) for ref, name in sorted(installed(state).items()))
    return [saved_object(item) for item in (*classes, *filter(None, configs))]


def to_install(classes: Iterable[Object], saved: Iterable[Object], state: State, *, same_images: bool) -> list[Object]:
    """The options of those provisioners that a new cluster does not bring by itself as they were.

    classes: as report.storage_classes() has them; saved: see provisioned_storage(). What a node image brings and nobody
    replaced is left alone, with the images of another node image, too.
    """
    left_out = _OF_CLASS if same_images else (*_OF_CLASS, "image", "helper_image")
    configs = by_ref(item for item in saved if item["kind"] == "ConfigMap")

    def compared(row: Object) -> Object:
        return {option: value for option, value in row["options"].items() if option not in left_out}

    def brought(row: Object) -> bool:
        name, namespace = row["options"]["name"], row["options"].get("namespace", "")
        ref = ("ConfigMap", namespace, PROVISIONERS[name].config_map)
        if ref not in configs or ref not in state:
            return False
        return is_labelled(configs[ref]) == is_labelled(state[ref]) and compared(row) in there

    there = [compared(row) for row in storage_classes(state)]
    return [row["options"] for row in classes if row["options"] and not brought(row)]


def steps_to(saved: Iterable[Object], state: State, *, same_images: bool) -> tuple[tuple[Step, ...], list[str]]:
    """The steps that make storage in a new cluster as it was saved, and a warning for what stays as it is installed.

    state: of the new cluster, its provisioners installed. same_images: the new nodes have the images of the old ones.
    """
    deployments = {("ConfigMap", ref[1], PROVISIONERS[name].config_map): ref for ref, name in installed(state).items()}
    steps: list[Step] = []
    warnings = []
    for item in saved:
        if item["kind"] == "StorageClass":
            steps += create_or_patch(item, state)
            continue
        live = state.get(ref_of(item))
        if live is None or ref_of(item) not in deployments:
            continue
        data = dict(item.get("data") or {})
        if not same_images and data.get(HELPER_POD) != (live.get("data") or {}).get(HELPER_POD):
            data.pop(HELPER_POD, None)
            where = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
            warnings.append(
                f"{HELPER_POD} in ConfigMap {where} is the provisioner's own: the nodes have another image, which may "
                "lack the image that the earlier one names."
            )
        different = {key for key, text in data.items() if not _is_same(text, (live.get("data") or {}).get(key, ""))}
        if different:
            steps += create_or_patch({**item, "data": data}, state)
        if different - SCRIPTS:
            steps += _restart(deployments[ref_of(item)], data)
    return tuple(steps), warnings


def _is_same(one: str, other: str) -> bool:
    """True for equal texts, or equal JSON."""
    try:
        return one == other or bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def _restart(deployment: tuple[str, str, str], data: Object) -> list[Step]:
    """A provisioner reads its configuration when it starts."""
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
    template = {"metadata": {"annotations": {CONFIG_HASH: digest}}}
    return [Step("patch", deployment, {"spec": {"template": template}}), Step("wait", deployment)]
