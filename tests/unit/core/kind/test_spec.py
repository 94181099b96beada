"""From options to the requested cluster, and to kind's configuration of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import config_text, kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import (
    HOSTNAME_MAX,
    ClusterSpec,
    checked_name,
)

# kind v0.32.0, pkg/internal/apis/config/validate.go: validNameRE, where Go's $ is the very end.
KIND_NAME = re.compile(r"\A[a-z0-9.-]+\Z")


def config(**options: Any) -> dict[str, Any]:
    return kind_config(ClusterSpec.from_options({"name": "lab", "control_planes": 1, "workers": 0, **options}))


@given(st.text(st.sampled_from("abz09.-_A\n é"), max_size=70) | st.text(max_size=5))
def test_every_name_that_is_taken_is_one_of_kinds(name: str) -> None:
    try:
        checked_name(name)
    except BadInput:
        return
    assert KIND_NAME.match(name)


@given(st.from_regex(KIND_NAME).filter(lambda n: n[0] not in ".-" and n[-1] not in ".-"))
def test_names_of_kinds_that_kubernetes_refuses_are_refused(name: str) -> None:
    """Beyond kind's rule only the parts between dots matter: each is a DNS label of its own."""
    fits = all(part and not part.startswith("-") and not part.endswith("-") for part in name.split("."))
    try:
        taken = checked_name(name) == name
    except BadInput:
        taken = False
    assert taken == fits


@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 12))
def test_no_node_name_is_too_long(length: int, planes: int, workers: int) -> None:
    options = {"name": "a" * length, "control_planes": planes, "workers": workers}
    longest = ["-control-plane" + (str(planes) if planes > 1 else ""), "-external-load-balancer" if planes > 1 else ""]
    fits = length + max(map(len, longest)) <= HOSTNAME_MAX
    try:
        spec = ClusterSpec.from_options(options)
    except BadInput as error:
        assert not fits and "at most" in error.next_step
        return
    assert fits and len(spec.nodes) == planes + workers


def test_counts_and_names() -> None:
    spec = ClusterSpec.from_options({"name": "lab", "control_planes": 2, "workers": 3})
    assert [n.name for n in spec.nodes] == [
        "lab-control-plane",
        "lab-control-plane2",
        "lab-worker",
        "lab-worker2",
        "lab-worker3",
    ]


def test_least_configuration() -> None:
    assert config() == {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": "lab",
        "nodes": [{"role": "control-plane"}],
    }


def test_full_configuration() -> None:
    made = config(
        nodes=[
            {"role": "worker", "image": "own:1", "labels": {"disk": "fast"}, "patches": ["kind: JoinConfiguration"]},
            {"role": "control-plane", "ports": [{"node_port": 80, "host_port": 8081, "protocol": "udp"}]},
        ],
        image="node:1",
        labels={"team": "a", "gpu": False, "tier": 1, "disk": "slow"},
        mounts=[
            {"host_path": "/h//all/", "node_path": "/all/"},
            {"host_path": "/h/w", "node_path": "/w", "roles": ["worker"], "read_only": True},
            {"host_path": "/h/s", "node_path": "/s", "roles": ["control-plane"], "propagation": "Bidirectional"},
        ],
        ports=[{"node_port": 30080, "host_port": 8080, "listen": "127.0.0.1"}, {"node_port": 30081}],
        feature_gates={"A": True, "B": "false"},
        runtime_config={"api/alpha": True, "x": "y"},
        networking={"disable_default_cni": "yes", "api_server_port": "6443", "podSubnet": "10.1.0.0/16"},
        containerd_patches=["[plugins]"],
        kubeadm_patches=[{"kind": "InitConfiguration"}],
    )
    labels = {"team": "a", "gpu": "false", "tier": "1"}
    assert made["nodes"] == [
        {
            "role": "control-plane",
            "image": "node:1",
            "labels": {**labels, "disk": "slow"},
            "extraMounts": [
                {"hostPath": "/h/all", "containerPath": "/all", "readOnly": False},
                {"hostPath": "/h/s", "containerPath": "/s", "readOnly": False, "propagation": "Bidirectional"},
            ],
            "extraPortMappings": [
                {"containerPort": 80, "hostPort": 8081, "protocol": "UDP"},
                {"containerPort": 30080, "hostPort": 8080, "protocol": "TCP", "listenAddress": "127.0.0.1"},
                {"containerPort": 30081, "hostPort": 0, "protocol": "TCP"},
            ],
        },
        {
            "role": "worker",
            "image": "own:1",
            "labels": {**labels, "disk": "fast"},
            "extraMounts": [
                {"hostPath": "/h/all", "containerPath": "/all", "readOnly": False},
                {"hostPath": "/h/w", "containerPath": "/w", "readOnly": True},
            ],
            "kubeadmConfigPatches": ["kind: JoinConfiguration"],
        },
    ]
    assert made["featureGates"] == {"A": True, "B": False}
    assert made["runtimeConfig"] == {"api/alpha": "true", "x": "y"}
    assert made["networking"] == {"disableDefaultCNI": True, "apiServerPort": 6443, "podSubnet": "10.1.0.0/16"}
    assert made["containerdConfigPatches"] == ["[plugins]"]
    assert made["kubeadmConfigPatches"] == ['{"kind": "InitConfiguration"}']
    assert json.loads(config_text(made)) == made


