"""What a new cluster needs of this host: kind_cluster and kind_cluster_recreate refuse the same, changing nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host import machine
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import kind_cluster_recreate
from ansible_collections.kindlab.volumes.tests.unit.support.cluster_runs import Place
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import containers

IMAGE = "kindest/node:v1.34.4"
WORKERS = [{"role": "control-plane"}, *[{"role": "worker"}] * 2]
PORT = {"node_port": 80, "host_port": 40080}


class Lab(Place):
    """One host with what keeps a cluster from being created on it."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(path)
        self.patch = monkeypatch
        self.host.images[IMAGE] = f"id of {IMAGE}"
        self.sockets: list[socket.socket] = []

    def options(self, **options: Any) -> dict[str, Any]:
        """Of kind_cluster."""
        return super().options(**options, **dict.fromkeys(("control_planes", "workers") if "nodes" in options else ()))

    def recreate(self, check_mode: bool, **options: Any) -> Outcome:
        plain = defaults(kind_cluster_recreate.ARGUMENTS)
        own = {"cluster": "lab", "path": str(self.backup), "kubeconfig": str(self.kubeconfig), "engine": "docker"}
        # No node runs containerd.
        asked = {**plain, **own, "images": "none", "options": options}
        return kind_cluster_recreate.run(asked, check_mode, runner=self.host, connect=self.connect)

    def connect(self, *where: Any) -> Any:
        return self.api if where[0] == "lab" else self.host.connect(*where)

    def listen(self, number: int) -> None:
        self.sockets.append(socket.create_server(("", number)))

    def others(self, count: int) -> None:
        self.host.nodes += containers({"name": "other", "nodes": [{"role": "control-plane"}] * count})

    def limit(self, count: int) -> None:
        (self.path / "instances").write_text(str(count))
        self.patch.setattr(machine, "INSTANCES", str(self.path / "instances"))


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "users.yaml"))
    found = Lab(tmp_path, monkeypatch)
    yield found
    for taken in found.sockets:
        taken.close()


def no_image(lab: Lab) -> dict[str, Any]:
    lab.host.registry = set()
    return {"image": "node:9"}


def other_image(lab: Lab) -> dict[str, Any]:
    lab.host.images["web:1"] = "id"
    lab.host.entrypoint = '["sh"]'
    return {"image": "web:1"}


def container_of_that_name(lab: Lab) -> dict[str, Any]:
    lab.host.published["lab-worker2"] = ""
    return {"nodes": WORKERS}


def program_on_a_port(lab: Lab) -> dict[str, Any]:
    lab.listen(40080)
    return {"ports": [PORT]}


def container_on_a_port(lab: Lab) -> dict[str, Any]:
    lab.host.published["web"] = "0.0.0.0:40080->80/tcp"
    return {"ports": [PORT]}


def program_on_the_port_of_the_api_server(lab: Lab) -> dict[str, Any]:
    lab.listen(40081)
    return {"networking": {"api_server_port": 40081}}


def address_of_another_host(_lab: Lab) -> dict[str, Any]:
    return {"ports": [{**PORT, "listen": "192.0.2.1"}]}


def few_instances(lab: Lab) -> dict[str, Any]:
    lab.others(2)
    lab.limit(100)
    return {"nodes": WORKERS}


def little_room(lab: Lab) -> dict[str, Any]:
    lab.patch.setattr(machine, "_free", lambda _path: 1 << 20)
    return {}


def no_directory(lab: Lab) -> dict[str, Any]:
    return mounted(lab, "gone", create=False)


def file_for_a_directory(lab: Lab) -> dict[str, Any]:
    (lab.path / "file").touch()
    return mounted(lab, "file", create=True)


def directory_below_a_file(lab: Lab) -> dict[str, Any]:
    (lab.path / "file").touch()
    return mounted(lab, "file/below")


def mounted(lab: Lab, name: str, **more: Any) -> dict[str, Any]:
    return {"mounts": [{"host_path": str(lab.path / name), "node_path": "/x", **more}]}


