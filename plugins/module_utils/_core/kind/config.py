# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kind's configuration of a requested cluster, and the options that set its fields."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .mounts_and_ports import PROPAGATION
from .nodes import CONTROL_PLANE, Mount, Port
from .settings import NETWORKING
from .source.patches import merged
from .spec import ClusterSpec

API_VERSION = "kind.x-k8s.io/v1alpha4"
# Option of kind_cluster, of its nodes and of their mounts: kind's fields that no other option sets, under their names.
OTHERS = "kind_fields"

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
# Fields of the configuration that are no options of its settings.
HEAD = ("kind", "apiVersion", "name", "nodes")
_NETWORKING = {option: field for option, (field, _type) in NETWORKING.items()}
_KIND_PROPAGATION = {engine: kind for kind, engine in PROPAGATION.items() if kind != "None"}


def kind_config(spec: ClusterSpec) -> dict[str, Any]:
    """The configuration; fields that were not requested are left to kind's defaults."""
    config = {
        "kind": "Cluster",
        "apiVersion": API_VERSION,
        "name": spec.name,
        "nodes": [{**_fields(node, NODE_FIELDS), **node.kind_fields} for node in spec.nodes],
        **_fields(spec, CLUSTER_FIELDS),
    }
    # Networking is a mapping that may have both.
    return dict(merged(config, spec.kind_fields))


def options_from(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options that make this configuration; fields that no option sets are in kind_fields."""
    options, others = _options(config, CLUSTER_FIELDS), other_fields(config)
    if "networking" in options:
        options["networking"] = _options(options["networking"], _NETWORKING)
    nodes: list[Mapping[str, Any]] = config.get("nodes") or [{}]
    return {**options, **({OTHERS: others} if others else {}), "nodes": list(map(_node_options, nodes))}


def other_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the whole cluster that no option sets."""
    found = _others(config, (*CLUSTER_FIELDS.values(), *HEAD))
    networking = _others(config.get("networking") or {}, _NETWORKING.values())
    return {**found, **({"networking": networking} if networking else {})}


def other_fields_of(node: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a node; those of its mounts under 'mount PATH FIELD'."""
    return {
        **_others(node, NODE_FIELDS.values()),
        **{
            f"mount {mount['containerPath']} {field}": value
            for mount in node.get("extraMounts") or ()
            for field, value in _others(mount, MOUNT_FIELDS.values()).items()
        },
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
        mount = replace(value, propagation=_KIND_PROPAGATION.get(value.propagation, ""))
        return {**_fields(mount, MOUNT_FIELDS), **value.kind_fields}
    return _fields(value, PORT_FIELDS) if isinstance(value, Port) else value


def _node_options(node: Mapping[str, Any]) -> dict[str, Any]:
    options = {"role": CONTROL_PLANE, **_with_others(node, NODE_FIELDS)}
    if "mounts" in options:
        options["mounts"] = [_with_others(mount, MOUNT_FIELDS) for mount in options["mounts"]]
    if "ports" in options:
        options["ports"] = [_options(port, PORT_FIELDS) for port in options["ports"]]
    return options


def _with_others(fields: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    others = _others(fields, names.values())
    return {**_options(fields, names), **({OTHERS: others} if others else {})}


def _options(fields: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {option: fields[field] for option, field in names.items() if fields.get(field) is not None}


def _others(fields: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    left_out = {*known}
    return {field: value for field, value in fields.items() if field not in left_out and value is not None}
