# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is read of a cluster that others created, and the options that come out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True)
class NodeFiles:
    """Files of a running node.

    version: of Kubernetes, in its image; kubeadm: kind of document -> document of /kind/kubeadm.conf. containerd,
    stock_containerd: containerd's configuration in the node and in its image, as mappings, None if they cannot be
    read. dns_search: None if it is the host's. addresses: of the node. registries: files about registries that were
    put into the node. kubelet: the kubelet's configuration.
    """

    version: str = ""
    kubeadm: Mapping[str, Object] = field(default_factory=dict)
    containerd: Object | None = None
    stock_containerd: Object | None = None
    dns_search: tuple[str, ...] | None = None
    addresses: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    kubelet: Object = field(default_factory=dict)


@dataclass(frozen=True)
class ClusterState:
    """What a control plane shows of the running cluster.

    has_default_cni: whether the network plugin of the node image is there, None if that is not known. nodes: names of
    its Nodes. kubeadm, kubelet: the configurations that kubeadm keeps in kube-system. flags: component -> its flags.
    """

    has_default_cni: bool | None = None
    nodes: tuple[str, ...] = ()
    kubeadm: Object = field(default_factory=dict)
    kubelet: Object = field(default_factory=dict)
    flags: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """options: those of kind_cluster that create the same cluster; {} if they are not known, and problem says why.

    doubts: what of the cluster they do not say, or what cannot be known.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    problem: str = ""