# What is wrong -> (the refused object, why, a part of the next step).
REFUSALS: Mapping[Callable[[Lab], dict[str, Any]], tuple[str, str, str]] = {
    no_image: ("node:9", "docker does not have it", "docker pull node:9"),
    other_image: ("web:1", "it is not a node image of kind", "role kindlab.volumes.node_image"),
    container_of_that_name: ("lab-worker2", "a container that is no node of this cluster", "docker rm lab-worker2"),
    program_on_a_port: ("port 40080/TCP", "another program of this host listens on it", "sport = :40080"),
    container_on_a_port: ("port 40080/TCP", "container web publishes it", "another host_port"),
    program_on_the_port_of_the_api_server: ("port 127.0.0.1:40081/TCP", "another program", "sport = :40081"),
    address_of_another_host: ("port 192.0.2.1:40080/TCP", "192.0.2.1 is not an address of this host", "listen"),
    few_instances: ("inotify instances", "each user may have 100, the cluster needs about 60", "sysctl"),
    little_room: ("disk of /", "1 MiB are free", "docker system prune"),
    no_directory: ("gone", "does not exist", "Mount the disk or restore the directory"),
    file_for_a_directory: ("file", "is not a directory", "Use a directory"),
    directory_below_a_file: ("file/below", "is not a directory", "Use another path"),
}


@pytest.mark.parametrize("recreated", [False, True], ids=["kind_cluster", "kind_cluster_recreate"])
@pytest.mark.parametrize("obstacle", REFUSALS, ids=lambda function: function.__name__)
def test_what_a_new_cluster_lacks(lab: Lab, obstacle: Callable[[Lab], dict[str, Any]], recreated: bool) -> None:
    if recreated:
        lab.run()
    run = lab.recreate if recreated else lab.run
    options = obstacle(lab)
    name, why, step = REFUSALS[obstacle]
    errors = []
    nodes, calls = lab.host.nodes.copy(), len(lab.host.writes())
    for check_mode in (True, False):
        with pytest.raises((BadInput, Declined)) as raised:
            run(check_mode, **options)
        errors.append(raised.value)
    assert name in errors[0].message and why in errors[0].message and step in errors[0].next_step
    assert all(row["name"].endswith(name) for row in errors[0].details or ())
    assert len(errors[0].details or ()) == isinstance(errors[0], Declined)
    assert errors[0].text() == errors[1].text()
    assert lab.host.nodes == nodes and len(lab.host.writes()) == calls
    assert not (lab.backup / "generations").exists()


def test_everything_is_told_at_once(lab: Lab) -> None:
    lab.run()
    options = other_image(lab) | program_on_a_port(lab) | file_for_a_directory(lab) | {"containerd_patches": ["a ="]}
    with pytest.raises(Declined) as raised:
        lab.recreate(True, **options)
    names = [str(row["name"]).rpartition("/")[2] for row in raised.value.details or ()]
    assert names == ["web:1", "TCP", "file", "containerd_patches"]


def test_what_the_old_cluster_holds_is_free_for_the_new_one(lab: Lab) -> None:
    """Its names, its ports and its inotify instances, even where others leave less than is usually needed."""
    lab.run(ports=[PORT], networking={"api_server_port": 40081})
    lab.others(3)
    lab.limit(100)
    for port in (40080, 40081):
        lab.listen(port)
    lab.host.published |= {"lab-worker": "", "lab-control-plane": "0.0.0.0:40080->80/tcp"}
    assert lab.recreate(True).changed
    with pytest.raises(Declined, match="inotify instances"):
        lab.recreate(True, nodes=WORKERS)


def test_an_image_is_pulled_for_a_new_cluster_but_there_before_one_is_deleted(lab: Lab) -> None:
    assert lab.run(True, image="node:9").changed
    lab.run()
    with pytest.raises(KindlabError, match="docker does not have it"):
        lab.recreate(True, image="node:9")
    lab.host.images["node:9"] = "id"
    assert lab.recreate(True, image="node:9").facts["plan"]["images"] == ["node:9"]
