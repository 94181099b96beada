"""What a host has for a new cluster: ports that nobody else listens on, directories, and versions of images."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.mounts_and_ports import HostDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Port
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.host import (
    image_version,
    missing,
    missing_directories,
    occupied,
    refusals,
    uncreatable,
    unusable,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import KindHost, containers


@pytest.mark.parametrize(("kind", "protocol"), [(socket.SOCK_STREAM, "TCP"), (socket.SOCK_DGRAM, "UDP")])
def test_a_port_is_taken_while_somebody_has_it(kind: socket.SocketKind, protocol: str) -> None:
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if protocol == "TCP":
            other.listen()
        number = other.getsockname()[1]
        ports = [Port(80, number, "127.0.0.1", protocol), Port(80, number, "", protocol)]
        assert unusable(ports) == [(port, "another program listens on it") for port in ports]
    assert unusable(ports) == []


def test_an_address_of_another_host() -> None:
    elsewhere = Port(80, 8099, "192.0.2.1")
    assert unusable([elsewhere]) == [(elsewhere, "192.0.2.1 is not an address of this host")]
    assert unusable([Port(80, 8099, "", "SCTP"), Port(80, 8099, "no address")]) == []


def test_directories_that_are_gone(tmp_path: Path) -> None:
    wanted = [HostDirectory(str(tmp_path / name), create=create) for name, create in (("a", False), ("b", True))]
    assert missing(wanted) == [str(tmp_path / "a")]
    assert missing([HostDirectory(str(tmp_path), create=False)]) == []
    assert missing_directories([str(tmp_path), "/nowhere"]) == {"/nowhere"}


def test_directories_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    paths = {"file": True, "file/below": True, "new": True, "other": False}
    wanted = [HostDirectory(str(tmp_path / path), create=create) for path, create in paths.items()]
    first, second = uncreatable(wanted)
    assert f"{tmp_path}/file is not a directory" in first.message
    assert f"{tmp_path}/file/below cannot be created" in second.message


def test_directories_with_content(tmp_path: Path) -> None:
    for name in ("empty", "full/file"):
        (tmp_path / name).mkdir(parents=True)
    paths = {str(tmp_path / name) for name in ("empty", "full", "missing")}
    assert occupied(paths) == {str(tmp_path / "full")}
    (tmp_path / "file").write_text("")
    assert occupied([str(tmp_path / "file")]) == {str(tmp_path / "file")}


def test_a_new_shape_that_this_host_refuses(tmp_path: Path) -> None:
    """Own ports are free for the new cluster; everything else is told at once, and each thing once."""
    host = KindHost()
    host.nodes = containers({"name": "lab", "nodes": [{"role": "control-plane"}]})
    host.images = {"n:1": "id"}
    host.entrypoint = '["/bin/sh"]'
    (tmp_path / "file").write_text("")
    mounts = [{"host_path": str(tmp_path / "file"), "node_path": "/n"}]
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = {"node_port": 80, "host_port": other.getsockname()[1], "listen": "127.0.0.1"}
        options = {"name": "lab", "control_planes": 1, "image": "n:1", "ports": [taken], "mounts": mounts}
        spec = ClusterSpec.from_options({**options, "containerd_patches": ["a ="]})
        engine = Engine("docker", host)
        found = [refusal.text() for refusal in refusals(engine, spec, engine.nodes("lab"))]
    assert len(found) == 4
    for part in (
        "host port",
        "is not a directory",
        "not a node image of kind",
        "containerd_patches: it is not valid TOML",
    ):
        assert sum(part in text for text in found) == 1, found


@pytest.mark.parametrize(
    ("answer", "version"),
    [("v1.35.0\n", "v1.35.0"), (Completed(1, err="no such file"), ""), (TimedOut("too slow"), "")],
)
def test_the_version_in_an_image(answer: object, version: str) -> None:
    runner = ScriptedRunner(script=[(["podman", "run", "--rm"], answer)])  # type: ignore[list-item]
    assert image_version(Engine("podman", runner), "node:2") == version
    assert runner.calls[0][-3:] == ["cat", "node:2", "/kind/version"]