def test_request_rate_in_the_form_of_each_kubeadm() -> None:
    patches = [json.loads(patch) for patch in config(controller_manager_qps=100)["kubeadmConfigPatches"]]
    assert [(p["apiVersion"], p["kind"], p["controllerManager"]["extraArgs"]) for p in patches] == [
        ("kubeadm.k8s.io/v1beta3", "ClusterConfiguration", {"kube-api-qps": "100", "kube-api-burst": "200"}),
        (
            "kubeadm.k8s.io/v1beta4",
            "ClusterConfiguration",
            [{"name": "kube-api-qps", "value": "100"}, {"name": "kube-api-burst", "value": "200"}],
        ),
    ]


MOUNTS = st.lists(
    st.builds(
        lambda host, node, roles, read_only: {
            "host_path": f"/h/{host}",
            "node_path": f"/n/{node}",
            "roles": roles,
            "read_only": read_only,
        },
        st.integers(0, 3),
        st.integers(0, 9),
        st.none() | st.lists(st.sampled_from(["control-plane", "worker"]), unique=True, min_size=1),
        st.booleans(),
    ),
    max_size=5,
)


@given(MOUNTS, st.integers(1, 3), st.integers(0, 3))
def test_each_mount_is_on_the_nodes_of_its_roles_and_no_other(mounts: list[Any], planes: int, workers: int) -> None:
    options = {"name": "lab", "control_planes": planes, "workers": workers, "mounts": mounts}
    roles = {"control-plane"} | ({"worker"} if workers else set())
    places = [(role, m["node_path"]) for m in mounts for role in roles & set(m["roles"] or roles)]
    if len(places) != len(set(places)):
        with pytest.raises(BadInput, match="two mounts"):
            ClusterSpec.from_options(options)
        return
    spec = ClusterSpec.from_options(options)
    for node in spec.nodes:
        here = {(m["host_path"], m["node_path"], m["read_only"]) for m in mounts if node.role in (m["roles"] or roles)}
        assert {(m.host_path, m.node_path, m.read_only) for m in node.mounts} == here
    assert {d.path for d in spec.directories} == {m.host_path for n in spec.nodes for m in n.mounts}


