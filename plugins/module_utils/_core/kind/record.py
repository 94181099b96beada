# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ConfigMap in which a cluster keeps its kind configuration, and the options that recreate the cluster from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.shape.fits import fits

from .config import options_from
from .mounts_and_ports import PROPAGATION
from .nodes import Node, node_names
from .settings import NETWORKING, split_rate

RECORD, RECORD_NAMESPACE = "kindlab-cluster", "kube-system"

_NODE = {
    "role!": {"control-plane", "worker"},
    "image": str,
    "labels": {"*": str},
    "extraMounts": [{"hostPath!": str, "containerPath!": str, "readOnly": bool, "propagation": {*PROPAGATION}}],
    "extraPortMappings": [{"containerPort!": int, "hostPort": int, "listenAddress": str, "protocol": str}],
    "kubeadmConfigPatches": [str],
}
_CONFIG = {
    "name!": str,
    "nodes!": [_NODE],
    "featureGates": {"*": bool},
    "runtimeConfig": {"*": str},
    "networking": dict(NETWORKING.values()),
    "kubeadmConfigPatches": [str],
    "containerdConfigPatches": [str],
}


def record(config: str, kind_version: str, *, adopted: bool = False) -> dict[str, Any]:
    """The ConfigMap: node containers do not show all of the configuration, so later runs compare with this.

    adopted: the cluster was created by other means, and the configuration is only what was requested of it.
    """
    origin = "adopted-by" if adopted else "created-by"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": RECORD, "namespace": RECORD_NAMESPACE},
        "data": {"config": config, "kind": kind_version, origin: "kindlab.volumes.kind_cluster"},
    }


def record_of(config_maps: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The ConfigMap among those of a cluster, None if it has none."""
    where = {"namespace": RECORD_NAMESPACE, "name": RECORD}.items()
    return next((item for item in config_maps if where <= item["metadata"].items()), None)


def is_adopted(config_map: Mapping[str, Any]) -> bool:
    """True if the cluster was created by other means: what no container shows is what was requested last."""
    return "adopted-by" in (config_map.get("data") or {})


def recorded_config(config_map: Mapping[str, Any]) -> dict[str, Any]:
    """kind's configuration from the ConfigMap. Raises BadInput if it is none any more."""
    try:
        config = json.loads(config_map["data"]["config"])
    except (LookupError, TypeError, ValueError, RecursionError):
        config = None
    if not fits(config, _CONFIG) or not config["nodes"]:
        raise BadInput(
            f"ConfigMap {RECORD_NAMESPACE}/{RECORD} does not contain a kind configuration any more.",
            tried=f"kubectl -n {RECORD_NAMESPACE} get configmap {RECORD} -o yaml",
            next_step="Delete the ConfigMap to treat the cluster like one of another tool: "
            f"kubectl -n {RECORD_NAMESPACE} delete configmap {RECORD}",
        )
    return dict(config)


def known_options(config_map: Mapping[str, Any] | None, nodes: Sequence[Node]) -> dict[str, Any]:
    """The options of kind_cluster, except its name, that recreate the cluster; {} without a readable ConfigMap.

    nodes: the current ones, for images that were left to kind: its next version may have another default. Host
    directories are never created: an empty one would hide that its data is missing.
    """
    try:
        config = recorded_config(config_map or {})
    except BadInput:
        return {}
    names = node_names(config["name"], [node["role"] for node in config["nodes"]])
    images = {node.name: node.image for node in nodes}
    options = options_from(config)
    rate, patches = split_rate(options.pop("kubeadm_patches", ()))
    return {
        **options,
        "nodes": [_node(node, images.get(name, "")) for name, node in zip(names, options["nodes"])],
        **({"controller_manager_qps": rate} if rate else {}),
        **({"kubeadm_patches": patches} if patches else {}),
    }


def _node(options: Mapping[str, Any], image: str) -> dict[str, Any]:
    mounts = [{**mount, "create": False} for mount in options.get("mounts") or ()]
    return {**({"image": image} if image else {}), **options, **({"mounts": mounts} if mounts else {})}
