# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rancher's local-path-provisioner: its manifests, and how to recognise and read one that runs."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence

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

from . import manifests as parts
from .manifests import Images
from .request import Request

# The names of its own manifests and of kind's, so that one takes the place of the other.
DEPLOYMENT = "local-path-provisioner"
CONFIG_MAP = "local-path-config"
SERVICE_ACCOUNT = "local-path-provisioner-service-account"
ROLE = "local-path-provisioner-role"
BINDING = "local-path-provisioner-bind"
OTHER_NODES = "DEFAULT_PATH_FOR_NON_LISTED_NODES"
CONFIG_HASH = "kindlab.volumes/config"

IMAGE = "rancher/local-path-provisioner:v0.0.30"
HELPER_IMAGE = "busybox:1.37"
PROGRAM = "local-path-provisioner"
HELPERS = ("local-path-helper", "busybox")
FLAGS = {
    "worker_threads": "worker-threads",
    "provisioning_retries": "provisioning-retry-count",
    "deletion_retries": "deletion-retry-count",
}

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
RIGHTS = parts.Rights(
    SERVICE_ACCOUNT,
    ROLE,
    BINDING,
    inside=(parts.rule("", "pods", "get list watch create patch update delete"),),
    everywhere=(
        parts.rule("", "nodes persistentvolumeclaims configmaps pods pods/log", "get list watch"),
        parts.rule("", "persistentvolumes", "get list watch create patch update delete"),
        parts.rule("", "events", "create patch"),
        parts.rule("storage.k8s.io", "storageclasses", "get list watch"),
    ),
)


class LocalPath:
    """The provisioner local_path: a directory of one node per volume."""

    driver = "rancher.io/local-path"
    deployment = DEPLOYMENT
    config_map = CONFIG_MAP
    binds_at_once = False
    shared = False

    def check(self, request: Request) -> None:
        """Raise BadInput for what this provisioner can't do."""
        if request.binding_mode == "Immediate" and not self.binds_at_once:
            raise BadInput(
                f"{request.name} can't serve a class with binding_mode Immediate: it makes a volume on the node of"
                " the first pod, and refuses claims without one ('no node was specified').",
                next_step="Use binding_mode WaitForFirstConsumer.",
            )
        if request.replicas not in (None, 1):
            raise BadInput(
                f"{request.name} can't have {request.replicas} replicas: it runs without leader election, and two would"
                " race for each claim.",
                next_step="Leave replicas out.",
            )

    def serves(self, deployment: Object) -> bool:
        """True for a Deployment that makes volumes under this driver's name, whoever installed it."""
        known = ("local-path-storage", DEPLOYMENT)
        return parts.serves(deployment, PROGRAM, known, self.driver, "provisioner-name")

    def is_configured(self, config_map: Object | None) -> bool:
        """True where one of this driver is this provisioner, and not the one that its other configuration makes it."""
        return not read_config(config_map).get("sharedFileSystemPath")

    def images(
        self, request: Request, deployment: Object | None, config_map: Object | None, nodes: Iterable[Object]
    ) -> Images:
        """As asked for, else as the current provisioner has them, else as all nodes have them, else its own."""
        nodes = tuple(nodes)
        helper = request.helper_image or self.running(deployment, config_map)[1]
        return Images(
            parts.program_image(request.image, deployment, nodes, PROGRAM, IMAGE),
            helper or find_image(images_on(nodes, all), HELPERS) or HELPER_IMAGE,
        )

    def running(self, deployment: Object | None, config_map: Object | None) -> tuple[str, str]:
        """The two images of a provisioner that is there, each '' where there is none.

        Source of the helper's: helperPod.yaml, which v0.0.30 takes alone; older ones took --helper-image.
        """
        if deployment is None:
            return "", ""
        container = containers(deployment)[0]
        template = ((config_map or {}).get("data") or {}).get("helperPod.yaml", "")
        named = re.search(r"""\bimage["']?\s*:\s*["']?([^\s"',}]+)""", template)
        return container.get("image", ""), named[1] if named else flag(argv(container), "helper-image")

    def paths(self, deployment: Object, config_map: Object | None) -> list[Object]:
        """Where a provisioner that is there makes volumes: [{node, paths}], node '' for all others."""
        del deployment
        try:
            entries = [(e.get("node", ""), list(e.get("paths") or ())) for e in read_config(config_map)["nodePathMap"]]
        except (KeyError, TypeError, AttributeError):
            return []
        return [{"node": "" if node == OTHER_NODES else node, "paths": paths} for node, paths in sorted(entries)]

    def abandons(self, volume: Volume, directories: Sequence[str]) -> str:
        """Why it would not remove a volume's directory; '' where it would. directories: where it makes volumes.

        Source: getPathAndNodeForPV, which fails without an affinity that names one node, and asks for nothing else.
        """
        del directories
        return "" if len(volume.nodes) == 1 else "it is of no single node"

    def refuses(self, claim: Object) -> str:
        """Why it would make no volume for a claim; '' where it would. Source: provisionFor."""
        modes = set(claim["spec"].get("accessModes") or ()) - {"ReadWriteOnce", "ReadWriteOncePod"}
        if modes:
            return f"it asks for {', '.join(sorted(modes))}"
        return "it has a selector" if claim["spec"].get("selector") else ""

    def config(self, request: Request) -> Object:
        """Where volumes are made, as config.json says it."""
        entries = [{"node": entry.node or OTHER_NODES, "paths": list(entry.paths)} for entry in request.paths]
        return {"nodePathMap": entries}

    def manifests(self, request: Request, images: Images) -> tuple[Object, ...]:
        """All objects but the class, in the order in which they are made."""
        limits = {} if request.helper_timeout is None else {"cmdTimeoutSeconds": request.helper_timeout}
        data = {
            "config.json": json.dumps({**self.config(request), **limits}, indent=2) + "\n",
            "setup": SETUP,
            "teardown": TEARDOWN,
            "helperPod.yaml": HELPER_POD.format(image=images.helper),
        }
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG_MAP}, "data": data}
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": DEPLOYMENT}}
        spec = {"spec": _deployment(request, images, data)}
        return parts.objects(request.namespace, RIGHTS, config_map, {**deployment, **spec})


