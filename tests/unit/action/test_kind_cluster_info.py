"""Descriptions of clusters, running or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action import kind_cluster, kind_cluster_info
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import CA, looked
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import KUBECONFIG, KindHost, merge

ASKED = {
    "engine": "docker",
    "wait_timeout": 1,
    "merge_kubeconfig": False,
    "retain_on_failure": False,
    "force": False,
}


class Host(KindHost):
    """One where programs inside nodes can be run: each knows the version its image was made for."""

    def run(self, argv: Any, **rest: Any) -> Completed:
        if argv[:2] == ["docker", "exec"] and not looked(argv):
            return Completed(0, "v1.33.0\n")
        return super().run(argv, **rest)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    return Host()


def make(host: Host, name: str, **options: Any) -> None:
    asked = {**ASKED, "name": name, "state": "present", "control_planes": 1}
    kind_cluster.run({**asked, **options}, False, runner=host, connect=host.connect)


def info(host: Host, **options: Any) -> list[dict[str, Any]]:
    done = kind_cluster_info.run({"engine": "docker", **options}, False, runner=host, connect=host.connect)
    assert not done.changed
    return list(done.facts["clusters"])


def test_none(host: Host) -> None:
    assert info(host) == [] == info(host, name="lab")


def test_a_running_one(host: Host, tmp_path: Path) -> None:
    data = tmp_path / "data"
    make(host, "lab", workers=1, mounts=[{"host_path": str(data), "node_path": "/n", "read_only": True}])
    (lab,) = info(host)
    assert (lab["name"], lab["state"], lab["reachable"], lab["kubernetes_version"]) == (
        "lab",
        "running",
        True,
        "v1.34.4",
    )
    assert lab["kubeconfig"] == str(tmp_path / ".kube" / "kind-lab.yaml")
    assert [(n["name"], n["role"]) for n in lab["nodes"]] == [
        ("lab-control-plane", "control-plane"),
        ("lab-worker", "worker"),
    ]
    assert lab["nodes"][1]["mounts"] == [{"host_path": str(data), "node_path": "/n", "read_only": True}]
    assert lab["nodes"][0]["ports"] == []


def test_the_options_that_make_it_again(host: Host, tmp_path: Path) -> None:
    data = tmp_path / "data"
    make(host, "lab", workers=1, mounts=[{"host_path": str(data), "node_path": "/n"}], labels={"disk": "fast"})
    (lab,) = info(host)
    mount = {"host_path": str(data), "node_path": "/n", "read_only": False, "create": False}
    rest = {"image": "kindest/node:default", "labels": {"disk": "fast"}, "mounts": [mount]}
    assert lab["options"] == {"nodes": [{"role": role, **rest} for role in ("control-plane", "worker")]}
    created = host.configs["lab"]
    named = [{**node, "image": "kindest/node:default"} for node in created["nodes"]]
    assert lab["config"] == {**created, "nodes": named}
    kind_cluster.run({**ASKED, "name": "lab", "state": "absent"}, False, runner=host, connect=host.connect)
    make(host, "lab", **lab["options"])
    assert [n.pop("image") for n in host.configs["lab"]["nodes"]] == ["kindest/node:default"] * 2
    assert host.configs["lab"] == created


def test_options_that_are_not_known(host: Host) -> None:
    make(host, "lab")
    host.clusters["lab"].patch("ConfigMap", "kindlab-cluster", {"data": {"config": "spoiled"}}, "kube-system")
    assert (info(host)[0]["options"], info(host)[0]["reachable"]) == ({}, True)
    host.clusters["lab"].delete("ConfigMap", "kindlab-cluster", "kube-system")
    assert (info(host)[0]["options"], info(host)[0]["reachable"]) == ({}, True)
    host.clusters.clear()
    assert (info(host)[0]["options"], info(host)[0]["config"]) == ({}, {})


def test_one_without_a_file_of_its_own(host: Host, tmp_path: Path) -> None:
    make(host, "lab")
    (tmp_path / ".kube" / "kind-lab.yaml").unlink()
    (lab,) = info(host, name="lab")
    assert lab["reachable"] and lab["kubeconfig"] == ""


def test_one_whose_api_does_not_answer(host: Host) -> None:
    make(host, "lab")
    host.ready.clear()
    host.clusters.clear()
    (lab,) = info(host)
    assert (lab["state"], lab["reachable"], lab["kubernetes_version"]) == ("running", False, "v1.33.0")


def test_stopped_and_partly_running_ones(host: Host) -> None:
    make(host, "a")
    make(host, "b", workers=1)
    host.nodes[0]["State"]["Status"] = "exited"
    host.nodes[2]["State"]["Status"] = "exited"
    assert [(c["name"], c["state"], c["reachable"]) for c in info(host)] == [
        ("a", "stopped", False),
        ("b", "partly running", True),
    ]
    assert info(host, name="a")[0]["kubernetes_version"] == ""


def test_a_name_that_none_can_have(host: Host) -> None:
    with pytest.raises(BadInput):
        info(host, name="Not_a_name")


def test_the_users_own_kubeconfig(host: Host, tmp_path: Path) -> None:
    make(host, "lab", merge_kubeconfig=True)
    (lab,) = info(host)
    assert lab["merged"] and lab["current_context"]
    users = tmp_path / ".kube" / "config"
    merge(users, KUBECONFIG.format(name="lab", number=9))
    (lab,) = info(host)
    assert not lab["merged"] and lab["current_context"]


@pytest.mark.parametrize("text", ["a: [", "[]"])
def test_kubeconfigs_that_can_not_be_read_are_none(host: Host, tmp_path: Path, text: str) -> None:
    make(host, "lab")
    for name in ("config", "kind-lab.yaml"):
        (tmp_path / ".kube" / name).write_text(text)
    (lab,) = info(host)
    assert (lab["kubeconfig"], lab["merged"], lab["current_context"]) == ("", False, False)
    assert lab["reachable"]


def test_a_kubeconfig_that_leads_to_another_cluster_is_not_the_clusters_own(host: Host) -> None:
    make(host, "lab")
    assert info(host)[0]["kubeconfig"]
    host.clusters["lab"].ca = CA.replace("S2lu", "S2xu")
    assert info(host)[0]["kubeconfig"] == ""
