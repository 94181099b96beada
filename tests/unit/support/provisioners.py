"""Samples for the tests of storage provisioners: options, and what a cluster made by kind 0.32 has."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.plan import plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.request import ARGUMENTS, Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import State, Step

OPTIONS: dict[str, Any] = {**defaults(ARGUMENTS), "engine": "docker", "check_shared": False, "cluster": "lab"}
IMAGE = "registry.example/kindest/local-path-provisioner:v20260521-9fb22683"
HELPER = "registry.example/kindest/local-path-helper:v20260131-7181c60a"
DRIVER = "rancher.io/local-path"
SPACE = "local-path-storage"
PLACE = ("Deployment", SPACE, "local-path-provisioner")
GA = "storageclass.kubernetes.io/is-default-class"
BETA = "storageclass.beta.kubernetes.io/is-default-class"


def options(**changes: Any) -> dict[str, Any]:
    assert changes.keys() <= OPTIONS.keys()
    return {**OPTIONS, **changes}


def request(**changes: Any) -> Request:
    return Request.from_options(options(**changes))


def planned(asked: Request, observed: State) -> tuple[Step, ...]:
    return plan(asked, observed).steps


def node(name: str, *images: str) -> dict[str, Any]:
    return {"kind": "Node", "metadata": {"name": name}, "status": {"images": [{"names": [i]} for i in images]}}


def namespace(name: str, **metadata: Any) -> dict[str, Any]:
    return {"kind": "Namespace", "metadata": {"name": name, **metadata}}


def class_of(name: str, driver: str = DRIVER, *defaults: str, **fields: Any) -> dict[str, Any]:
    """A class as the API shows it; defaults: the annotations that make it a default one."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": dict.fromkeys(defaults, "true")},
        "provisioner": driver,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        **fields,
    }


def deployment(space: str = SPACE, name: str = "local-path-provisioner", **container: Any) -> dict[str, Any]:
    """kind's Deployment, served, with what the API server fills in."""
    command = ["local-path-provisioner", "--debug", "start", "--helper-image", HELPER, "--config", "/etc/config.json"]
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "local-path-provisioner"}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        "template": {
            "metadata": {"labels": {"app": "local-path-provisioner"}},
            "spec": {
                "dnsPolicy": "ClusterFirst",
                "serviceAccount": "local-path-provisioner-service-account",
                "serviceAccountName": "local-path-provisioner-service-account",
                "containers": [{"name": "p", "image": IMAGE, "command": command, "args": ["x"], **container}],
                "volumes": [{"name": "old", "configMap": {"name": "local-path-config", "defaultMode": 420}}],
            },
        },
    }
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    metadata = {"name": name, "namespace": space, "generation": 1}
    return copy.deepcopy({"kind": "Deployment", "metadata": metadata, "spec": spec, "status": status})


def config_map(space: str = SPACE, helper: str = HELPER, config: str | None = None) -> dict[str, Any]:
    path = '{"nodePathMap":[{"node":"DEFAULT_PATH_FOR_NON_LISTED_NODES","paths":["/var/local-path-provisioner"]}]}'
    data = {"config.json": path if config is None else config, "helperPod.yaml": f"containers: [{{image: {helper}}}]"}
    return {"kind": "ConfigMap", "metadata": {"name": "local-path-config", "namespace": space}, "data": data}


def objects(*more: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything that a new cluster of two nodes has for its volumes, and more, which goes before."""
    nodes = [node(name, IMAGE, HELPER) for name in ("lab-control-plane", "lab-worker")]
    stock = [namespace(SPACE), namespace("default"), *nodes, deployment(), config_map()]
    return list(by_ref([*stock, class_of("standard", DRIVER, GA), *more]).values())


def state(*more: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    return by_ref(objects(*more))
