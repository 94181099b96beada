"""Archives: everything comes back, nothing dangerous goes in, and nothing half done stays."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry, compare
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Conflict,
    Declined,
    KindlabError,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import check_compressor, write_archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.extract import extract

COMPRESSIONS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"no {name} here"))
    for name in ("zstd", "gzip")
]


def save(directory: Path, backup: Path, compression: str = "gzip") -> SavedArchive:
    with (backup / "a").open("wb") as file:
        written = write_archive(str(directory), file.write, compression, None)
    return SavedArchive("a", written.sha256, written.bytes, compression)


def made(backup: Path, *members: tarfile.TarInfo) -> SavedArchive:
    """An archive as an attacker would make it, with the sha256 that it has."""
    with tarfile.open(backup / "a", "w:gz") as file:
        for member in members:
            file.addfile(member, io.BytesIO(bytes(member.size)))
    content = (backup / "a").read_bytes()
    return SavedArchive("a", hashlib.sha256(content).hexdigest(), len(content), "gzip")


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    top = tmp_path / "volume"
    (top / "d").mkdir(parents=True, mode=0o750)
    top.chmod(0o777)
    (top / "d" / "f").write_bytes(b"text")
    (top / "d" / "f").chmod(0o600)
    os.utime(top / "d" / "f", ns=(1, 1_234_567_890_123_456_789))
    (top / "twin").hardlink_to(top / "d" / "f")
    (top / "absolute").symlink_to("/etc/passwd")
    (top / "up").symlink_to("../../..")
    os.mkfifo(top / "fifo")
    for name in (b"a b", b"new\nline", b"\xff", b"-x", b"*"):
        with open(os.fsencode(top) + b"/" + name, "wb") as file:
            file.write(name)
    with (top / "sparse").open("wb") as file:
        file.truncate(64 << 20)
        file.seek(32 << 20)
        file.write(b"middle")
    if os.geteuid() == 0:
        os.chown(top / "twin", 12345, 54321)
    try:
        os.setxattr(top / "twin", "user.note", b"\0\xff")
    except OSError as error:
        assert error.errno in (errno.ENOTSUP, errno.EPERM)
    return top


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("there", [False, True])
def test_everything_comes_back(tmp_path: Path, volume: Path, compression: str, there: bool) -> None:
    saved = save(volume, tmp_path, compression)
    content = (tmp_path / "a").read_bytes()
    assert (saved.sha256, saved.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert saved.bytes < 1 << 20
    target = tmp_path / "restored"
    if there:
        target.mkdir()
    extract(tmp_path, saved, str(target), scan(str(volume), "full"), "full")
    for mode in ("full", "fast"):
        assert compare(scan(str(volume), mode), scan(str(target), mode), mode).text() == "no difference"
    assert (target / "sparse").stat().st_blocks * 512 < 1 << 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "restored", "volume"]


def test_times_reach_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "f").touch()
    before = (tmp_path / "outside" / "f").stat().st_mtime_ns
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / "way").symlink_to(tmp_path / "outside")
    saved = save(tmp_path / "volume", tmp_path)
    paths = ("way", "way/f", "../outside/f", str(tmp_path / "outside" / "f"))
    listed = [Entry(path, "file", mtime_ns=7_000_000_007) for path in paths]
    extract(tmp_path, saved, str(tmp_path / "target"), listed, "none")
    assert (tmp_path / "target" / "way").lstat().st_mtime_ns == 7_000_000_007
    assert (tmp_path / "outside" / "f").stat().st_mtime_ns == before


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_same_data_gives_the_same_archive(tmp_path: Path, volume: Path, compression: str) -> None:
    # The header of a file with holes names tar's process.
    (volume / "sparse").unlink()
    one = save(volume, tmp_path, compression)
    extract(tmp_path, one, str(tmp_path / "other"), scan(str(volume), "full"), "full")
    assert save(tmp_path / "other", tmp_path, compression).sha256 == one.sha256


@pytest.mark.parametrize(
    "members",
    [
        [member("/etc/evil")],
        [member("../evil")],
        [member("a/../../evil")],
        [member("./a"), member("b", tarfile.LNKTYPE, "/etc/passwd")],
        [member("b", tarfile.LNKTYPE, "../../etc/passwd")],
        [member("d", tarfile.CHRTYPE)],
        [member("d", tarfile.BLKTYPE)],
        [member("way", tarfile.SYMTYPE, "/etc"), member("way/evil")],
        [member("way/evil"), member("./way", tarfile.SYMTYPE, "..")],
        [member("a/way", tarfile.SYMTYPE, "../.."), member("./a//way/b/evil")],
    ],
    ids=lambda members: " ".join(m.name for m in members),
)
def test_what_leads_out_is_refused_before_anything_is_written(tmp_path: Path, members: list[tarfile.TarInfo]) -> None:
    saved = made(tmp_path, *members)
    with pytest.raises(BadInput, match="cannot be extracted"):
        extract(tmp_path, saved, str(tmp_path / "target"), [], "none")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_changed_byte_is_found_before_anything_is_written(tmp_path: Path, data: st.DataObject) -> None:
    saved = made(tmp_path, member("f"))
    content = bytearray((tmp_path / "a").read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(BadInput, match="was changed after the backup"):
        extract(tmp_path, saved, str(tmp_path / "target"), [], "none")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("verify", ["full", "fast"])
@pytest.mark.parametrize(
    "change, said",
    [
        (
            lambda entries: [e for e in entries if e.path != "twin"],
            "cannot be extracted: 'twin' is not in the checksum list",
        ),
        (lambda entries: [*entries, Entry("z", "file")], "cannot be extracted: 'z' is missing"),
        (
            lambda entries: [e._replace(size=9) for e in entries],
            "cannot be extracted: .* differs from the checksum list",
        ),
        (
            lambda entries: [e._replace(xattrs="ab" * 32) for e in entries],
            r"differs from its checksum list: .* changed: .*xattrs",
        ),
    ],
    ids=["more", "less", "size", "attributes"],
)
def test_what_is_not_what_was_saved_never_becomes_visible(
    tmp_path: Path, volume: Path, change: Callable[[list[Entry]], list[Entry]], said: str, verify: str
) -> None:
    saved, listed = save(volume, tmp_path), scan(str(volume), "full")
    with pytest.raises(KindlabError, match=said):
        extract(tmp_path, saved, str(tmp_path / "target"), change(listed), verify)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "volume"]
    extract(tmp_path, saved, str(tmp_path / "target"), listed, verify)


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08"], ids=["empty", "text", "truncated"])
def test_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    saved = SavedArchive("a", hashlib.sha256(content).hexdigest(), len(content), "gzip")
    with pytest.raises(BadInput, match="truncated or damaged"):
        extract(tmp_path, saved, str(tmp_path / "target"), [], "none")


def test_a_truncated_archive_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / "f").write_bytes(os.urandom(1 << 20))
    save(tmp_path / "volume", tmp_path)
    content = (tmp_path / "a").read_bytes()[: 1 << 19]
    (tmp_path / "a").write_bytes(content)
    saved = SavedArchive("a", hashlib.sha256(content).hexdigest(), len(content), "gzip")
    with pytest.raises((BadInput, CommandFailed)):
        extract(tmp_path, saved, str(tmp_path / "target"), [], "none")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "volume"]


def test_a_target_that_holds_something_is_left_alone(tmp_path: Path, volume: Path) -> None:
    saved = save(volume, tmp_path)
    with pytest.raises(Declined, match="is not empty"):
        extract(tmp_path, saved, str(volume), [], "none")
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="file cannot be used"):
        extract(tmp_path, saved, str(tmp_path / "file"), [], "none")


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"{tmp_path}/a cannot be extracted"):
        extract(tmp_path, SavedArchive("a", "00" * 32, 1, "gzip"), str(tmp_path / "target"), [], "none")


def test_an_archive_that_is_a_link_is_refused(tmp_path: Path, volume: Path) -> None:
    saved = save(volume, tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    (tmp_path / "a").symlink_to("b")
    with pytest.raises(BadInput, match="symbolic links"):
        extract(tmp_path, saved, str(tmp_path / "target"), [], "none")


def test_a_full_disk_ends_the_programs_with_its_error(volume: Path) -> None:
    (volume / "random").write_bytes(os.urandom(4 << 20))

    def full(_piece: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"):
        write_archive(str(volume), full, "gzip", None)


def test_a_missing_directory_is_an_error_with_its_command(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="missing") as caught:
        write_archive(str(tmp_path / "missing"), io.BytesIO().write, "gzip", None)
    assert caught.value.tried.startswith("tar --create")


def test_a_file_that_changes_meanwhile_is_an_error(
    tmp_path: Path, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tar ends with 1 where a file changed as it read it: played by a program of that name."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "tar").write_text("#!/bin/sh\necho tar: ./f: file changed as we read it >&2\nexit 1\n")
    (programs / "tar").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setitem(archive.ENVIRONMENT, "PATH", os.environ["PATH"])
    with pytest.raises(Conflict, match="f: file changed as we read it"):
        write_archive(str(volume), io.BytesIO().write, "gzip", None)


def test_missing_programs_and_wrong_levels_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive.shutil, "which", lambda name: None if name == "zstd" else f"/bin/{name}")
    check_compressor("gzip", 9)
    with pytest.raises(BadInput, match="zstd is not installed") as caught:
        check_compressor("zstd")
    assert "compression: gzip" in caught.value.next_step
    with pytest.raises(BadInput, match="compression_level 10 is invalid for gzip"):
        check_compressor("gzip", 10)
