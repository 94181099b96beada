# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The provisioner local_path, rancher's local-path-provisioner: each volume is a directory of one node."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.deployments import (
    argv,
    containers,
    find_image,
    flag,
    images_on,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.shape.fits import fits
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import is_number

from .base import VOLUME_NAME, Images, NodePaths, Provisioner, Settings
from .manifests import POD_NAMESPACE, Rbac, deployment_manifest, objects, rule

# The names of rancher's and kind's own manifests, so that one replaces the other.
NAME = "local-path-provisioner"
NAMESPACE = "local-path-storage"
CONFIG_MAP = "local-path-config"
SERVICE_ACCOUNT = "local-path-provisioner-service-account"
OTHER_NODES = "DEFAULT_PATH_FOR_NON_LISTED_NODES"
CONFIG_HASH = "kindlab.volumes/config"
HELPER_IMAGE = "busybox:1.37"
_ENTRY = {"node": str, "paths": [str]}
# folderName: the volume, which is named after the claim's uid, and the claim; neither namespace nor claim has a "_".
_DIRECTORY = re.compile(rf"({VOLUME_NAME})_([a-z0-9-]+)_([a-z0-9.-]+)")
HELPERS = ("local-path-helper", "busybox")

SETUP = '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n'
TEARDOWN = '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n'
HELPER_POD = """apiVersion: v1
kind: Pod
metadata:
  name: helper-pod
spec:
  priorityClassName: system-node-critical
  tolerations:
    - key: node.kubernetes.io/disk-pressure
      operator: Exists
      effect: NoSchedule
  containers:
    - name: helper-pod
      image: {image}
      imagePullPolicy: IfNotPresent
"""
RBAC = Rbac(
    SERVICE_ACCOUNT,
    "local-path-provisioner-role",
    "local-path-provisioner-bind",
    namespace_rules=(rule("", "pods", "get list watch create patch update delete"),),
    cluster_rules=(
        rule("", "nodes persistentvolumeclaims configmaps pods pods/log", "get list watch"),
        rule("", "persistentvolumes", "get list watch create patch update delete"),
        rule("", "events", "create patch"),
        rule("storage.k8s.io", "storageclasses", "get list watch"),
    ),
)


