# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a cluster keeps about how it was asked for: written at its creation, read as options that make it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .nodes import Node, node_names
from .settings import NETWORKING, split_rate

RECORD, RECORD_NAMESPACE = "kindlab-cluster", "kube-system"
_OURS = {kinds: ours for ours, (kinds, _type) in NETWORKING.items()}


def record(config: str, kind_version: str) -> dict[str, Any]:
    """What was asked for, kept in the cluster: the part of it that no container shows can be compared later."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": RECORD, "namespace": RECORD_NAMESPACE},
        "data": {"config": config, "kind": kind_version, "created-by": "kindlab.volumes.kind_cluster"},
    }


def recorded_config(found: Mapping[str, Any]) -> dict[str, Any]:
    """kind's configuration out of the record. Raises BadInput where somebody has made something else of it."""
    try:
        return dict(json.loads(found["data"]["config"]))
    except (KeyError, TypeError, ValueError):
        raise BadInput(
            f"The ConfigMap {RECORD} of {RECORD_NAMESPACE} does not hold kind's configuration as it was recorded.",
            tried=f"kubectl -n {RECORD_NAMESPACE} get configmap {RECORD} -o yaml",
            next_step="Delete it: the cluster then counts as one that was made otherwise.",
        ) from None


def known_options(found: Mapping[str, Any] | None, nodes: Sequence[Node]) -> dict[str, Any]:
    """The options that make the cluster again, {} where there is no record of them, or none that can be read."""
    try:
        return recorded_options(recorded_config(found), nodes) if found else {}
    except BadInput:
        return {}


def recorded_options(config: Mapping[str, Any], nodes: Sequence[Node]) -> dict[str, Any]:
    """The options of kind_cluster, its name apart, that make a cluster of this configuration.

    nodes: as they are, for the images that were left to kind, whose next version may choose others. What is mounted
    has to be there: a directory that was made for it would hide that its data is gone.
    """
    names = node_names(config["name"], [node["role"] for node in config["nodes"]])
    images = {node.name: node.image for node in nodes}
    given = zip(names, config["nodes"], strict=True)
    rate, patches = split_rate(config.get("kubeadmConfigPatches") or ())
    networking = {_OURS[field]: value for field, value in (config.get("networking") or {}).items()}
    return {
        "nodes": [_node(node, node.get("image") or images.get(name, "")) for name, node in given],
        **_filled(
            networking=networking,
            feature_gates=config.get("featureGates"),
            runtime_config=config.get("runtimeConfig"),
            controller_manager_qps=rate,
            kubeadm_patches=patches,
            containerd_patches=config.get("containerdConfigPatches"),
        ),
    }


def _node(node: Mapping[str, Any], image: str) -> dict[str, Any]:
    return {
        "role": node["role"],
        **_filled(
            image=image,
            labels=node.get("labels"),
            mounts=[_mount(mount) for mount in node.get("extraMounts") or ()],
            ports=[_port(port) for port in node.get("extraPortMappings") or ()],
            patches=node.get("kubeadmConfigPatches"),
        ),
    }


def _mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    written = {
        "host_path": mount["hostPath"],
        "node_path": mount["containerPath"],
        "read_only": mount["readOnly"],
        "create": False,
    }
    return {**written, **_filled(propagation=mount.get("propagation"))}


def _port(port: Mapping[str, Any]) -> dict[str, Any]:
    written = {"node_port": port["containerPort"], "host_port": port["hostPort"], "protocol": port["protocol"]}
    return {**written, **_filled(listen=port.get("listenAddress"))}


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
