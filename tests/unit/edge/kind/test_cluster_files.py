"""The files of a cluster on its host: kubeconfigs, the mark of unfinished work, mounted directories."""

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
    passing,
    users_own,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.marker import REMOVING, Mark
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import EMPTY, KUBECONFIG

LAB = KUBECONFIG.format(name="lab", number=1)


@pytest.mark.parametrize(("cluster", "named"), [("lab", True), ("la", False), ("lab2", False), ("l.b", False)])
def test_whether_a_kubeconfig_names_a_cluster(tmp_path: Path, cluster: str, named: bool) -> None:
    (tmp_path / "k").write_text(LAB)
    assert Kubeconfig(str(tmp_path / "k")).names(cluster) is named
    assert not Kubeconfig(str(tmp_path / "none")).names(cluster)


def test_names_as_other_programs_write_them(tmp_path: Path) -> None:
    (tmp_path / "k").write_text(yaml.safe_dump(yaml.safe_load(LAB), default_style='"'))
    assert not Kubeconfig(str(tmp_path / "k")).names("other")


@given(st.integers(0, 9), st.integers(0, 9))
def test_whether_a_kubeconfig_leads_there(here: int, there: int) -> None:
    file = _InMemory(LAB + KUBECONFIG.format(name="other", number=here))
    assert file.leads_to(KUBECONFIG.format(name="other", number=there)) is (here == there)


class _InMemory(Kubeconfig):
    def __init__(self, text: str) -> None:
        super().__init__("")
        self._text = text

    def text(self) -> str:
        return self._text


@pytest.mark.parametrize(("text", "stays"), [(EMPTY, False), (LAB, True)])
def test_an_empty_kubeconfig_is_removed(tmp_path: Path, text: str, stays: bool) -> None:
    file = tmp_path / "k"
    file.write_text(text)
    Kubeconfig(str(file)).remove_if_empty()
    assert file.exists() is stays
    Kubeconfig(str(tmp_path / "none")).remove_if_empty()


def test_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/user")
    first, second = tmp_path / "a", tmp_path / "b"
    several = {"KUBECONFIG": f"{first}{os.pathsep}{second}{os.pathsep}{first}"}
    assert users_own({}) == users_own({"KUBECONFIG": ""}) == "/home/user/.kube/config"
    assert users_own(several) == str(second)
    first.touch()
    assert users_own(several) == str(first)


def test_a_kubeconfig_in_passing_is_private_and_does_not_stay() -> None:
    with passing(LAB) as path:
        assert Path(path).read_text() == LAB
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert not os.path.exists(path)


def test_what_is_begun_is_marked_until_it_is_cleared(tmp_path: Path) -> None:
    mark = Mark(str(tmp_path / "deep" / "k"))
    assert not mark.marked()
    with mark.begun("text"):
        assert Path(mark.path).read_text() == "text"
        with pytest.raises(TimedOut):
            Mark(str(tmp_path / "deep" / "k")).wait(0, lambda: False)
    assert mark.marked()
    mark.wait(0, lambda: False)
    with pytest.raises(TimedOut):
        mark.wait(0, lambda: True)
    mark.clear()
    mark.clear()
    mark.wait(0, lambda: True)


@pytest.mark.parametrize(("text", "removing"), [(REMOVING, True), ("{}", False)])
def test_a_mark_tells_a_removal_from_a_creation(tmp_path: Path, text: str, removing: bool) -> None:
    mark = Mark(str(tmp_path / "k"))
    assert not mark.removing()
    with mark.begun(text):
        pass
    assert mark.removing() is removing


def test_an_error_leaves_the_mark_and_frees_the_lock(tmp_path: Path) -> None:
    mark = Mark(str(tmp_path / "k"))
    with pytest.raises(RuntimeError), mark.begun(""):
        raise RuntimeError
    with open(mark.path) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_kubeconfig_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=re.escape("can't be written to")), Mark(str(tmp_path / "file/k")).begun(""):
        pass


def test_directories_are_made_with_their_mode(tmp_path: Path) -> None:
    deep = HostDirectory(str(tmp_path / "a" / "b"), mode=0o1770)
    assert host.missing([deep]) == (deep,)
    host.create(deep)
    assert stat.S_IMODE(os.stat(deep.path).st_mode) == 0o1770
    assert host.missing([deep]) == ()


@pytest.mark.parametrize("create", [True, False])
def test_a_link_that_leads_nowhere(tmp_path: Path, create: bool) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadInput, match="is not a directory"):
        host.missing([HostDirectory(str(tmp_path / "link"), create)])


def test_a_link_to_a_directory_is_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert host.missing([HostDirectory(str(tmp_path / "link"))]) == ()
