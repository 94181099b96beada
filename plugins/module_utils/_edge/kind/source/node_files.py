# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read the configuration of a cluster from its running nodes, a command for each; nothing is changed."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import (
    CONTROL_PLANE,
    Node,
    kubernetes_nodes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.found import found_options
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.model import (
    ClusterState,
    Found,
    NodeFiles,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.manifests import yaml_value, yaml_values

SECONDS = 30.0
_CONTAINERD = "/etc/containerd/config.toml"
_MANIFESTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
_PORTS = "/proc/sys/net/ipv4/ip_local_port_range"
_DEFAULT_PORTS = (32768, 60999)
# Fields end with a NUL. The second part is for control planes.
READ = rf"""
end() {{ printf '\0'; }}
cat /kind/version; end
cat /kind/kubeadm.conf; end
cat {_CONTAINERD}; end
tr '\0' '\n' </proc/1/environ | sed -n 's/^KIND_DNS_SEARCH=/=/p'; end
getent ahosts "$(hostname)" | cut -d' ' -f1 | sort -u; end
find /etc/containerd/certs.d -type f 2>/dev/null; end
cat /var/lib/kubelet/config.yaml; end
"""
READ_CLUSTER = rf"""
for name in {" ".join(_MANIFESTS)}; do cat /etc/kubernetes/manifests/$name.yaml; end; done
k() {{ kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout 10s -n kube-system "$@"; }}
k get configmap kubeadm-config -o 'jsonpath={{.data.ClusterConfiguration}}'; end
k get configmap kubelet-config -o 'jsonpath={{.data.kubelet}}'; end
k get nodes -o 'jsonpath={{.items[*].metadata.name}}'; end
cat /kind/manifests/default-cni.yaml; end
k get daemonsets -o 'jsonpath=daemonsets {{.items[*].metadata.name}}'; end
"""
_FIELDS = 7
_CLUSTER_FIELDS = len(_MANIFESTS) + 5
# In the manifest of the network plugin, which is a template and so no valid YAML.
_DAEMON_SET = re.compile(r"^kind: DaemonSet$.*?^  name: ([\w.-]+)", re.MULTILINE | re.DOTALL)


def find_options(engine: Engine, cluster: str, nodes: Sequence[Node]) -> Found:
    """The options that create the cluster, which others created, once more."""
    running = [node for node in kubernetes_nodes(nodes) if node.state == "running"]
    first = next((node.name for node in running if node.role == CONTROL_PLANE), "")
    with ThreadPoolExecutor(max(1, 2 * len(running))) as pool:
        stock = {image: pool.submit(_stock, engine, image) for image in {node.image_id for node in running}}
        read = [pool.submit(_read, engine, node.name, more=node.name == first) for node in running]
        fields = {node.name: done.result() for node, done in zip(running, read)}
        images = {image: done.result() for image, done in stock.items()}
    files = {node.name: _files(fields[node.name], images[node.image_id]) for node in running if fields[node.name]}
    return found_options(cluster, nodes, files, _state(fields.get(first, [])[_FIELDS:]), _ephemeral_ports())


def _read(engine: Engine, node: str, *, more: bool) -> list[str]:
    """The fields of READ, and with more those of READ_CLUSTER; [] if the node cannot be read."""
    script, number = (READ + READ_CLUSTER, _FIELDS + _CLUSTER_FIELDS) if more else (READ, _FIELDS)
    try:
        done = engine.inside(node).run(["sh", "-c", script], check=False, timeout=SECONDS)
    except KindlabError:
        return []
    fields = done.out.split("\0")
    return fields[:-1] if len(fields) == number + 1 else []


def _stock(engine: Engine, image: str) -> Mapping[str, Any] | None:
    """containerd's configuration in an image, by its id: its name may have been given to another one."""
    argv = [engine.name, "run", "--rm", "--network", "none", "--entrypoint", "cat", image, _CONTAINERD]
    try:
        done = engine.runner.run(argv, check=False, timeout=SECONDS)
    except KindlabError:
        return None
    return _toml(done.out) if done.code == 0 else None


def _files(fields: Sequence[str], stock: Mapping[str, Any] | None) -> NodeFiles:
    version, kubeadm, containerd, search, addresses, registries, kubelet = fields[:_FIELDS]
    return NodeFiles(
        version=version.strip(),
        kubeadm={item["kind"]: item for item in yaml_values(kubeadm) if isinstance(item, dict) and "kind" in item},
        containerd=_toml(containerd),
        stock_containerd=stock,
        dns_search=tuple(search.strip()[1:].split()) if search.strip() else None,
        addresses=tuple(addresses.split()),
        registries=tuple(registries.splitlines()),
        kubelet=_mapping(kubelet),
    )


def _state(fields: Sequence[str]) -> ClusterState:
    if not fields:
        return ClusterState()
    manifests, (kubeadm, kubelet, nodes, plugin, sets) = fields[: len(_MANIFESTS)], fields[len(_MANIFESTS) :]
    return ClusterState(
        has_default_cni=bool({*_DAEMON_SET.findall(plugin)} & {*sets.split()[1:]}) if sets.strip() else None,
        nodes=tuple(nodes.split()),
        kubeadm=_mapping(kubeadm),
        kubelet=_mapping(kubelet),
        flags={name: tuple(_command(_mapping(text))) for name, text in zip(_MANIFESTS, manifests)},
    )


def _command(pod: Mapping[str, Any]) -> Iterable[str]:
    for container in ((pod.get("spec") or {}).get("containers") or ())[:1]:
        yield from map(str, (*(container.get("command") or ()), *(container.get("args") or ())))


def _mapping(text: str) -> dict[str, Any]:
    value, _why = yaml_value(text)
    return value if isinstance(value, dict) else {}


def _toml(text: str) -> Mapping[str, Any] | None:
    """None for text that is not valid, and before Python 3.11, which cannot read it."""
    try:
        value = importlib.import_module("tomllib").loads(text) if text else None
    except (ImportError, ValueError):
        return None
    return dict(value) if value else None


def _ephemeral_ports() -> tuple[int, int]:
    """The ports of this host that programs get which ask for any."""
    try:
        with open(_PORTS, encoding="ascii") as file:
            low, high = map(int, file.read().split())
    except (OSError, ValueError):
        return _DEFAULT_PORTS
    return low, high
