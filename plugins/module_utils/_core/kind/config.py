# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kind's configuration file of a requested cluster, and how its fields correspond to options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .mounts_and_ports import PROPAGATION
from .nodes import Mount, Port
from .spec import ClusterSpec

# Option of kind_cluster and attribute of ClusterSpec, NodeSpec, Mount and Port -> field of kind.x-k8s.io/v1alpha4.
CLUSTER_FIELDS = {
    "networking": "networking",
    "feature_gates": "featureGates",
    "runtime_config": "runtimeConfig",
    "kubeadm_patches": "kubeadmConfigPatches",
    "containerd_patches": "containerdConfigPatches",
}
NODE_FIELDS = {
    "role": "role",
    "image": "image",
    "labels": "labels",
    "mounts": "extraMounts",
    "ports": "extraPortMappings",
    "patches": "kubeadmConfigPatches",
}
MOUNT_FIELDS = {
    "host_path": "hostPath",
    "node_path": "containerPath",
    "read_only": "readOnly",
    "propagation": "propagation",
}
PORT_FIELDS = {
    "node_port": "containerPort",
    "host_port": "hostPort",
    "listen": "listenAddress",
    "protocol": "protocol",
}
_KIND_PROPAGATION = {engine: kind for kind, engine in PROPAGATION.items() if kind != "None"}


def kind_config(spec: ClusterSpec) -> dict[str, Any]:
    """The configuration; fields that were not requested are left to kind's defaults."""
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": spec.name,
        "nodes": [_fields(node, NODE_FIELDS) for node in spec.nodes],
        **_fields(spec, CLUSTER_FIELDS),
    }


def config_text(config: Mapping[str, Any]) -> str:
    """The configuration as kind reads it (JSON is valid YAML); equal configurations give equal texts."""
    return json.dumps(config, indent=1, sort_keys=True) + "\n"


def _fields(item: object, names: Mapping[str, str]) -> dict[str, Any]:
    """The attributes under kind's names; empty ones are left out, false and 0 are not."""
    values = {field: _value(getattr(item, name)) for name, field in names.items()}
    return {field: value for field, value in values.items() if value or isinstance(value, int)}


def _value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    if isinstance(value, Mount):
        return _fields(replace(value, propagation=_KIND_PROPAGATION.get(value.propagation, "")), MOUNT_FIELDS)
    return _fields(value, PORT_FIELDS) if isinstance(value, Port) else value
