"""The files of a cluster on its host: kubeconfigs, the marker of unfinished work, mounted directories."""

from __future__ import annotations

import errno
import fcntl
import os
import pwd
import socket
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.mark import CREATING, DELETING, Mark
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.mounts_and_ports import HostDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host import directories as host
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.kubeconfig import (
    Kubeconfig,
    temporary_file,
    user_kubeconfig,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.marker import Marker
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import EMPTY, KUBECONFIG

LAB = KUBECONFIG.format(name="lab", number=1)


def two(first: str, second: str, number: int = 1) -> str:
    """A kubeconfig with two clusters, the first one current."""
    one, other = (yaml.safe_load(KUBECONFIG.format(name=name, number=number)) for name in (first, second))
    return yaml.safe_dump({**one, **{kind: one[kind] + other[kind] for kind in ("clusters", "contexts", "users")}})


@pytest.mark.parametrize(("cluster", "named"), [("lab", True), ("la", False), ("lab2", False), ("l.b", False)])
def test_whether_a_kubeconfig_names_a_cluster(tmp_path: Path, cluster: str, named: bool) -> None:
    (tmp_path / "k").write_text(LAB)
    assert Kubeconfig(str(tmp_path / "k")).has_cluster(cluster) is named
    assert not Kubeconfig(str(tmp_path / "none")).has_cluster(cluster)


def test_names_as_other_programs_write_them(tmp_path: Path) -> None:
    (tmp_path / "k").write_text(yaml.safe_dump(yaml.safe_load(LAB), default_style='"'))
    assert not Kubeconfig(str(tmp_path / "k")).has_cluster("other")


@given(st.integers(0, 9), st.integers(0, 9))
def test_whether_a_kubeconfig_has_the_credentials_of_another(own: int, others: int) -> None:
    with temporary_file(two("lab", "other", number=own)) as path:
        other = KUBECONFIG.format(name="other", number=others)
        assert Kubeconfig(path).has_credentials_of("other", other) is (own == others)


@pytest.mark.parametrize(("text", "stays"), [(EMPTY, False), (LAB, True)])
def test_an_empty_kubeconfig_is_removed(tmp_path: Path, text: str, stays: bool) -> None:
    file = tmp_path / "k"
    file.write_text(text)
    Kubeconfig(str(file)).remove_if_empty()
    assert file.exists() is stays
    Kubeconfig(str(tmp_path / "none")).remove_if_empty()


def test_the_user_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/user")
    first, second = tmp_path / "a", tmp_path / "b"
    several = {"KUBECONFIG": f"{first}{os.pathsep}{second}{os.pathsep}{first}"}
    assert user_kubeconfig({}) == user_kubeconfig({"KUBECONFIG": ""}) == "/home/user/.kube/config"
    assert user_kubeconfig(several) == str(second)
    first.touch()
    assert user_kubeconfig(several) == str(first)


def test_a_temporary_kubeconfig_is_private_and_removed() -> None:
    with temporary_file(LAB) as path:
        assert Path(path).read_text() == LAB
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert not os.path.exists(path)


def marker(directory: Path, cluster: str = "lab") -> Marker:
    return Marker(str(directory / "config"), cluster)


def test_unfinished_work_is_marked_until_the_mark_is_cleared(tmp_path: Path) -> None:
    own, other = marker(tmp_path / "deep"), marker(tmp_path / "deep")
    assert own.read() is None
    with own.locked(Deadline(0)):
        own.write(DELETING, nodes=("lab-worker",))
        said = f"process {os.getpid()} of .* on {socket.gethostname()}, since 20"
        with pytest.raises(TimedOut, match=said), other.locked(Deadline(0)):
            pass
        with pytest.raises(TimedOut, match="cluster lab after 0 seconds"):
            other.wait(Deadline(0), lambda: False)
    mark = other.read()
    assert mark is not None and (mark.action, mark.nodes, mark.cluster) == (DELETING, ("lab-worker",), "lab")
    other.wait(Deadline(0), lambda: False)
    with pytest.raises(TimedOut):
        other.wait(Deadline(0), lambda: True)
    with own.locked(Deadline(0)):
        own.clear()
    assert list((tmp_path / "deep").iterdir()) == []
    other.wait(Deadline(0), lambda: True)


def test_clusters_that_share_a_kubeconfig_have_marks_of_their_own(tmp_path: Path) -> None:
    one, other = marker(tmp_path, "lab1"), marker(tmp_path, "lab2")
    with one.locked(Deadline(0)), other.locked(Deadline(0)):
        one.write(CREATING)
        other.clear()
    assert one.read() is not None and other.read() is None


def test_a_lock_that_became_free_is_taken(tmp_path: Path) -> None:
    """The run that had it has removed the file: its lock would exclude nobody."""
    first, second = marker(tmp_path), marker(tmp_path)
    lock = second.locked(Deadline(20))
    with first.locked(Deadline(0)), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lock.__enter__)
        time.sleep(0.2)
        os.unlink(first.path)
        waiting.result()
        second.write(CREATING)
    lock.__exit__(None, None, None)
    assert marker(tmp_path).read() is not None


