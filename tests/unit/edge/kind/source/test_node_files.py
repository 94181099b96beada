"""What is read of the nodes of a cluster that others created."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, Port
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.kubeadm import Settings, generated
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.model import Found
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.source.node_files import (
    READ,
    READ_CLUSTER,
    find_options,
)

TOML = 'version = 2\n[plugins."cri"]\nsandbox = "pause:3"\n'
POD = "spec: {containers: [{command: [kube-apiserver, --runtime-config=, --v=3]}]}"
PORT = Port(6443, 6444, "127.0.0.1")
NODES = (
    Node("lab-control-plane", "lab", "control-plane", image="n:1", image_id="id", ports=(PORT,)),
    Node("lab-worker", "lab", "worker", image="n:1", image_id="id"),
)


class Nodes(Runner):
    """Nodes that answer READ and READ_CLUSTER. patched: containerd's configuration; fail: what raises."""

    plugin = (
        "kind: ServiceAccount\nmetadata:\n  name: a\n---\nkind: DaemonSet\nmetadata:\n  name: net\nspec: {{ .X }}\n"
    )

    def __init__(self, patched: str = TOML, search: str = "", fail: str = "") -> None:
        self.patched, self.search, self.fail = patched, search, fail
        self.calls: list[list[str]] = []

    def run(self, argv: Sequence[str], **_options: Any) -> Completed:
        self.calls.append(list(argv))
        if self.fail and self.fail in argv:
            raise CommandFailed("no")
        if argv[1] == "run":
            assert argv[-2:] == ["id", "/etc/containerd/config.toml"]
            return Completed(0, TOML)
        fields = self.fields(argv[3])
        if argv[-1] == READ + READ_CLUSTER:
            fields += [POD, "", "", "", "", "lab-control-plane lab-worker", self.plugin, "daemonsets net kube-proxy"]
        else:
            assert argv[-1] == READ
        return Completed(0, "".join(f"{field}\0" for field in fields))

    def fields(self, node: str) -> list[str]:
        role = "worker" if node == "lab-worker" else "control-plane"
        made = generated(
            Settings(
                "lab",
                role,
                "v1.34.4",
                "lab-control-plane:6443",
                f"kind://docker/lab/{node}",
                "172.18.0.2",
                pod_subnet="10.244.0.0/16",
                service_subnet="10.96.0.0/16",
            )
        )
        documents = "\n---\n".join(json.dumps({"kind": kind, **document}) for kind, document in made.items())
        return ["v1.34.4\n", documents, self.patched, self.search, "172.18.0.2\n", "", "maxPods: 110\n"]


def read(nodes: Nodes, shown: Sequence[Node] = NODES) -> Found:
    return find_options(Engine("docker", nodes), "lab", shown)


def test_the_options_of_a_cluster() -> None:
    nodes = Nodes()
    found = read(nodes)
    assert found.problem == ""
    assert found.options == {
        "nodes": [{"role": "control-plane", "image": "n:1"}, {"role": "worker", "image": "n:1"}],
        "networking": {"api_server_port": 6444},
    }
    (doubt,) = found.doubts
    assert "kube-apiserver was changed after the creation: --v in" in doubt
    # A command for each node and one for the image that they share.
    assert len(nodes.calls) == 3


def test_patches_of_containerd_and_search_domains() -> None:
    found = read(Nodes(f"{TOML}more = true\n", search="=a.example b.example\n"))
    assert found.options["containerd_patches"] == ['["plugins"."cri"]\n"more" = true']
    assert found.options["networking"]["dns_search"] == ["a.example", "b.example"]
    assert read(Nodes(search="=\n")).options["networking"]["dns_search"] == []


def test_a_network_plugin_that_was_left_out() -> None:
    nodes = Nodes()
    nodes.plugin = nodes.plugin.replace("net", "kindnet")
    assert read(nodes).options["networking"]["disable_default_cni"] is True


def test_nodes_that_cannot_be_read() -> None:
    assert "configuration in lab-worker cannot be read" in read(Nodes(fail="lab-worker")).problem
    assert any("it cannot be read" in doubt for doubt in read(Nodes(fail="run")).doubts)
    assert any("it cannot be read" in doubt for doubt in read(Nodes("=")).doubts)


@pytest.mark.parametrize(("script", "number"), [(READ, 7), (READ + READ_CLUSTER, 15)])
def test_the_script_has_a_field_for_each_part(tmp_path: Path, script: str, number: int) -> None:
    """Whatever is missing: here everything is."""
    environment: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, check=False)
    assert done.stdout.count(b"\0") == number