@pytest.mark.parametrize(
    ("given_mode", "bits"), [("0755", 0o755), ("1777", 0o1777), (0o700, 0o700), (None, 0o755), ("0o770", 0o770)]
)
def test_modes(given_mode: Any, bits: int) -> None:
    mount = {"host_path": "/h", "node_path": "/n", "mode": given_mode}
    assert ClusterSpec.from_options({"name": "lab", "control_planes": 1, "mounts": [mount]}).directories[0].mode == bits


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"control_planes": 0}, "control_planes must be at least 1"),
        ({"workers": -1}, "workers must be at least 0"),
        ({"nodes": []}, "no control-plane"),
        ({"nodes": [{"role": "worker"}]}, "no control-plane"),
        ({"mounts": [{"host_path": "/h", "node_path": "n"}]}, "node_path 'n' is not an absolute path"),
        ({"mounts": [{"host_path": "/h:x", "node_path": "/n"}]}, "contains ':'"),
        ({"mounts": [{"host_path": "/h", "node_path": "/lib/modules/"}]}, "is reserved"),
        ({"mounts": [{"host_path": "/h", "node_path": "/"}]}, "is reserved"),
        ({"mounts": [{"host_path": "/h", "node_path": "/n", "mode": "rwx"}]}, "is not octal"),
        ({"mounts": [{"host_path": "/h", "node_path": "/n", "mode": "077777"}]}, "is not octal"),
        ({"ports": [{"node_port": 0}]}, "node_port 0"),
        ({"ports": [{"node_port": 1, "host_port": 65536}]}, "host_port 65536"),
        ({"ports": [{"node_port": 1, "host_port": 5}, {"node_port": 2, "host_port": 5}]}, "requested twice"),
        (
            {
                "ports": [{"node_port": 1, "host_port": 5, "listen": "127.0.0.1"}],
                "nodes": [{}, {"role": "worker", "ports": [{"node_port": 1, "host_port": 5}]}],
            },
            "requested twice",
        ),
        ({"labels": {"a b": "c"}}, "not valid in Kubernetes"),
        ({"labels": {"a": "b,c=d"}}, "not valid in Kubernetes"),
        ({"labels": {"node-role.kubernetes.io/x": ""}}, "reserved for Kubernetes"),
        ({"labels": {"x.k8s.io/y": ""}}, "reserved for Kubernetes"),
        ({"kubeadm_patches": [{"apiVersion": "v1"}]}, "has no kind"),
        ({"kubeadm_patches": ["subkind: x"]}, "has no kind"),
        ({"feature_gates": {"A": "perhaps"}}, "feature_gates.A"),
        ({"networking": {"api_server_port": "x"}}, "networking.api_server_port"),
        ({"networking": {"dns_search": "x"}}, "networking.dns_search"),
        ({"networking": {"pod_subnet": 1}}, "networking.pod_subnet"),
        ({"networking": {"pod_subnet": "10.1.0.0/99"}}, "is not a network"),
        ({"networking": {"service_subnet": "fd00::/64"}}, "does not fit networking.ip_family ipv4"),
        ({"networking": {"ip_family": "dual", "podSubnet": "10.1.0.0/16,10.2.0.0/16"}}, "does not fit"),
        (
            {"networking": {"ip_family": "v4"}},
            "value of networking.ip_family must be one of: ipv4, ipv6, dual, got: v4",
        ),
        (
            {"networking": {"kube_proxy_mode": "fast"}},
            "value of networking.kube_proxy_mode must be one of: iptables, ipvs, nftables, none, got: fast",
        ),
        ({"networking": {"api_server_address": "localhost"}}, "'localhost' is not an IP address"),
        ({"networking": {"api_server_port": 65536}}, "65536 is not a valid port"),
        ({"ports": [{"node_port": 80, "listen": "eth0"}]}, "listen 'eth0' is not an IP address"),
        ({"controller_manager_qps": 0}, "at least 1, not 0"),
    ],
)
def test_what_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as raised:
        ClusterSpec.from_options({"name": "lab", "control_planes": 1, "workers": 0, **options})
    assert said in raised.value.message


@pytest.mark.parametrize(
    "key", ["node.kubernetes.io/x", "kubernetes.io/os", "topology.kubernetes.io/zone", "a.b/c", "d"]
)
def test_labels_that_a_kubelet_may_set(key: str) -> None:
    assert config(labels={key: "v"})["nodes"][0]["labels"] == {key: "v"}


@pytest.mark.parametrize("patch", ["kind: X", "apiVersion: v\nkind: X\n", '{"a": 1, "kind": "X"}', "'kind' : X"])
def test_patches_that_name_a_kind(patch: str) -> None:
    assert config(kubeadm_patches=[patch])["kubeadmConfigPatches"] == [patch]
