"""Options that are read from a cluster make kind generate what the cluster has."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import container_drift, record_drift
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node, Port
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.found import found_options, taken_over
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.kubeadm import (
    SUBNETS,
    Settings,
    generated,
    pairs,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.model import (
    ClusterState,
    Found,
    NodeFiles,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.patches import merged, pruned
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec

EPHEMERAL = (32768, 60999)
VERSION = "v1.34.4"
STATE = ClusterState(has_default_cni=True)
STOCK = {"version": 2, "plugins": {"cri": {"sandbox": "pause:3"}}}
DOUBT = "whether port 40000 of the API server was requested"


def made_by_kind(spec: ClusterSpec, *, version: str = VERSION) -> tuple[tuple[Node, ...], dict[str, NodeFiles]]:
    """Containers and files that kind makes of a configuration."""
    config, nodes, files = kind_config(spec), [], {}
    networking = config.get("networking", {})
    family = networking.get("ipFamily", "ipv4")
    pods, services = SUBNETS[family]
    address = {"ipv4": "172.18.0.{}", "ipv6": "fc00::{}", "dual": "172.18.0.{},fc00::{}"}[family]
    planes = sum(node.role == "control-plane" for node in spec.nodes)
    door = f"{spec.name}-external-load-balancer" if planes > 1 else f"{spec.name}-control-plane"
    port = Port(6443, networking.get("apiServerPort", 40000), networking.get("apiServerAddress", "127.0.0.1"))
    for number, (node, own) in enumerate(zip(spec.nodes, config["nodes"], strict=True), 2):
        ports = tuple(replace(p, listen=p.listen or "0.0.0.0", host_port=p.host_port or 50000) for p in node.ports)
        if node.role == "control-plane":
            ports += (port if planes == 1 else Port(6443, 45000 + number, "127.0.0.1"),)
        kinds = (Mount("/var", "/engine/x", "volume"), Mount("/lib/modules", "/lib/modules", read_only=True))
        nodes.append(
            Node(node.name, spec.name, node.role, image=node.image, mounts=(*kinds, *node.mounts), ports=ports)
        )
        documents = generated(
            Settings(
                spec.name,
                node.role,
                version,
                f"{door}:6443",
                f"kind://docker/{spec.name}/{node.name}",
                address.format(number, number),
                networking.get("apiServerAddress", "127.0.0.1"),
                family,
                networking.get("podSubnet", pods),
                networking.get("serviceSubnet", services),
                networking.get("kubeProxyMode", "iptables"),
                spec.feature_gates,
                spec.runtime_config,
                node.labels,
            )
        )
        for text in (*config.get("kubeadmConfigPatches", ()), *own.get("kubeadmConfigPatches", ())):
            patch = json.loads(text)
            kind = patch.pop("kind")
            if kind in documents and patch.pop("apiVersion", "kubeadm.k8s.io/v1beta3") == "kubeadm.k8s.io/v1beta3":
                documents[kind] = pruned(merged(documents[kind], patch))
        search = networking.get("dnsSearch")
        files[node.name] = NodeFiles(
            version,
            {kind: {"kind": kind, **document} for kind, document in documents.items()},
            STOCK,
            STOCK,
            None if search is None else tuple(search),
            tuple(address.format(number, number).split(",")),
        )
    if planes > 1:
        nodes.append(Node(door, spec.name, "external-load-balancer", image="envoy", ports=(port,)))
    return tuple(nodes), files


def found(
    options: dict[str, Any], state: ClusterState = STATE, **changed: Any
) -> tuple[Found, tuple[Node, ...], dict[str, NodeFiles]]:
    """What is read of the cluster that kind makes of these options. changed: fields of the files of all nodes."""
    nodes, files = made_by_kind(ClusterSpec.from_options({"name": "lab", **options}))
    files = {name: replace(own, **changed) for name, own in files.items()}
    return found_options("lab", nodes, files, state, EPHEMERAL), nodes, files


PATCH = st.sampled_from(
    [
        {
            "kind": "ClusterConfiguration",
            "apiServer": {"extraArgs": {"v": "3"}, "certSANs": ["localhost", "127.0.0.1", "x"]},
        },
        {"kind": "ClusterConfiguration", "controllerManager": {"extraArgs": {"enable-hostpath-provisioner": None}}},
        {"kind": "ClusterConfiguration", "scheduler": {"extraArgs": {"feature-gates": "Z=true"}}},
        {"kind": "InitConfiguration", "nodeRegistration": {"kubeletExtraArgs": {"node-labels": "ingress-ready=true"}}},
        {"kind": "JoinConfiguration", "nodeRegistration": {"taints": [{"key": "a", "effect": "NoSchedule"}]}},
        {"kind": "KubeletConfiguration", "maxPods": 50, "evictionHard": {"nodefs.available": "5%"}},
        {"kind": "KubeProxyConfiguration", "conntrack": {"maxPerCore": None}},
        {"kind": "InitConfiguration", "nodeRegistration": {"kubeletExtraArgs": {"node-ip": "192.0.2.7"}}},
    ]
)
PATCHES = st.lists(PATCH, max_size=2)
NODE = st.fixed_dictionaries(
    {"labels": st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), max_size=2), "patches": PATCHES}
)
CLUSTER = st.fixed_dictionaries(
    {
        "planes": st.lists(NODE, min_size=1, max_size=2),
        "workers": st.lists(NODE, max_size=2),
        "kubeadm_patches": PATCHES,
        "feature_gates": st.dictionaries(st.sampled_from(["A", "B"]), st.booleans(), max_size=2),
        "runtime_config": st.sampled_from([{}, {"api/alpha": "true"}]),
        "controller_manager_qps": st.sampled_from([None, 100]),
        "networking": st.fixed_dictionaries(
            {},
            optional={
                "ip_family": st.sampled_from(["ipv4", "ipv6", "dual"]),
                "kube_proxy_mode": st.sampled_from(["ipvs", "nftables", "none"]),
                "api_server_port": st.just(6444),
                "dns_search": st.sampled_from([[], ["a.example"]]),
            },
        ),
    }
)


@given(CLUSTER)
def test_kind_makes_the_same_of_them(drawn: dict[str, Any]) -> None:
    planes = [{"role": "control-plane", "image": "n:1", **node} for node in drawn.pop("planes")]
    workers = [{"role": "worker", "image": "n:1", **node} for node in drawn.pop("workers")]
    read, nodes, files = found({**drawn, "nodes": planes + workers})
    assert read.problem == ""
    spec = ClusterSpec.from_options({"name": "lab", **read.options})
    assert container_drift(spec, nodes, {}) == ()
    _again, made = made_by_kind(spec)
    assert {name: own.kubeadm for name, own in made.items()} == {name: own.kubeadm for name, own in files.items()}
    assert {name: own.dns_search for name, own in made.items()} == {n: own.dns_search for n, own in files.items()}


def test_options_as_people_write_them() -> None:
    """Settings of kind come back as such, and only what else was patched is a patch."""
    asked = {
        "nodes": [
            {
                "role": "control-plane",
                "image": "n:1",
                "ports": [{"node_port": 80, "host_port": 8080, "protocol": "TCP"}],
                "patches": [
                    {"kind": "InitConfiguration", "nodeRegistration": {"kubeletExtraArgs": {"node-labels": "i=1"}}}
                ],
            },
            {
                "role": "worker",
                "image": "n:1",
                "mounts": [{"host_path": "/h", "node_path": "/n", "read_only": True, "create": False}],
                "labels": {"disk": "fast"},
            },
        ],
        "networking": {"pod_subnet": "10.9.0.0/16"},
        "feature_gates": {"A": True},
        "kubeadm_patches": [{"kind": "KubeletConfiguration", "maxPods": 50}],
        "controller_manager_qps": 100,
    }
    read, _nodes, _files = found(asked)
    assert read.options == asked
    assert [doubt.partition(":")[0] for doubt in read.doubts] == [DOUBT]
    spec = ClusterSpec.from_options({"name": "lab", **asked})
    assert record_drift(spec, kind_config(ClusterSpec.from_options({"name": "lab", **read.options}))) == ()


def test_a_cluster_of_defaults_has_few_options() -> None:
    read, _nodes, _files = found({"control_planes": 1, "image": "n:1"})
    assert read.options == {"nodes": [{"role": "control-plane", "image": "n:1"}]}


def test_the_port_of_the_api_server() -> None:
    fixed, _nodes, _files = found({"control_planes": 1, "networking": {"api_server_port": 6444}})
    assert (fixed.options["networking"], fixed.doubts) == ({"api_server_port": 6444}, ())
    assert found({"control_planes": 2, "networking": {"api_server_address": "0.0.0.0"}})[0].options["networking"] == {
        "api_server_address": "0.0.0.0"
    }


def test_containerd_patches_and_registries() -> None:
    patched = {"version": 2, "plugins": {"cri": {"sandbox": "pause:3", "registry": {"config_path": '/etc/"certs"'}}}}
    read, _nodes, _files = found({"control_planes": 1}, containerd=patched, registries=("/etc/containerd/certs.d/r",))
    assert read.options["containerd_patches"] == ['["plugins"."cri"."registry"]\n"config_path" = "/etc/\\"certs\\""']
    assert any("/etc/containerd/certs.d/r" in doubt for doubt in read.doubts)
    by_itself = {"version": 2, "plugins": {"cri": {"sandbox": "pause:3", "restrict_oom_score_adj": True}}}
    assert "containerd_patches" not in found({"control_planes": 1}, containerd=by_itself)[0].options
    unread, _nodes, _files = found({"control_planes": 1}, containerd=None)
    assert any("containerd's configuration was patched: it cannot be read" in doubt for doubt in unread.doubts)
    lacking, _nodes, _files = found({"control_planes": 1}, containerd={"version": 2})
    assert any("lacks plugins" in doubt for doubt in lacking.doubts)


@pytest.mark.parametrize(
    ("state", "doubt"),
    [
        (ClusterState(has_default_cni=False), "it is left out (networking.disable_default_cni)"),
        (ClusterState(), "the API server did not answer"),
        (
            replace(STATE, kubeadm={"networking": {"podSubnet": "10.7.0.0/16"}}),
            "controlPlaneEndpoint, controllerManager, kubernetesVersion, networking",
        ),
        (
            replace(STATE, flags={"kube-apiserver": ("kube-apiserver", "--runtime-config=", "--audit-log-path=/x")}),
            "kube-apiserver was changed after the creation: --audit-log-path in /etc/kubernetes/manifests",
        ),
        (replace(STATE, kubelet={"maxPods": 5}), "lab-control-plane: the kubelet's configuration differs"),
    ],
)
def test_what_is_not_known_or_was_changed_is_told(state: ClusterState, doubt: str) -> None:
    read, _nodes, _files = found({"control_planes": 1}, state, kubelet={"maxPods": 110})
    assert any(doubt in text for text in read.doubts), read.doubts
    assert bool(read.options.get("networking", {}).get("disable_default_cni")) == (state.has_default_cni is False)


def test_what_no_option_makes_is_told() -> None:
    nodes, files = made_by_kind(ClusterSpec.from_options({"name": "lab", "control_planes": 1}))
    documents = dict(files["lab-control-plane"].kubeadm)
    cluster = documents["ClusterConfiguration"]
    documents["ClusterConfiguration"] = {**cluster, "apiServer": {**cluster["apiServer"], "certSANs": ["other"]}}
    documents["ResetConfiguration"] = {"force": True}
    volume = Mount("/data", "/engine/y", "volume")
    changed = {"lab-control-plane": replace(files["lab-control-plane"], kubeadm=documents)}
    read = found_options("lab", [replace(nodes[0], mounts=(volume,))], changed, STATE, EPHEMERAL)
    for text in ("is not for 127.0.0.1, localhost", "a document ResetConfiguration", "/data is a volume of the engine"):
        assert any(text in doubt for doubt in read.doubts), read.doubts


def test_clusters_that_cannot_be_read() -> None:
    nodes, files = made_by_kind(ClusterSpec.from_options({"name": "lab", "control_planes": 1, "workers": 2}))
    without = [node for node in nodes if node.name != "lab-worker"]
    assert "container of lab-worker is gone" in found_options("lab", without, files, STATE, EPHEMERAL).problem
    last = [node for node in nodes if node.name != "lab-worker2"]
    state = replace(STATE, nodes=("lab-control-plane", "lab-worker", "lab-worker2"))
    assert "container of lab-worker2 is gone" in found_options("lab", last, files, state, EPHEMERAL).problem
    stopped = {name: own for name, own in files.items() if name != "lab-worker"}
    assert (
        "configuration in lab-worker cannot be read" in found_options("lab", nodes, stopped, STATE, EPHEMERAL).problem
    )
    other = [replace(nodes[0], name="machine")]
    assert "other names than kind gives" in found_options("lab", other, files, STATE, EPHEMERAL).problem


def test_what_was_requested_of_a_cluster_of_others_since() -> None:
    """It counts, and what it does not mention stays."""
    read, _nodes, _files = found({"control_planes": 1, "image": "n:1", "feature_gates": {"A": True}})
    asked = {"nodes": [{"role": "control-plane", "labels": {"a": "b"}}], "controller_manager_qps": 100}
    both = taken_over(read, asked)
    assert both.options == {
        "nodes": [{"role": "control-plane", "image": "n:1", "labels": {"a": "b"}}],
        "feature_gates": {"A": True},
        "controller_manager_qps": 100,
    }
    assert both.doubts[-1].startswith("controller_manager_qps, labels, patches or fields of nodes: it was")
    assert taken_over(read, dict(read.options)) == read
    unread = taken_over(Found(problem="no node runs"), asked)
    assert (unread.options, unread.doubts) == (asked, ("no node runs",))
    assert taken_over(read, {"nodes": [{}, {}]}).options == {"nodes": [{}, {}]}


def test_pairs() -> None:
    assert pairs("a=b,c=,d=e=f") == {"a": "b", "c": "", "d": "e=f"}
    assert pairs(None) == {}
