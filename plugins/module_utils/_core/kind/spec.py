# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The requested cluster: a checked, complete description of its nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import plain_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_numbers

from .mounts_and_ports import HostDirectory, host_directories, node_mounts, published_ports
from .nodes import CONTROL_PLANE, LOAD_BALANCER, WORKER, Mount, Node, Port, node_names
from .settings import feature_gates, networking, node_labels, patches, request_rate, text_map

# Kubernetes' rule for the node names that begin with it (RFC 1123 subdomain), which is stricter than kind's.
CLUSTER_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
HOSTNAME_MAX = 63


@dataclass(frozen=True)
class NodeSpec:
    """One requested node; image '' is kind's default."""

    name: str
    role: str
    image: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    patches: tuple[str, ...] = ()
    kind_fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ClusterSpec:
    """The requested cluster; networking under kind's field names. kind_fields: those that no option sets."""

    name: str
    nodes: tuple[NodeSpec, ...] = ()
    directories: tuple[HostDirectory, ...] = ()
    kubeadm_patches: tuple[str, ...] = ()
    containerd_patches: tuple[str, ...] = ()
    feature_gates: Mapping[str, bool] = field(default_factory=dict)
    runtime_config: Mapping[str, str] = field(default_factory=dict)
    networking: Mapping[str, Any] = field(default_factory=dict)
    kind_fields: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> ClusterSpec:
        """Check the options of kind_cluster. Raises BadInput."""
        check_numbers({"controller_manager_qps": options.get("controller_manager_qps")})
        name, node_options, shared = checked_name(options["name"]), _node_options(options), options.get("mounts") or ()
        nodes = tuple(_nodes(name, node_options, options))
        check_host_ports(nodes)
        mounted = {mount.host_path for node in nodes for mount in node.mounts}
        directories = host_directories([*shared, *(m for node in node_options for m in node.get("mounts") or ())])
        return cls(
            name=name,
            nodes=nodes,
            directories=tuple(d for d in directories if d.path in mounted),
            kubeadm_patches=(
                *request_rate(options.get("controller_manager_qps")),
                *patches("kubeadm_patches", options.get("kubeadm_patches")),
            ),
            containerd_patches=tuple(options.get("containerd_patches") or ()),
            feature_gates=feature_gates(options.get("feature_gates") or {}),
            runtime_config=text_map(options.get("runtime_config") or {}),
            networking=networking(options.get("networking") or {}),
            kind_fields=options.get("kind_fields") or {},
        )

    def renamed_images(self, nodes: Iterable[Node]) -> tuple[str, ...]:
        """The requested images that existing nodes have under another name, or not at all."""
        names = {plain_name(node.image) for node in nodes}
        requested = sorted({node.image for node in self.nodes if node.image})
        return tuple(image for image in requested if names and names != {plain_name(image)})

    @property
    def has_network(self) -> bool:
        """False if the cluster is created without a CNI plugin: its nodes do not become ready."""
        return not self.networking.get("disableDefaultCNI")

    def as_created(self) -> tuple[Node, ...]:
        """The nodes as the engine will show them."""
        return tuple(Node(n.name, self.name, n.role, "running", n.image, "", n.mounts, n.ports) for n in self.nodes)


def _nodes(cluster: str, node_options: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> Iterator[NodeSpec]:
    names = node_names(cluster, [node["role"] for node in node_options])
    _check_lengths(cluster, [*names, *(node_names(cluster, [LOAD_BALANCER]) if _planes(node_options) > 1 else [])])
    ports = options.get("ports") or ()
    for name, node in zip(names, node_options):
        yield NodeSpec(
            name=name,
            role=node["role"],
            image=node.get("image") or options.get("image") or "",
            labels=node_labels({**(options.get("labels") or {}), **(node.get("labels") or {})}),
            mounts=node_mounts(name, node, options.get("mounts") or ()),
            ports=published_ports([*(node.get("ports") or ()), *(ports if name == names[0] else ())]),
            patches=patches("patches of a node", node.get("patches")),
            kind_fields=node.get("kind_fields") or {},
        )


def _check_lengths(cluster: str, node_names: Iterable[str]) -> None:
    longest = max(node_names, key=len)
    if len(longest) > HOSTNAME_MAX:
        raise BadInput(
            f"Cluster name {cluster} is too long: node {longest} would have a host name of {len(longest)} characters, "
            f"the maximum is {HOSTNAME_MAX}.",
            next_step=f"Use a name of at most {len(cluster) - len(longest) + HOSTNAME_MAX} characters.",
        )


def checked_name(name: str) -> str:
    """The cluster name. Raises BadInput if kind or Kubernetes would not accept it."""
    if CLUSTER_NAME.fullmatch(name):
        return name
    raise BadInput(
        f"'{name}' is not a valid name of a kind cluster.",
        next_step="Use lower-case letters, digits, '-' and '.'; begin and end with a letter or digit.",
    )


def _node_options(options: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The options of each node with its role, control planes first."""
    nodes = options.get("nodes")
    if nodes is None:
        planes = 1 if options.get("control_planes") is None else int(options["control_planes"])
        workers = int(options.get("workers") or 0)
        check_numbers({"control_planes": planes, "workers": workers})
        nodes = [{"role": CONTROL_PLANE}] * planes + [{"role": WORKER}] * workers
    nodes = sorted(({**node, "role": node.get("role") or CONTROL_PLANE} for node in nodes), key=lambda n: n["role"])
    if not _planes(nodes):
        raise BadInput("nodes has no control-plane.", next_step="Give at least one node the role control-plane.")
    return nodes


def _planes(nodes: Iterable[Mapping[str, Any]]) -> int:
    return sum(node["role"] == CONTROL_PLANE for node in nodes)


def check_host_ports(nodes: Iterable[NodeSpec]) -> None:
    """Raise BadInput if two nodes, or two entries, request the same host port."""
    wide = {"", "0.0.0.0", "::"}
    taken: dict[tuple[int, str], set[str]] = {}
    for node in nodes:
        for port in (p for p in node.ports if p.host_port > 0):
            others = taken.setdefault((port.host_port, port.protocol), set())
            if port.listen in others or (others and (port.listen in wide or wide & others)):
                raise BadInput(
                    f"Host port {port.host_port}/{port.protocol} is requested twice.",
                    next_step="Give each entry of ports its own host_port.",
                )
            others.add(port.listen)
