"""What a new cluster needs of this host: images, names, ports, inotify instances and disk space."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.preflight import Machine
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, Port
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host import machine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host.machine import (
    image_version,
    look,
    why_unusable,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import KindHost, containers


@pytest.fixture(autouse=True)
def default_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.Kind, "default_image", lambda _kind: "kindest/node:own")


@pytest.fixture
def port() -> Iterator[int]:
    """A port on which a program listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def seen(host: KindHost, own: tuple[Node, ...] = (), **options: Any) -> Machine:
    spec = ClusterSpec.from_options({"name": "lab", "control_planes": 1, "workers": 1, **options})
    return look(Engine("docker", host), spec, "kind", own)


def test_a_host_that_has_everything() -> None:
    found = seen(KindHost())
    assert (found.images, found.containers, found.ports, found.others) == ({"kindest/node:own": ""}, (), {}, ())
    assert found.root == "/" and (found.free_bytes or 0) > 0 and (found.instances or 0) > 0


def test_an_engine_of_another_host(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    host = KindHost()
    monkeypatch.setattr(machine, "_engine_host", lambda _engine: (False, ""))
    found = seen(host, ports=[{"node_port": 80, "host_port": port}])
    assert (found.instances, found.free_bytes, found.ports) == (None, None, {})


def test_nodes_of_other_clusters_count_whoever_asks() -> None:
    host = KindHost()
    for name in ("lab", "other"):
        host.nodes += containers({"name": name, "nodes": [{"role": "control-plane"}, {"role": "worker"}]})
    assert [node.name for node in seen(host).others] == ["other-control-plane", "other-worker"]


@pytest.mark.parametrize("listen", ["", "127.0.0.1"])
def test_a_port_on_which_a_program_listens(port: int, listen: str) -> None:
    entry = {"node_port": 80, "host_port": port, "listen": listen}
    text = f"{listen}:{port}/TCP" if listen else f"{port}/TCP"
    assert seen(KindHost(), ports=[entry]).ports == {text: "another program of this host listens on it"}
    assert seen(KindHost(), ports=[{**entry, "protocol": "UDP"}]).ports == {}
    assert seen(KindHost(), ports=[{**entry, "host_port": 0}]).ports == {}
    assert seen(KindHost(), networking={"api_server_port": port}).ports.keys() == {f"127.0.0.1:{port}/TCP"}


def test_a_port_of_a_node_that_is_replaced(port: int) -> None:
    own = (Node("lab-control-plane", "lab", "control-plane", ports=(Port(80, port),)),)
    assert seen(KindHost(), own, ports=[{"node_port": 80, "host_port": port}]).ports == {}


@pytest.mark.parametrize(
    ("published", "taken"),
    [
        ("0.0.0.0:80->80/tcp, :::80->80/tcp", True),
        ("0.0.0.0:79-81->79-81/tcp", True),
        (":::80->80/tcp", True),
        ("127.0.0.1:80->80/tcp", True),
        ("0.0.0.0:80->80/udp", False),
        ("0.0.0.0:8080->80/tcp", False),
        ("80/tcp", False),
        ("", False),
    ],
)
def test_ports_of_containers(monkeypatch: pytest.MonkeyPatch, published: str, taken: bool) -> None:
    host = KindHost()
    host.published = {"web": published}
    monkeypatch.setattr(machine, "_engine_host", lambda _engine: (False, ""))
    found = seen(host, ports=[{"node_port": 80, "host_port": 80}]).ports
    assert found == ({"80/TCP": "container web publishes it"} if taken else {})


def test_an_address_that_this_host_does_not_have() -> None:
    found = seen(KindHost(), ports=[{"node_port": 80, "host_port": 40080, "listen": "192.0.2.1"}]).ports
    assert found == {"192.0.2.1:40080/TCP": "192.0.2.1 is not an address of this host"}


def test_a_container_with_the_name_of_a_node() -> None:
    host = KindHost()
    host.published = {"lab-worker": "", "lab-worker2": ""}
    assert seen(host).containers == ("lab-worker",)
    assert seen(host, (Node("lab-worker", "lab", "worker"),)).containers == ()


@pytest.mark.parametrize(
    ("inspected", "asked", "why"),
    [
        ('["/usr/local/bin/entrypoint","/sbin/init"]', "", ""),
        ('["sh"]', "", 'it is not a node image of kind (its entrypoint is ["sh"])'),
        ("null", "", "it is not a node image of kind (its entrypoint is null)"),
        ("<no value>", "", ""),
        (None, "{}", ""),
        (None, Completed(1, err="no such manifest: x"), "docker does not have it and cannot pull it: no such manifest"),
        (None, Completed(1, err="lookup registry.example: no such host"), "cannot pull it: lookup registry.example"),
        (None, Completed(1, err="docker: 'manifest' is not a docker command."), ""),
        (None, Completed(1, err="http: server gave HTTP response to HTTPS client"), ""),
        (None, Completed(1, err="x509: certificate signed by unknown authority"), ""),
        (None, TimedOut("docker did not finish within 30 seconds."), "its registry does not answer"),
    ],
)
def test_images(inspected: str | None, asked: Completed | str | Exception, why: str) -> None:
    answer = Completed(1, err="No such image") if inspected is None else inspected
    script = ((["docker", "image"], answer), (["docker", "manifest"], asked), (["docker", "info"], "[]\n"))
    runner = ScriptedRunner(script=script)
    found = why_unusable(Engine("docker", runner), "x:1")
    assert why in found and bool(why) == bool(found)


def test_an_image_that_a_task_before_would_provide() -> None:
    absent, other = (
        Engine("docker", ScriptedRunner(script=((["docker", "image"], answer),))) for answer in (Completed(1), '["sh"]')
    )
    assert why_unusable(absent, "x:1", assume_image=True) == ""
    assert "not a node image" in why_unusable(other, "x:1", assume_image=True)


def test_podman_asks_a_registry_by_its_transport() -> None:
    script = ((["podman", "image"], Completed(1)), (["podman", "manifest", "inspect", "docker://x:1"], json.dumps({})))
    assert why_unusable(Engine("podman", ScriptedRunner(script=script)), "x:1") == ""


@pytest.mark.parametrize("shown", ['["https://mirror.example/"]', "[]http://proxy.example:3128", "null"])
def test_a_daemon_that_pulls_otherwise_than_its_client(shown: str) -> None:
    no_host = Completed(1, err="dial tcp: lookup registry.example: no such host")
    script = ((["docker", "image"], Completed(1)), (["docker", "manifest"], no_host), (["docker", "info"], shown))
    assert bool(why_unusable(Engine("docker", ScriptedRunner(script=script)), "x:1")) is (shown == "null")


@pytest.mark.parametrize(
    ("answer", "version"),
    [("v1.35.0\n", "v1.35.0"), (Completed(1, err="no such file"), ""), (TimedOut("too slow"), "")],
)
def test_the_version_in_an_image(answer: Completed | str | Exception, version: str) -> None:
    runner = ScriptedRunner(script=[(["podman", "run", "--rm"], answer)])
    assert image_version(Engine("podman", runner), "node:2") == version
    assert runner.calls[0][-3:] == ["cat", "node:2", "/kind/version"]


def test_an_image_that_has_to_be_there_is_not_asked_of_a_registry() -> None:
    script = ((["docker", "image"], Completed(1)),)
    assert (
        why_unusable(Engine("docker", ScriptedRunner(script=script)), "x:1", pulls=False) == "docker does not have it"
    )