@pytest.mark.parametrize("text", ["{}", "[]", "removing\n", '{"action": 1, "nodes": {}}', "\xff"])
def test_a_mark_that_nobody_wrote_here_counts_as_a_creation(tmp_path: Path, text: str) -> None:
    own = marker(tmp_path)
    Path(own.path).write_text(text, encoding="latin-1")
    assert own.read() == Mark(CREATING, "lab")


def test_an_error_leaves_the_mark_and_frees_the_lock(tmp_path: Path) -> None:
    own = marker(tmp_path)
    with pytest.raises(RuntimeError), own.locked(Deadline(0)):
        own.write(CREATING)
        raise RuntimeError
    with open(own.path) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_kubeconfig_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="not writable"), marker(tmp_path / "file" / "below").locked(Deadline(0)):
        pass


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(code, os.strerror(code))

    own = marker(tmp_path)
    Path(own.path).touch()
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(BadInput, match="does not support locks"), own.locked(Deadline(0)):
        pass
    with pytest.raises(BadInput, match="does not support locks"):
        own.wait(Deadline(0), lambda: False)


def test_a_mark_that_another_user_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As anybody but root finds it."""
    own = marker(tmp_path)
    Path(own.path).touch()

    def refuse(*_arguments: object, **_options: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    for look in (own.read, lambda: own.wait(Deadline(0), lambda: False)):
        with pytest.raises(BadInput, match=f"belongs to {pwd.getpwuid(os.getuid()).pw_name}") as raised:
            look()
        assert f"sudo rm {own.path}" in raised.value.next_step


NO_KUBECONFIGS = [
    "a: [",
    "[]",
    "text",
    "12",
    "contexts: {a: 1}",
    "contexts: [1]",
    "contexts: [{name: 1}]",
    "clusters: [{}]",
    "users: text",
    "\0",
]


@pytest.mark.parametrize("text", NO_KUBECONFIGS)
def test_a_file_that_is_no_kubeconfig(tmp_path: Path, text: str) -> None:
    (tmp_path / "k").write_text(text)
    with pytest.raises(BadInput, match="is not a kubeconfig"):
        Kubeconfig(str(tmp_path / "k")).has_cluster("lab")


@pytest.mark.parametrize(
    "text", ["", "null", "contexts:", "contexts: [{name: kind-lab}]", "contexts: [{name: kind-lab, context: [1]}]"]
)
def test_odd_kubeconfigs_have_no_credentials(tmp_path: Path, text: str) -> None:
    (tmp_path / "k").write_text(text)
    file = Kubeconfig(str(tmp_path / "k"))
    assert file.credentials("lab") == {} and file.current_context() == "" and not file.is_of_this_host("lab")


def test_a_directory_is_no_kubeconfig(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        Kubeconfig(str(tmp_path)).has_cluster("lab")


@pytest.mark.parametrize(
    ("server", "here"),
    [
        ("https://127.0.0.1:1", True),
        ("https://[::1]:1", True),
        ("https://localhost:1", True),
        ("https://10.0.0.1:1", False),
    ],
)
def test_entries_of_this_host(tmp_path: Path, server: str, here: bool) -> None:
    (tmp_path / "k").write_text(LAB.replace("https://127.0.0.1:40001", server))
    assert Kubeconfig(str(tmp_path / "k")).is_of_this_host("lab") is here


def test_the_current_context_is_set_and_nothing_else_is_changed(tmp_path: Path) -> None:
    (tmp_path / "k").write_text(two("lab", "other"))
    (tmp_path / "k").chmod(0o640)
    (tmp_path / "link").symlink_to("k")
    file = Kubeconfig(str(tmp_path / "link"))
    file.set_current_context("kind-other")
    assert file.current_context() == "kind-other"
    assert yaml.safe_load((tmp_path / "k").read_text()) == {
        **yaml.safe_load(two("lab", "other")),
        "current-context": "kind-other",
    }
    assert (tmp_path / "link").is_symlink() and stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o640


def test_directories_are_made_with_their_mode(tmp_path: Path) -> None:
    deep = HostDirectory(str(tmp_path / "a" / "b"), mode=0o1770)
    assert host.missing([deep]) == (deep,)
    host.create(deep)
    assert stat.S_IMODE(os.stat(deep.path).st_mode) == 0o1770
    assert host.missing([deep]) == ()


@pytest.mark.parametrize("create", [True, False])
def test_a_dangling_symlink(tmp_path: Path, create: bool) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadInput, match="is not a directory"):
        host.missing([HostDirectory(str(tmp_path / "link"), create)])


def test_a_link_to_a_directory_is_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert host.missing([HostDirectory(str(tmp_path / "link"))]) == ()
