"""The kind CLI: versions, error messages and their next steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.cli import Kind
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner


def kind(*script: tuple[list[str], Completed | str | Exception]) -> Kind:
    return Kind(ScriptedRunner(script=script), "docker")


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("kind v0.32.0 go1.26.8 linux/amd64", "0.32.0"),
        ("kind version 0.23.0", "0.23.0"),
        ("kind v1.0.0-alpha+abc go1 x", "1.0.0-alpha+abc"),
    ],
)
def test_version(said: str, version: str) -> None:
    assert kind((["kind", "version"], said)).version() == version


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("kind v0.22.0 go1", "too old"),
        ("hello", "contains no version"),
        (CommandFailed("The program kind is not on this host."), "not on this host"),
    ],
)
def test_version_that_does_not_do(answer: str | Exception, message: str) -> None:
    with pytest.raises(BadInput, match=message) as raised:
        kind((["kind", "version"], answer)).version()
    assert "go install" in raised.value.next_step


def test_the_image_that_kind_would_use(tmp_path: Path) -> None:
    image = f"kindest/node:v1.36.1@sha256:{'a' * 64}"
    program = tmp_path / "kind"
    program.write_bytes(b"\x7fELF\0kindest/node:latest" + image.encode() + b"envoyproxy")
    program.chmod(0o755)
    assert Kind(ScriptedRunner(), "docker", str(program)).default_image() == image
    program.write_text("#!/bin/sh\n")
    assert Kind(ScriptedRunner(), "docker", str(program)).default_image() == ""
    assert Kind(ScriptedRunner(), "docker", str(tmp_path / "none")).default_image() == ""


def test_kubeconfig_of_what_was_never_set_up() -> None:
    assert kind((["kind", "get", "kubeconfig"], Completed(1, err="no"))).kubeconfig("lab") is None


@pytest.mark.parametrize(
    ("processes", "creating"),
    [
        ("12 kind create cluster --name lab --kubeconfig x --config -\n", True),
        ("12 kind create cluster --name lab2 --kubeconfig x --config -\n", False),
        ("12 kind get clusters\n13 /usr/bin/kind create cluster --name lab --config -\n", True),
        ("12 [kind] <defunct>\n", False),
        ("", False),
    ],
)
def test_others_creating(processes: str, creating: bool) -> None:
    assert kind((["pgrep"], processes)).is_creating("lab") is creating


def test_others_creating_where_nothing_can_tell() -> None:
    assert kind((["pgrep"], CommandFailed("The program pgrep is not on this host."))).is_creating("lab") is False


def test_a_removal_is_tried_twice() -> None:
    runner = ScriptedRunner(script=((["kind", "delete"], Completed(1, err="the engine is busy")),))
    with pytest.raises(CommandFailed, match="could not delete cluster lab"):
        Kind(runner, "docker").delete("lab", "/k")
    assert len(runner.calls) == 2


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_commands_name_the_engine(engine: str) -> None:
    for error, command in (("no space left on device", "system prune"), ("broken", "ps --all")):
        runner = ScriptedRunner(script=((["kind", "delete"], Completed(1, err=error)),))
        with pytest.raises(CommandFailed) as raised:
            Kind(runner, engine).delete("lab", "/k")
        assert raised.value.next_step.endswith(f"{engine} {command}")
