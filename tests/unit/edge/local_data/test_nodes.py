"""The programs that look at a directory in a node, run here: what the kernel allows a user, and what it does not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.access import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.request import User
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import unescaped
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import NodeRunner, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.local_data import nodes

HERE = Runner()
STRANGER = User(47110, 47110)
as_others = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can look as another user"
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory that everybody may read, below one that only root may enter."""
    top = tmp_path / "closed" / "a data\ndirectory"
    (top / "open").mkdir(parents=True)
    (top / "open" / "file").touch()
    for path, mode in ((top, 0o755), (top / "open", 0o755), (top / "open" / "file", 0o644)):
        path.chmod(mode)
    (tmp_path / "closed").chmod(0o700)
    return top


def denied(data: Path, user: User = STRANGER, *, read_only: bool = True) -> dict[str, str]:
    found = nodes.contents(HERE, str(data), user, read_only=read_only)
    return {entry.path: f"{entry.kind} {entry.mode}" for entry in found.denied}


def test_the_file_systems_of_a_directory(data: Path) -> None:
    found = nodes.state_of_directory(HERE, str(data))
    assert found.writable
    assert "/proc" in found.mounts


def test_mount_points_are_read_as_they_are_called() -> None:
    assert unescaped(r"/a\040b\134040") == r"/a b\040"


def test_a_directory_that_is_not_there_is_named_with_its_node(tmp_path: Path) -> None:
    for look in (nodes.state_of_directory, lambda *where: nodes.contents(*where, STRANGER, read_only=True)):
        with pytest.raises(CommandFailed, match=f"{tmp_path}/missing cannot be read") as caught:
            look(HERE, f"{tmp_path}/missing")
        assert caught.value.tried == f"ls -la {tmp_path}/missing"
    assert NodeRunner("docker", "n", HERE).argv(["ls"]) == ["docker", "exec", "-i", "n", "ls"]


@as_others
def test_all_that_a_user_may_read_is_no_news(data: Path) -> None:
    assert denied(data) == {}


@as_others
def test_what_a_user_may_not_read(data: Path) -> None:
    for name, mode in (("file", 0o640), ("a b\n", 0o600), ("-x", 0o200), ("shared", 0o604)):
        (data / "open" / name).touch()
        (data / "open" / name).chmod(mode)
    for name, mode in (("list", 0o754), ("enter", 0o751), ("shut", 0o750)):
        (data / name / "below").mkdir(parents=True)
        (data / name).chmod(mode)
    assert denied(data) == {
        "open/file": "f 640",
        "open/a b\n": "f 600",
        "open/-x": "f 200",
        "list": "d 754",
        "enter": "d 751",
        "shut": "d 750",
    }
    assert denied(data, User(0, 0)) == {}


@as_others
@pytest.mark.parametrize("mode", [0o700, 0o744, 0o711])
def test_the_directory_itself(data: Path, mode: int) -> None:
    data.chmod(mode)
    os.chown(data, 1000, 1001)
    found = nodes.contents(HERE, str(data), STRANGER, read_only=True)
    assert found.denied == (Entry("d", f"{mode:o}", 1000, 1001, ""),)
    assert denied(data, User(1000, 47110)) == {}


@as_others
def test_groups_count(data: Path) -> None:
    (data / "open" / "file").chmod(0o640)
    os.chown(data / "open" / "file", 0, 4321)
    assert list(denied(data, User(47110, 1, (2, 3)))) == ["open/file"]
    assert denied(data, User(47110, 4321)) == {}
    assert denied(data, User(47110, 1, (2, 4321))) == {}


@as_others
def test_what_a_user_may_not_write_to(data: Path) -> None:
    assert denied(data, read_only=False) == {"": "d 755", "open": "d 755", "open/file": "f 644"}
    for path in (data, data / "open"):
        path.chmod(0o777)
    (data / "open" / "file").chmod(0o222)
    assert denied(data, read_only=False) == {"open/file": "f 222"}


@as_others
def test_links_are_told_and_not_followed(data: Path) -> None:
    (data / "open" / "out").symlink_to("/root")
    (data / "a\nlink").symlink_to("b c")
    found = nodes.contents(HERE, str(data), STRANGER, read_only=True)
    assert found.links == {"open/out": "/root", "a\nlink": "b c"}
    assert found.denied == ()


class Lacking(Runner):
    """A node that has no setpriv."""

    def argv(self, argv):
        return ["no-such-program" if word == "setpriv" else word for word in argv]


def test_a_look_that_fails_is_not_taken_for_a_refusal(data: Path) -> None:
    with pytest.raises(CommandFailed, match="no-such-program"):
        nodes.contents(Lacking(), str(data), STRANGER, read_only=True)