class LocalPath(Provisioner):
    """One replica, without leader election; a helper pod on the node creates and removes a directory."""

    name = "local_path"
    driver = "rancher.io/local-path"
    deployment = NAME
    config_map = CONFIG_MAP
    namespace = NAMESPACE
    node_path = "/var/local-path-provisioner"
    shared = False
    supports_immediate_binding = False
    program = NAME
    image = "rancher/local-path-provisioner:v0.0.30"
    flags: ClassVar = {
        "worker_threads": "worker-threads",
        "provisioning_retries": "provisioning-retry-count",
        "deletion_retries": "deletion-retry-count",
    }
    name_flag = "provisioner-name"
    stock = (NAMESPACE, NAME)
    helper_env = "VOL_DIR"
    # The node whose directory is emptied when the volume is deleted.
    node_annotations = ("local.path.provisioner/selected-node",)

    def check(self, settings: Settings) -> None:
        super().check(settings)
        if settings.replicas not in (None, 1):
            raise BadInput(
                f"{self.name} does not support {settings.replicas} replicas: it has no leader election, and two would"
                " race for each claim.",
                next_step="Remove replicas.",
            )

    def is_configured(self, config_map: Object | None) -> bool:
        return not read_config(config_map).get("sharedFileSystemPath")

    def installed_images(self, deployment: Object | None, config_map: Object | None) -> Images:
        """The helper's image is in helperPod.yaml; versions before v0.0.30 took the flag --helper-image, too."""
        program = super().installed_images(deployment, config_map).program
        if deployment is None:
            return Images("")
        template = ((config_map or {}).get("data") or {}).get("helperPod.yaml", "")
        named = re.search(r"""\bimage["']?\s*:\s*["']?([^\s"',}]+)""", template)
        return Images(program, named[1] if named else flag(argv(containers(deployment)[0]), "helper-image"))

    def images(
        self, settings: Settings, deployment: Object | None, config_map: Object | None, nodes: Iterable[Object]
    ) -> Images:
        nodes = tuple(nodes)
        helper = settings.helper_image or self.installed_images(deployment, config_map).helper
        return Images(
            super().images(settings, deployment, config_map, nodes).program,
            helper or find_image(images_on(nodes, all), HELPERS) or HELPER_IMAGE,
        )

    def numbers(self, deployment: Object, config_map: Object | None) -> dict[str, int]:
        timeout = str(read_config(config_map).get("cmdTimeoutSeconds", ""))
        found = super().numbers(deployment, config_map)
        return {**found, "helper_timeout": int(timeout)} if is_number(timeout) else found

    def paths(self, _deployment: Object, config_map: Object | None) -> list[Object]:
        return [{"node": e.node, "paths": list(e.paths)} for e in sorted(_entries(read_config(config_map)), key=_node)]

    def configured_paths(self, config_map: Object) -> Iterable[NodePaths]:
        """Source: config.json, which has nodePathMap or sharedFileSystemPath at the top or in storageClassConfigs."""
        config = read_config(config_map)
        classes = config.get("storageClassConfigs")
        for part in (config, *(classes.values() if isinstance(classes, dict) else ())):
            if fits(part, {"sharedFileSystemPath!": str}) and part["sharedFileSystemPath"]:
                yield NodePaths("", (part["sharedFileSystemPath"],))
            yield from _entries(part)

    def cannot_delete_reason(self, volume: Volume, _directories: Sequence[str]) -> str:
        """Source: getPathAndNodeForPV, which requires an affinity that names one node, and nothing else."""
        return "" if len(volume.nodes) == 1 else "its node affinity does not name exactly one node"

    def cannot_provision_reason(self, claim: Object) -> str:
        """Source: provisionFor."""
        modes = set(claim["spec"].get("accessModes") or ()) - {"ReadWriteOnce", "ReadWriteOncePod"}
        if modes:
            return f"it requests {', '.join(sorted(modes))}"
        return "it has a selector" if claim["spec"].get("selector") else ""

    def made_for(self, directory: str) -> tuple[str, str] | None:
        """Without a pathPattern: that may give any name."""
        found = _DIRECTORY.fullmatch(directory)
        return (found[1], f"{found[2]}/{found[3]}") if found else None

    def config(self, settings: Settings) -> Object:
        """The part of config.json that names the directories."""
        entries = [{"node": entry.node or OTHER_NODES, "paths": list(entry.paths)} for entry in settings.paths]
        return {"nodePathMap": entries}

    def manifests(self, settings: Settings, images: Images) -> tuple[Object, ...]:
        limits = {} if settings.helper_timeout is None else {"cmdTimeoutSeconds": settings.helper_timeout}
        data = {
            "config.json": json.dumps({**self.config(settings), **limits}, indent=2) + "\n",
            "setup": SETUP,
            "teardown": TEARDOWN,
            "helperPod.yaml": HELPER_POD.format(image=images.helper),
        }
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG_MAP}, "data": data}
        start = ["start", "--config", "/etc/config/config.json", "--helper-image", images.helper]
        container = {
            "image": images.program,
            "command": [NAME, *start, *self.flag_arguments(settings)],
            "env": [POD_NAMESPACE, {"name": "CONFIG_MOUNT_PATH", "value": "/etc/config/"}],
            "volumeMounts": [{"name": "config-volume", "mountPath": "/etc/config/"}],
        }
        pod = {"volumes": [{"name": "config-volume", "configMap": {"name": CONFIG_MAP}}]}
        # It is not visible from outside which configuration a pod has read: a new pod has read this one.
        digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
        item = deployment_manifest(NAME, SERVICE_ACCOUNT, container, pod, replicas=1, annotations={CONFIG_HASH: digest})
        return objects(settings.namespace, RBAC, config_map, item)


def read_config(config_map: Object | None) -> Object:
    """The content of config.json, {} if it cannot be read."""
    try:
        found = json.loads(((config_map or {}).get("data") or {}).get("config.json", "{}"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _entries(part: Any) -> list[NodePaths]:
    """nodePathMap, without entries that the program could not read."""
    found = part.get("nodePathMap") if fits(part, {"nodePathMap!": list}) else None
    given = [{k: v for k, v in entry.items() if v is not None} for entry in found or () if isinstance(entry, dict)]
    names = [(entry.get("node", ""), tuple(entry.get("paths", ()))) for entry in given if fits(entry, _ENTRY)]
    return [NodePaths("" if node == OTHER_NODES else node, paths) for node, paths in names]


def _node(entry: NodePaths) -> str:
    return entry.node
