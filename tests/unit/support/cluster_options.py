"""Clusters that could be asked for: options of kind_cluster, drawn by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

NUMBER = st.integers(0, 9)
MOUNT = st.fixed_dictionaries(
    {
        "host_path": NUMBER.map(lambda n: f"/h/{n}"),
        "node_path": NUMBER.map(lambda n: f"/n/{n}"),
        "read_only": st.booleans(),
        "roles": st.none() | st.just(["worker"]) | st.just(["control-plane"]),
        "propagation": st.sampled_from([None, "None", "HostToContainer", "Bidirectional"]),
    }
)
PORT = st.fixed_dictionaries(
    {
        "node_port": st.sampled_from([80, 443, 6443, 30000]),
        "host_port": st.sampled_from([0]) | st.integers(1, 65535),
        "listen": st.sampled_from([None, "0.0.0.0", "127.0.0.1"]),
        "protocol": st.sampled_from(["TCP", "UDP"]),
    }
)
OPTIONS = st.fixed_dictionaries(
    {
        "name": st.just("lab"),
        "control_planes": st.integers(1, 3),
        "workers": st.integers(0, 3),
        "image": st.sampled_from([None, "node:1", "kindest/node:v1@sha256:" + "a" * 64]),
        "mounts": st.lists(MOUNT, max_size=4, unique_by=lambda m: m["node_path"]),
        "ports": st.lists(PORT, max_size=3, unique_by=lambda p: p["host_port"]),
        "labels": st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz")),
        "controller_manager_qps": st.none() | st.integers(1, 1000),
        "networking": st.sampled_from([None, {"pod_subnet": "10.1.0.0/16"}]),
        "kubeadm_patches": st.lists(st.sampled_from(["kind: InitConfiguration", {"kind": "JoinConfiguration"}])),
    }
)
