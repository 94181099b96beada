"""The files of a cluster on its host: kubeconfigs, the marker of unfinished work, mounted directories."""

from __future__ import annotations

import fcntl
import os
import re
import stat
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.mounts_and_ports import HostDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind import host_directories as host
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.kubeconfig import (
    Kubeconfig,
    temporary_file,
    user_kubeconfig,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.marker import REMOVING, Marker
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import EMPTY, KUBECONFIG

LAB = KUBECONFIG.format(name="lab", number=1)


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
    with temporary_file(LAB + KUBECONFIG.format(name="other", number=own)) as path:
        other = KUBECONFIG.format(name="other", number=others)
        assert Kubeconfig(path).has_credentials_of(other) is (own == others)


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


def test_unfinished_work_is_marked_until_the_marker_is_removed(tmp_path: Path) -> None:
    marker = Marker(str(tmp_path / "deep" / "k"))
    assert not marker.exists()
    with marker.hold("text"):
        assert Path(marker.path).read_text() == "text"
        with pytest.raises(TimedOut, match="cluster lab"):
            Marker(str(tmp_path / "deep" / "k")).wait("lab", 0, lambda: False)
    assert marker.exists()
    marker.wait("lab", 0, lambda: False)
    with pytest.raises(TimedOut):
        marker.wait("lab", 0, lambda: True)
    marker.remove()
    marker.remove()
    marker.wait("lab", 0, lambda: True)


@pytest.mark.parametrize(("text", "removing"), [(REMOVING, True), ("{}", False)])
def test_a_marker_tells_a_removal_from_a_creation(tmp_path: Path, text: str, removing: bool) -> None:
    marker = Marker(str(tmp_path / "k"))
    assert not marker.is_removal()
    with marker.hold(text):
        pass
    assert marker.is_removal() is removing


def test_an_error_leaves_the_marker_and_frees_the_lock(tmp_path: Path) -> None:
    marker = Marker(str(tmp_path / "k"))
    with pytest.raises(RuntimeError), marker.hold(""):
        raise RuntimeError
    with open(marker.path) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_kubeconfig_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=re.escape("not writable")), Marker(str(tmp_path / "file/k")).hold(""):
        pass


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
