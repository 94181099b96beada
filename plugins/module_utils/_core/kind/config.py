# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kind's configuration file of a cluster that is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .mounts_and_ports import PROPAGATION
from .nodes import Mount, Port
from .spec import ClusterSpec, WantedNode

_KINDS_PROPAGATION = {engine: kind for kind, engine in PROPAGATION.items()}


def kind_config(spec: ClusterSpec) -> dict[str, Any]:
    """The configuration as kind.x-k8s.io/v1alpha4 defines it; what is not asked for is left to kind's defaults."""
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": spec.name,
        "nodes": [_node(node) for node in spec.nodes],
        **_filled(
            networking=spec.networking,
            featureGates=spec.feature_gates,
            runtimeConfig=spec.runtime_config,
            kubeadmConfigPatches=list(spec.kubeadm_patches),
            containerdConfigPatches=list(spec.containerd_patches),
        ),
    }


def config_text(config: Mapping[str, Any]) -> str:
    """The configuration as kind reads it (YAML, of which JSON is a part), the same text for the same configuration."""
    return json.dumps(config, indent=1, sort_keys=True) + "\n"


def _node(node: WantedNode) -> dict[str, Any]:
    return {
        "role": node.role,
        **_filled(
            image=node.image,
            labels=node.labels,
            extraMounts=[_mount(mount) for mount in node.mounts],
            extraPortMappings=[_port(port) for port in node.ports],
            kubeadmConfigPatches=list(node.patches),
        ),
    }


def _mount(mount: Mount) -> dict[str, Any]:
    written = {"hostPath": mount.host_path, "containerPath": mount.node_path, "readOnly": mount.read_only}
    propagation = _KINDS_PROPAGATION.get(mount.propagation, "None")
    return written if propagation == "None" else {**written, "propagation": propagation}


def _port(port: Port) -> dict[str, Any]:
    written = {"containerPort": port.node_port, "hostPort": port.host_port, "protocol": port.protocol}
    return {**written, "listenAddress": port.listen} if port.listen else written


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
