# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster that is asked for: options to a checked, complete description of its nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .mounts_and_ports import (
    HostDirectory,
    host_directories,
    node_mounts,
    published_ports,
)
from .nodes import CONTROL_PLANE, LOAD_BALANCER, WORKER, Mount, Node, Port, node_names
from .settings import (
    feature_gates,
    networking,
    node_labels,
    patches,
    request_rate,
    text_map,
)

# kind's own rule (its validNameRE), and Kubernetes' for the node names that begin with it (RFC 1123 subdomain).
KIND_NAME = re.compile(r"[a-z0-9.-]+")
NODE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
HOSTNAME_MAX = 63


@dataclass(frozen=True)
class WantedNode:
    """One node that is asked for; image '' leaves the choice to kind."""

    name: str
    role: str
    image: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    patches: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClusterSpec:
    """The cluster that is asked for, checked and complete; networking in kind's own names."""

    name: str
    nodes: tuple[WantedNode, ...]
    directories: tuple[HostDirectory, ...] = ()
    kubeadm_patches: tuple[str, ...] = ()
    containerd_patches: tuple[str, ...] = ()
    feature_gates: Mapping[str, bool] = field(default_factory=dict)
    runtime_config: Mapping[str, str] = field(default_factory=dict)
    networking: Mapping[str, Any] = field(default_factory=dict)

    @property
    def images(self) -> tuple[str, ...]:
        """The node images that are named."""
        return tuple(sorted({node.image for node in self.nodes if node.image}))

    def as_created(self) -> tuple[Node, ...]:
        """The nodes as they will be: what check mode shows."""
        return tuple(Node(n.name, self.name, n.role, "running", n.image, "", n.mounts, n.ports) for n in self.nodes)


def cluster_spec(options: Mapping[str, Any]) -> ClusterSpec:
    """The options of kind_cluster, checked. Raises BadInput, and touches nothing."""
    name = checked_name(options["name"])
    given = _node_options(options)
    names = node_names(name, [node["role"] for node in given])
    balancer = node_names(name, [LOAD_BALANCER]) if _planes(given) > 1 else []
    too_long = [node for node in [*names, *balancer] if len(node) > HOSTNAME_MAX]
    if too_long:
        raise BadInput(
            f"The cluster name {name} is too long: {too_long[0]} would have {len(too_long[0])} characters, "
            f"a node's host name has at most {HOSTNAME_MAX}.",
            next_step=f"Take a name of at most {len(name) - max(map(len, too_long)) + HOSTNAME_MAX} characters.",
        )
    everywhere, labels = options.get("mounts") or (), options.get("labels") or {}
    first_ports = options.get("ports") or ()
    nodes = tuple(
        WantedNode(
            name=node_name,
            role=node["role"],
            image=node.get("image") or options.get("image") or "",
            labels=node_labels({**labels, **(node.get("labels") or {})}),
            mounts=node_mounts(node_name, node, everywhere),
            ports=published_ports([*(node.get("ports") or ()), *(first_ports if node_name == names[0] else ())]),
            patches=patches("patches of a node", node.get("patches")),
        )
        for node_name, node in zip(names, given, strict=True)
    )
    refuse_shared_ports(nodes)
    mounted = {mount.host_path for node in nodes for mount in node.mounts}
    directories = host_directories([*everywhere, *(m for node in given for m in node.get("mounts") or ())])
    return ClusterSpec(
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
    )


def checked_name(name: str) -> str:
    """A cluster name that kind and Kubernetes accept. Raises BadInput."""
    if KIND_NAME.fullmatch(name) and NODE_NAME.fullmatch(name):
        return name
    raise BadInput(
        f"'{name}' is not a name that kind accepts for a cluster.",
        next_step="Use lower case letters, digits, '-' and '.', with a letter or digit at both ends.",
    )


def _node_options(options: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The nodes in order, each with its role; the first control plane comes first."""
    given = options.get("nodes")
    if given is None:
        planes, workers = int(options.get("control_planes") or 0), int(options.get("workers") or 0)
        given = [{"role": CONTROL_PLANE}] * planes + [{"role": WORKER}] * max(workers, 0)
        if planes < 1 or workers < 0:
            raise BadInput("A cluster needs at least one control plane, and no negative number of workers.")
    given = sorted(({**node, "role": node.get("role") or CONTROL_PLANE} for node in given), key=lambda n: n["role"])
    if not _planes(given):
        raise BadInput("nodes has no control-plane.", next_step="Give at least one node the role control-plane.")
    return given


def _planes(nodes: Sequence[Mapping[str, Any]]) -> int:
    return sum(node["role"] == CONTROL_PLANE for node in nodes)


def refuse_shared_ports(nodes: Iterable[WantedNode]) -> None:
    """Refuse two nodes, or two entries, that ask for one port of the host."""
    taken: dict[tuple[int, str], list[str]] = {}
    for node in nodes:
        for port in (p for p in node.ports if p.host_port):
            others = taken.setdefault((port.host_port, port.protocol), [])
            wide = {"", "0.0.0.0", "::"}
            if port.listen in others or (others and (port.listen in wide or wide & set(others))):
                raise BadInput(
                    f"The host's port {port.host_port}/{port.protocol} is asked for twice.",
                    next_step="Give each entry of ports a host_port of its own.",
                )
            others.append(port.listen)
