# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rancher's local-path-provisioner: its manifests, and how to recognise and read one that runs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.image_name import plain_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.manifest import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner_request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.workload import (
    argv,
    containers,
    env,
    find_image,
    flag,
    images_on,
    is_served,
    repository,
)

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


@dataclass(frozen=True)
class Images:
    """What the provisioner runs, and what it runs on a node to make and remove a directory."""

    program: str
    helper: str


class LocalPath:
    """The provisioner local_path: a directory of one node per volume."""

    driver = "rancher.io/local-path"
    deployment = DEPLOYMENT
    config_map = CONFIG_MAP

    def check(self, request: Request) -> None:
        """Raise BadInput for what this provisioner can't do."""
        if request.binding_mode == "Immediate":
            raise BadInput(
                f"{request.name} can't serve a class with binding_mode Immediate: it makes a volume on the node of"
                " the first pod, and refuses claims without one ('no node was specified').",
                next_step="Use binding_mode WaitForFirstConsumer.",
            )

    def serves(self, deployment: Object) -> bool:
        """True for a Deployment that makes volumes under this driver's name, whoever installed it."""
        metadata = deployment["metadata"]
        known = (metadata["namespace"], metadata["name"]) == ("local-path-storage", DEPLOYMENT)
        for container in containers(deployment):
            words = argv(container)
            program = words[0].rpartition("/")[2] if container.get("command") else ""
            if known or PROGRAM in (program, repository(container.get("image", ""))):
                name = flag(words, "provisioner-name") or env(container, "PROVISIONER_NAME") or self.driver
                return name == self.driver
        return False

    def images(
        self, request: Request, deployment: Object | None, config_map: Object | None, nodes: Iterable[Object]
    ) -> Images:
        """As asked for, else as the current provisioner has them, else as all nodes have them, else its own.

        A current image that neither serves nor is on any node is a mistake that must not stay for ever.
        """
        program, helper = self.running(deployment, config_map)
        nodes = tuple(nodes)
        present = images_on(nodes, all)
        known = set(map(plain_name, images_on(nodes, any)))
        if deployment is not None and not is_served(deployment) and plain_name(program) not in known:
            program = ""
        return Images(
            request.image or program or find_image(present, (PROGRAM,)) or IMAGE,
            request.helper_image or helper or find_image(present, HELPERS) or HELPER_IMAGE,
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

    def paths(self, config_map: Object | None) -> list[Object]:
        """Where a provisioner that is there makes volumes: [{node, paths}], node '' for all others."""
        try:
            config = json.loads(((config_map or {}).get("data") or {}).get("config.json", "{}"))
            entries = [(e.get("node", ""), list(e.get("paths") or ())) for e in config.get("nodePathMap") or ()]
        except (ValueError, AttributeError):
            return []
        return [{"node": "" if node == OTHER_NODES else node, "paths": paths} for node, paths in sorted(entries)]

    def config(self, request: Request) -> Object:
        """The content of config.json."""
        limits = {} if request.helper_timeout is None else {"cmdTimeoutSeconds": request.helper_timeout}
        entries = [{"node": entry.node or OTHER_NODES, "paths": list(entry.paths)} for entry in request.paths]
        return {"nodePathMap": entries, **limits}

    def manifests(self, request: Request, images: Images) -> tuple[Object, ...]:
        """All objects but the class, in the order in which they are made."""
        inside = {"namespace": request.namespace}
        account = {"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, **inside}
        rbac = "rbac.authorization.k8s.io"
        data = {
            "config.json": json.dumps(self.config(request), indent=2) + "\n",
            "setup": SETUP,
            "teardown": TEARDOWN,
            "helperPod.yaml": HELPER_POD.format(image=images.helper),
        }
        v1, rbac_v1 = "v1", f"{rbac}/v1"
        parts: tuple[tuple[str, str, Object, Object], ...] = (
            (v1, "Namespace", {"name": request.namespace}, {}),
            (v1, "ServiceAccount", {"name": SERVICE_ACCOUNT, **inside}, {}),
            (rbac_v1, "Role", {"name": ROLE, **inside}, {"rules": _ROLE_RULES}),
            (rbac_v1, "ClusterRole", {"name": ROLE}, {"rules": _CLUSTER_ROLE_RULES}),
            (rbac_v1, "RoleBinding", {"name": BINDING, **inside}, _binding(rbac, "Role", account)),
            (rbac_v1, "ClusterRoleBinding", {"name": BINDING}, _binding(rbac, "ClusterRole", account)),
            (v1, "ConfigMap", {"name": CONFIG_MAP, **inside}, {"data": data}),
            ("apps/v1", "Deployment", {"name": DEPLOYMENT, **inside}, {"spec": _deployment(request, images, data)}),
        )
        return tuple({"apiVersion": api, "kind": kind, "metadata": meta, **rest} for api, kind, meta, rest in parts)


_ROLE_RULES = [
    {
        "apiGroups": [""],
        "resources": ["pods"],
        "verbs": ["get", "list", "watch", "create", "patch", "update", "delete"],
    }
]
_CLUSTER_ROLE_RULES = [
    {
        "apiGroups": [""],
        "resources": ["nodes", "persistentvolumeclaims", "configmaps", "pods", "pods/log"],
        "verbs": ["get", "list", "watch"],
    },
    {
        "apiGroups": [""],
        "resources": ["persistentvolumes"],
        "verbs": ["get", "list", "watch", "create", "patch", "update", "delete"],
    },
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["get", "list", "watch"]},
]


def _binding(group: str, kind: str, account: Object) -> Object:
    return {"roleRef": {"apiGroup": group, "kind": kind, "name": ROLE}, "subjects": [account]}


def _deployment(request: Request, images: Images, data: Mapping[str, str]) -> Object:
    labels = {"app": DEPLOYMENT}
    flags = {
        "worker-threads": request.worker_threads,
        "provisioning-retry-count": request.provisioning_retries,
        "deletion-retry-count": request.deletion_retries,
    }
    asked = [word for flag, value in flags.items() if value is not None for word in (f"--{flag}", str(value))]
    container = {
        "name": DEPLOYMENT,
        "image": images.program,
        "imagePullPolicy": "IfNotPresent",
        "command": [
            *(PROGRAM, "start", "--config", "/etc/config/config.json", "--helper-image", images.helper),
            *asked,
        ],
        "env": [
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "CONFIG_MOUNT_PATH", "value": "/etc/config/"},
        ],
        "volumeMounts": [{"name": "config-volume", "mountPath": "/etc/config/"}],
        # So that the end of the log of a program that fails is seen in the pod's state.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    spec = {
        "serviceAccountName": SERVICE_ACCOUNT,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [
            {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"},
        ],
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
