"""Looks at nodes and at this host: the script that runs in a node, and mounts of this machine."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.host import compared
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import parse_look
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity import look
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.look import (
    LOOK,
    look_at_host,
    look_at_nodes,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner
from ansible_collections.kindlab.volumes.tests.unit.support.mounts import mismatch_of


def node(path: object, **options: str) -> Node:
    return Node("k-worker", "k", "worker", mounts=(Mount(str(path), str(path)),), **options)


def inside(*paths: object):
    """A node whose inside is this host."""
    names = [str(path) for path in paths]
    return parse_look("k-worker", Runner().run(["sh", "-c", LOOK, "sh", *names]).out, names)


def test_the_script_shows_what_the_host_shows(tmp_path: Path) -> None:
    directory, link = tmp_path / "a b\n$x", tmp_path / "link"
    directory.mkdir()
    link.symlink_to(directory)
    shown = inside(directory, tmp_path / "missing", link)
    status = os.stat(directory)
    assert shown.stats[str(directory)] == (status.st_dev, status.st_ino)
    assert shown.stats[str(tmp_path / "missing")] is None
    assert shown.real[str(link)] == str(directory)
    host = look_at_host([node(directory)])
    assert shown.boot == host.boot != ""
    assert shown.mounts["/"] == host.mounts["/"]
    assert inside().stats == {}


def test_a_replaced_directory_of_this_host_is_a_mismatch(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    before = inside(lab)
    assert not compared([node(lab)], {"k-worker": before}, look_at_host([node(lab)]), "docker")[0].mounts[0].mismatch
    lab.rename(tmp_path / "lab.old")
    lab.mkdir()
    (own,) = compared([node(lab)], {"k-worker": before}, look_at_host([node(lab)]), "docker")
    assert f"{lab} on the host is not the directory that k-worker has mounted" in own.mounts[0].mismatch


def test_a_symbolic_link_on_the_host_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    linked = Node("k-worker", "k", "worker", mounts=(Mount(str(tmp_path / "real"), str(tmp_path / "link")),))
    (own,) = compared([linked], {"k-worker": inside(tmp_path / "real")}, look_at_host([linked]), "docker")
    assert own.mounts[0].mismatch == ""
    assert own.host_directory(str(tmp_path / "real" / "v1")) == str(tmp_path / "real" / "v1")


def test_the_host_of_docker_desktop(tmp_path: Path) -> None:
    path = f"/host_mnt{tmp_path}"
    assert look_at_host([node(path)]).real == {path: str(tmp_path)}


def test_only_running_nodes_of_kubernetes_are_looked_at() -> None:
    runner = ScriptedRunner()
    nodes = [node("/data"), node("/data", state="exited"), Node("k-lb", "k", "external-load-balancer")]
    looks = look_at_nodes(Engine("docker", runner), nodes)
    assert list(looks) == ["k-worker"]
    assert len(runner.calls) == 1


def test_a_node_that_does_not_answer() -> None:
    class Hanging(ScriptedRunner):
        def run(self, *_argv, **_options):
            raise TimedOut("docker did not finish within 30 seconds.")

    looks = look_at_nodes(Engine("docker", Hanging()), [node("/data")])
    assert looks["k-worker"].error == "docker did not finish within 30 seconds"


def test_a_host_path_whose_file_system_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be another cluster's, and must not keep this one from being looked at."""
    free = threading.Event()

    def stat(path: str) -> os.stat_result:
        if path == "/mnt/dead":
            free.wait()
        return os.lstat(path)

    monkeypatch.setattr(look.os, "stat", stat)
    monkeypatch.setattr(look, "HOST_SECONDS", 0.2)
    mounts = (Mount("/n", "/mnt/dead"), Mount("/m", "/"))
    found = look.look_at_host([Node("n", "lab", "worker", mounts=mounts)])
    free.set()
    assert found.stats.keys() == {"/"} and found.real == {"/mnt/dead": "/mnt/dead", "/": "/"}
    assert found.silent == {"/mnt/dead"}


def test_a_file_system_that_does_not_answer_below_a_host_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Volumes that lie in it, or that contain it, would be waited for without end; others are read."""
    free, ask, dead = threading.Event(), os.statvfs, tmp_path / "v1" / "nfs"
    dead.mkdir(parents=True)

    def statvfs(path: str) -> os.statvfs_result:
        if path == str(dead):
            free.wait()
        return ask(path)

    monkeypatch.setattr(look.os, "statvfs", statvfs)
    monkeypatch.setattr(look, "HOST_SECONDS", 0.2)
    line = f"36 35 0:99 / {dead} rw - nfs4 nas.example.com:/x rw\n"
    monkeypatch.setattr(look, "_content", lambda path: line if path == look.MOUNTS else "")
    host = look_at_host([node(tmp_path)])
    free.set()
    assert host.silent == {str(dead)}
    (own,) = compared([node(tmp_path, state="exited")], {}, host, "docker")
    (mount,) = own.mounts
    why = f"the file system of {dead} on the host does not answer"
    for path in (tmp_path, tmp_path / "v1", dead, dead / "v3"):
        assert mismatch_of(mount, str(path)) == why
    assert mismatch_of(mount, str(tmp_path / "v2")) == ""
    fault = mount.fault_of(str(dead))
    assert fault and fault.remedy.endswith(f"sudo umount --force --lazy {dead}")


def test_what_does_not_answer_is_named_by_its_mount_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only that can be unmounted. A mount that is below a dead one is not asked."""
    free, asked = threading.Event(), []

    def statvfs(path: str) -> None:
        asked.append(path)
        if path.startswith("/mnt/nas"):
            free.wait()

    monkeypatch.setattr(look.os, "statvfs", statvfs)
    monkeypatch.setattr(look, "HOST_SECONDS", 0.2)
    points = ("/", "/mnt/nas", "/mnt/nas/lab/more")
    lines = "".join(f"36 35 0:99 / {point} rw - nfs4 nas:/x rw\n" for point in points)
    monkeypatch.setattr(look, "_content", lambda path: lines if path == look.MOUNTS else "")
    found = look_at_host([node("/mnt/nas/lab"), node("/mnt/nas/lab2")])
    free.set()
    assert found.silent == {"/mnt/nas"}
    assert sorted(asked) == ["/mnt/nas", "/mnt/nas/lab", "/mnt/nas/lab2"]
    (own,) = compared([node("/mnt/nas/lab")], {}, found, "docker")
    assert own.mounts[0].remedy.endswith("sudo umount --force --lazy /mnt/nas")