def read_config(config_map: Object | None) -> Object:
    """The content of config.json; nothing where it can't be read."""
    try:
        found = json.loads(((config_map or {}).get("data") or {}).get("config.json", "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _deployment(request: Request, images: Images, data: Mapping[str, str]) -> Object:
    labels = {"app": DEPLOYMENT}
    container = {
        "name": DEPLOYMENT,
        "image": images.program,
        "imagePullPolicy": "IfNotPresent",
        "command": [
            *(PROGRAM, "start", "--config", "/etc/config/config.json", "--helper-image", images.helper),
            *parts.flags(request, FLAGS),
        ],
        "env": [parts.POD_NAMESPACE, {"name": "CONFIG_MOUNT_PATH", "value": "/etc/config/"}],
        "volumeMounts": [{"name": "config-volume", "mountPath": "/etc/config/"}],
        # So that the end of the log of a program that fails is seen in the pod's state.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    spec = {
        "serviceAccountName": SERVICE_ACCOUNT,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [parts.CONTROL_PLANE],
        "containers": [container],
        "volumes": [{"name": "config-volume", "configMap": {"name": CONFIG_MAP}}],
    }
    # A pod that runs another configuration than the ConfigMap's is not seen from outside: a new one is sure.
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
    return {
        "replicas": 1,
        # The program has no probe: one that ends at once is not taken for one that serves.
        "minReadySeconds": 1,
        # It runs without leader election: two must never run side by side.
        "strategy": {"type": "Recreate", "rollingUpdate": None},
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels, "annotations": {CONFIG_HASH: digest}}, "spec": spec},
    }


def provisioner_directories(config_maps: Iterable[Object]) -> dict[str, tuple[str, ...]]:
    """Node directory -> the nodes where local-path-provisioner makes volumes in it, () for any node.

    Source: local-path-provisioner's config.json, where a nodePathMap or sharedFileSystemPath stands at the top, or
    per class in storageClassConfigs.
    """
    found: dict[str, set[str]] = {}
    anywhere: set[str] = set()
    for item in config_maps:
        if item["metadata"]["name"] != CONFIG_MAP:
            continue
        config = read_config(item)
        for part in (config, *(config.get("storageClassConfigs") or {}).values()):
            if part.get("sharedFileSystemPath"):
                anywhere.add(posixpath.normpath(part["sharedFileSystemPath"]))
            for entry in part.get("nodePathMap") or ():
                node = entry.get("node", "")
                for path in map(posixpath.normpath, entry.get("paths") or ()):
                    found.setdefault(path, set()).add(node)
    for path in list(found):
        if "DEFAULT_PATH_FOR_NON_LISTED_NODES" in found[path]:
            anywhere.add(path)
    return {path: () if path in anywhere else tuple(sorted(found[path])) for path in sorted({*found, *anywhere})}
