"""Frozen cgroups below the containers of a cluster: thawed on this host, or by a container on the engine's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.cli import ATTEMPTS, Kind
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host import freezer

LAB, OTHER = "a" * 64, "b" * 64
LISTED = f"{LAB}\tkindest/node:v1\n"
UNENDED = Completed(1, err="cannot kill container: tried to kill container, but did not receive an exit event")
HELPER = ["docker", "run", "--rm", "--privileged"]


class Host(Runner):
    """A host with docker: shell scripts really run. answers: to kind delete; helped: what a container thaws."""

    def __init__(self, answers: Sequence[Completed] = (), helped: str = "") -> None:
        self.answers, self.helped = list(answers), helped
        self.calls: list[list[str]] = []

    def run(self, argv: Sequence[str], **options: Any) -> Completed:
        self.calls.append(list(argv))
        if argv[0] == "sh":
            return super().run(argv, **options)
        if argv[0] == "kind":
            return self.answers.pop(0)
        return Completed(0, self.helped if argv[1] == "run" else LISTED)

    def made(self, *words: str) -> int:
        return sum(call[: len(words)] == list(words) for call in self.calls)


def cgroup(root: Path, path: str, self_freezing: int) -> Path:
    """A cgroup of the freezer: its state is that of the kernel's file."""
    directory = root / "freezer" / path
    directory.mkdir(parents=True)
    (directory / "freezer.self_freezing").write_text(f"{self_freezing}\n")
    (directory / "freezer.state").write_text("FROZEN\n" if self_freezing else "THAWED\n")
    return directory / "freezer.state"


@pytest.mark.parametrize("place", [f"docker/{LAB}", f"system.slice/docker-{LAB}.scope"])
def test_only_what_is_frozen_below_the_clusters_containers_is_thawed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    paused = cgroup(tmp_path, place, 1)
    frozen = cgroup(tmp_path, f"{place}/kubelet/kubepods/pod1/c1", 1)
    running = cgroup(tmp_path, f"{place}/kubelet/kubepods/pod2", 0)
    foreign = cgroup(tmp_path, f"docker/{OTHER}/kubelet/pod3", 1)
    host = Host()
    assert freezer.thaw(host, "docker", "lab", str(tmp_path))
    assert frozen.read_text() == "THAWED\n"
    assert [path.read_text() for path in (paused, running, foreign)] == ["FROZEN\n", "THAWED\n", "FROZEN\n"]
    assert host.made(*HELPER) == 0


@pytest.mark.parametrize("helped", ["", "/sys/fs/cgroup/freezer/docker/x/pod"])
def test_the_engines_host_is_asked_in_a_container_where_this_one_has_nothing(tmp_path: Path, helped: str) -> None:
    host = Host(helped=helped)
    assert freezer.thaw(host, "docker", "lab", str(tmp_path)) is bool(helped)
    helper = host.calls[-1]
    assert helper[:4] == HELPER and "kindest/node:v1" in helper and helper[-1] == LAB


def test_without_containers_nothing_is_started() -> None:
    class Empty(Host):
        def run(self, argv: Sequence[str], **options: Any) -> Completed:
            super().run(argv, **options)
            return Completed(0)

    host = Empty()
    assert not freezer.thaw(host, "docker", "lab")
    assert host.made("docker") == 1


def test_a_deletion_goes_on_once_what_was_frozen_is_thawed() -> None:
    host = Host([UNENDED, UNENDED, Completed(0)], helped="thawed")
    Kind(host, "docker").delete("lab", "/k")
    assert host.made("kind", "delete") == 3


@pytest.mark.parametrize("helped, tries", [("", 2), ("thawed", ATTEMPTS)])
def test_a_container_that_never_ends_is_told_with_the_command_that_thaws(helped: str, tries: int) -> None:
    host = Host([UNENDED] * ATTEMPTS, helped=helped)
    with pytest.raises(CommandFailed, match="a container does not end") as raised:
        Kind(host, "docker").delete("lab", "/k")
    assert host.made("kind", "delete") == tries
    assert "sudo find /sys/fs/cgroup/freezer" in raised.value.next_step and "sh {} ';'" in raised.value.next_step


def test_other_failures_thaw_nothing() -> None:
    host = Host([Completed(1, err="permission denied")] * ATTEMPTS)
    with pytest.raises(CommandFailed):
        Kind(host, "docker").delete("lab", "/k")
    assert host.made("docker") == 0 and host.made("kind", "delete") == 2
