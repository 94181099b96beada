"""Reading directories: every kind of entry, strange names, and what changes meanwhile."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import (
    Entry,
    compare,
    from_text,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import hashing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import scan as data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import walk as walking
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.hashing import SMALL
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import (
    scan,
    scan_each,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.walk import Found


def by_path(directory: Path, mode: str = "full") -> dict[str, Entry]:
    return {entry.path: entry for entry in scan(str(directory), mode)}


def test_every_kind_of_entry(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o700)
    (tmp_path / "d" / "f").write_bytes(b"text")
    (tmp_path / "d" / "f").chmod(0o4640)
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to("/nowhere/at all")
    os.mkfifo(tmp_path / "fifo")
    found = by_path(tmp_path)
    assert {path: entry.type for path, entry in found.items()} == {
        ".": "dir",
        "d": "dir",
        "d/f": "file",
        "empty": "file",
        "fifo": "fifo",
        "link": "symlink",
    }
    status = (tmp_path / "d" / "f").stat()
    assert found["d/f"] == Entry(
        "d/f",
        "file",
        4,
        0o4640,
        status.st_uid,
        status.st_gid,
        status.st_mtime_ns,
        sha256=hashlib.sha256(b"text").hexdigest(),
    )
    assert found["d"].mode == 0o700
    assert found["link"].target == "/nowhere/at all"
    assert found["empty"].sha256 == hashlib.sha256(b"").hexdigest()


def test_fast_reads_no_content_and_none_looks_at_nothing(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"text")
    assert by_path(tmp_path, "fast")["f"].sha256 == ""
    assert by_path(tmp_path, "fast")["f"].size == 4
    assert scan_each([str(tmp_path / "missing")], "none") == [[]]


@pytest.mark.parametrize("name", [b"a b", b"new\nline", b"\xff\xfe", "ä€😀".encode(), b'"\\', b"-rf", b"\x01"])
def test_strange_names_survive_their_list(tmp_path: Path, name: bytes) -> None:
    place = os.fsencode(tmp_path) + b"/" + name
    os.mkdir(place)
    with open(place + b"/" + name, "wb") as file:
        file.write(b"x")
    entries = scan(str(tmp_path), "full")
    decoded = name.decode("utf-8", "surrogateescape")
    assert {entry.path for entry in entries} == {".", decoded, f"{decoded}/{decoded}"}
    assert from_text("".join(ChecksumList(entries).lines()), "list") == entries


def test_large_files_are_hashed_whole(tmp_path: Path) -> None:
    content = os.urandom(SMALL + 1) + bytes(3 << 20)
    (tmp_path / "large").write_bytes(content)
    (tmp_path / "edge").write_bytes(content[:SMALL])
    found = by_path(tmp_path)
    assert found["large"].sha256 == hashlib.sha256(content).hexdigest()
    assert found["edge"].sha256 == hashlib.sha256(content[:SMALL]).hexdigest()


def test_holes_are_content(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 20)
    assert by_path(tmp_path)["sparse"].sha256 == hashlib.sha256(bytes(1 << 20)).hexdigest()


@pytest.mark.parametrize("size", [3, SMALL + 3])
def test_hard_links_know_each_other(tmp_path: Path, size: int) -> None:
    (tmp_path / "b").write_bytes(bytes(size))
    (tmp_path / "a").hardlink_to(tmp_path / "b")
    (tmp_path / "c").write_bytes(bytes(size))
    found = by_path(tmp_path)
    assert [found[path].same_as for path in "abc"] == ["a", "a", ""]
    assert len({found[path].sha256 for path in "abc"}) == 1


def test_a_link_to_outside_is_alone(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"x")
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "a").hardlink_to(tmp_path / "outside")
    assert by_path(tmp_path / "v")["a"].same_as == ""


def test_extended_attributes_count(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    before = by_path(tmp_path)["f"]
    try:
        os.setxattr(tmp_path / "f", "user.note", b"1")
    except OSError as error:
        pytest.skip(f"no user attributes here: {error}")
    one = by_path(tmp_path)["f"]
    os.setxattr(tmp_path / "f", "user.note", b"2")
    assert len({before.xattrs, one.xattrs, by_path(tmp_path)["f"].xattrs}) == 3


def test_sockets_are_left_out(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(tmp_path)
        listening.bind("s")
        assert set(by_path(tmp_path)) == {"."}


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "secret").touch()
    (tmp_path / "v" / "way").symlink_to(tmp_path / "other")
    assert set(by_path(tmp_path / "v")) == {".", "way"}


def test_several_directories_at_once(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "f").write_bytes(bytes(number))
    found = scan_each([str(tmp_path / str(number)) for number in range(5)], "full")
    assert [entries[1].size for entries in found] == [0, 1, 2, 3, 4]


def test_nothing_is_different_until_something_is(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    saved = scan(str(tmp_path), "full")
    assert not compare(saved, scan(str(tmp_path), "full"), "full")
    (tmp_path / "f").write_bytes(b"new")
    (tmp_path / "g").touch()
    assert compare(saved, scan(str(tmp_path), "full"), "full").text() == "1 added: g; 1 changed: f (sha256)"


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], object], int], None]]:
    """Do something each time a directory has been walked or a file hashed, as often as said."""
    walk, hash_file, times = data.walk, data.hash_file, [0]

    def use(action: Callable[[], object], count: int) -> None:
        times[0] = count

        def act() -> None:
            times[0] -= 1
            if times[0] >= 0:
                action()

        def walked(directory: str) -> Iterator[Found]:
            yield from walk(directory)
            act()

        def hashed(*file: Any) -> str:
            act()
            return hash_file(*file)

        monkeypatch.setattr(data, "walk", walked)
        monkeypatch.setattr(data, "hash_file", hashed)

    monkeypatch.setattr(data, "PAUSE", 0)
    yield use
    assert times[0] <= 0


@pytest.mark.parametrize("size", [3, SMALL + 3])
def test_a_file_that_changes_meanwhile_is_read_again(tmp_path: Path, size: int, meanwhile: Any) -> None:
    file = tmp_path / "f"
    file.write_bytes(bytes(size))
    (tmp_path / "g").touch()
    meanwhile(lambda: append(file), 1)
    found = by_path(tmp_path)
    assert (found["f"].sha256, found["f"].size) == (hashlib.sha256(file.read_bytes()).hexdigest(), size + 4)
    assert found["f"].mtime_ns == file.stat().st_mtime_ns


def append(file: Path) -> None:
    with file.open("ab") as opened:
        opened.write(b"more")


@pytest.mark.parametrize("size", [3, SMALL + 3])
def test_a_file_that_never_rests_spoils_its_directory_only(tmp_path: Path, size: int, meanwhile: Any) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_bytes(bytes(size))
        (tmp_path / name / "g").touch()
    meanwhile(lambda: append(tmp_path / "a" / "f"), data.ATTEMPTS + 1)
    one, other = scan_each([str(tmp_path / "a"), str(tmp_path / "b")], "full")
    assert isinstance(one, Conflict) and "f was written to while it was read" in one.message
    assert "volume_detach" in one.next_step
    assert [entry.path for entry in other] == [".", "f", "g"]
    meanwhile(lambda: append(tmp_path / "a" / "f"), data.ATTEMPTS)
    with pytest.raises(Conflict, match="f was written to while it was read"):
        scan(str(tmp_path / "a"), "full")


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_what_vanishes_meanwhile_is_looked_for_again(tmp_path: Path, mode: str, meanwhile: Any) -> None:
    """It may have another name now, in a part of the directory that had been read before."""
    (tmp_path / "f").write_bytes(b"kept")
    meanwhile(lambda: (tmp_path / "f").rename(tmp_path / "d"), 1)
    assert set(by_path(tmp_path, mode)) == ({".", "d"} if mode == "full" else {".", "f"})


def test_a_directory_that_is_removed_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()
    monkeypatch.setattr(data, "PAUSE", 0)
    names = walking._names

    def listed(path: bytes) -> list[str]:
        return [*names(path), "gone"]

    monkeypatch.setattr(walking, "_names", listed)
    with pytest.raises(Conflict, match="gone vanished"):
        scan(str(tmp_path), "fast")


@given(st.sets(st.text(alphabet="a-/.!", min_size=1, max_size=6).map(os.path.normpath), max_size=12))
def test_entries_are_sorted_by_path(names: set[str]) -> None:
    names = {name.strip("/") for name in names} - {"", "."}
    names = {name for name in names if ".." not in name.split("/")}
    with tempfile.TemporaryDirectory() as top:
        for name in names:
            os.makedirs(f"{top}/{name}", exist_ok=True)
        found = [entry.path for entry in scan(top, "fast")]
    whole = {str(path) for name in names for path in (Path(name), *Path(name).parents)} | {"."}
    assert found == sorted(whole)


@pytest.mark.parametrize("name", ["missing", "file"])
def test_what_is_no_directory_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=str(tmp_path / name)):
        scan(str(tmp_path / name), "full")


def test_what_may_not_be_read_is_an_error_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").touch()

    def refusing(path: bytes, _flags: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(hashing.os, "open", refusing)
    with pytest.raises(BadInput, match=r"This user cannot read .*/f"):
        scan(str(tmp_path), "full")


@pytest.mark.parametrize("processors", [1, 2, 4])
def test_many_small_files_are_shared_out(tmp_path: Path, processors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        (tmp_path / f"{number}").write_bytes(b"x" * number)
    (tmp_path / "hard link").hardlink_to(tmp_path / "7")
    alone = scan(str(tmp_path), "full")
    own = few_are_many(monkeypatch, processors)
    assert scan(str(tmp_path), "full") == alone
    assert len(own) == -(-50 // processors)
    assert multiprocessing.active_children() == []


def test_no_processes_beside_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    own = few_are_many(monkeypatch, 2)
    with ThreadPoolExecutor() as pool:
        pool.submit(scan, str(tmp_path), "full").result()
    assert len(own) == 2


@pytest.mark.parametrize("changed", "abcd")
def test_a_changed_file_in_a_helper_is_told(tmp_path: Path, changed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    few_are_many(monkeypatch, 3)
    hashes = hashing.hash_files(seen(tmp_path, changed))
    assert [path[-1:].decode() for path, found in hashes.items() if isinstance(found, Conflict)] == [changed]
    assert len(hashes) == 8
    assert multiprocessing.active_children() == []


def test_what_a_killed_helper_leaves_is_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = hashing.hash_files(seen(tmp_path))
    here, hash_file = os.getpid(), hashing.hash_file

    def killed(path: bytes, *fields: int) -> str:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return hash_file(path, *fields)

    few_are_many(monkeypatch, 3)
    monkeypatch.setattr(hashing, "hash_file", killed)
    assert hashing.hash_files(seen(tmp_path)) == expected


def test_a_helper_ends_with_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has inherited the parent's locks; here it is told that another process is its parent."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    monkeypatch.setattr(hashing, "hash_file", pytest.fail)
    hashing._work(seen(tmp_path), os.getpid(), multiprocessing.Pipe(duplex=False)[0], sender)
    assert receiver.recv() == {}


def seen(top: Path, changed: str = "") -> list[hashing.Seen]:
    """Files as they are; one of them had another size."""
    found = []
    for name in "abcdefgh":
        (top / name).write_bytes(name.encode())
        status = (top / name).stat()
        size = status.st_size + (name == changed)
        found.append(hashing.Seen(os.fsencode(top / name), size, status.st_ino, status.st_mtime_ns))
    return found


def few_are_many(monkeypatch: pytest.MonkeyPatch, processors: int) -> list[bytes]:
    """Use processes for any number of files; the paths that this process hashes itself."""
    own: list[bytes] = []
    hash_file = hashing.hash_file

    def noted(path: bytes, *fields: int) -> str:
        own.append(path)
        return hash_file(path, *fields)

    monkeypatch.setattr(hashing, "MANY", 1)
    monkeypatch.setattr(hashing, "cpu_count", lambda: processors)
    monkeypatch.setattr(hashing, "hash_file", noted)
    return own


@pytest.fixture(autouse=True)
def home() -> Iterator[None]:
    here = Path.cwd()
    yield
    with suppress(OSError):
        os.chdir(here)
