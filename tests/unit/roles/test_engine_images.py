"""Images between files, registries and the engine: what is there is found, what is bad is named."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.tests.unit.roles.files import load, script

images = load("node_image", "engine_images.py")


def archive(name: str = "kindlab/node:v1") -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        manifest = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": []}]).encode()
        for entry_name, data in (("config.json", b"{}"), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(entry_name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return content.getvalue()


def zstd(data: bytes) -> bytes:
    if shutil.which("zstd") is None:
        pytest.skip("needs zstd")
    return subprocess.run(["zstd", "-q"], input=data, capture_output=True, check=True).stdout


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd])
def test_an_archive_tells_its_image_however_it_is_packed(tmp_path: Path, pack) -> None:
    (tmp_path / "image").write_bytes(pack(archive()))
    assert images.name_in(tmp_path / "image") == "kindlab/node:v1"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a tar file",
        b"\x1f\x8bbut no gzip",
        b"\x28\xb5\x2f\xfdbut no zstd",
        archive()[:700],
        gzip.compress(archive())[:60],
    ],
)
def test_what_is_no_image_archive_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "image").write_bytes(content)
    with pytest.raises(images.Problem, match="Next:"):
        images.name_in(tmp_path / "image")


def test_a_missing_archive_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(images.Problem, match="does not exist"):
        images.name_in(tmp_path / "image")


def engine(path: Path, *known: str) -> str:
    """An engine that knows some images, all with the same labels."""
    answer = json.dumps([{"Config": {"Labels": {"kindlab.image.busybox": "b", "other": "x"}}}])
    return str(script(path / "engine", f'case " {" ".join(known)} " in *" $3 "*) echo \'{answer}\';; *) exit 1;; esac'))


def test_the_first_image_that_is_there_is_found(tmp_path: Path) -> None:
    found = images.find(engine(tmp_path, "two", "three"), ["one", "two", "three"], "")
    assert found == {"reference": "two", "labels": {"kindlab.image.busybox": "b"}}


def test_an_archive_stands_for_its_image(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(archive())
    assert (
        images.find(engine(tmp_path, "kindlab/node:v1"), [], str(tmp_path / "image"))["reference"] == "kindlab/node:v1"
    )
    assert images.find(engine(tmp_path), ["one"], str(tmp_path / "image")) == {"reference": ""}


def test_a_silent_registry_is_given_up(tmp_path: Path) -> None:
    slow = script(tmp_path / "engine", "exec sleep 60")
    with pytest.raises(images.Problem, match=r"no answer for one within 0\.2 s"):
        images.pull(str(slow), "one", 0.2)


def test_a_refusing_registry_is_quoted(tmp_path: Path) -> None:
    refusing = script(tmp_path / "engine", "echo manifest unknown >&2; exit 1")
    with pytest.raises(images.Problem, match="manifest unknown"):
        images.pull(str(refusing), "one", 5)


def test_a_save_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    failing = script(tmp_path / "engine", "echo half; exit 1")
    with pytest.raises(images.Problem):
        images.save(str(failing), "one", tmp_path / "out/image")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_holds_the_image_stays(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(archive())
    assert images.save("/nowhere", "kindlab/node:v1", tmp_path / "image") == {"changed": False}


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("kindlab/node:v1", "kindlab/node:v1"),
        ("kindest/node:v1.34.8@sha256:02722c2dedddcfc00feb", "kindest/node:v1.34.8"),
        ("127.0.0.1:5000/kindlab/node@sha256:02722c2dedddcfc00feb", "127.0.0.1:5000/kindlab/node:02722c2deddd"),
    ],
)
def test_what_is_known_by_its_digest_is_saved_under_a_tag(tmp_path: Path, reference: str, name: str) -> None:
    assert images.tagged(reference) == name
    recording = script(tmp_path / "engine", f'echo "$@" >> {tmp_path}/calls')
    assert images.save(str(recording), reference, tmp_path / "image") == {"changed": True}
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == [*([f"tag {reference} {name}"] if name != reference else []), f"save {name}"]


@pytest.mark.parametrize("asked", [["load"], ["save", "kindlab/node:v1"]])
def test_a_machine_without_zstd_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: list[str]
) -> None:
    (tmp_path / "image").write_bytes(b"\x28\xb5\x2f\xfd, packed")
    monkeypatch.setattr(images.shutil, "which", lambda _program: None)
    monkeypatch.setattr(images.sys, "argv", ["engine_images.py", *asked, str(tmp_path / "image")])
    assert images.main() == 0
    assert "apt-get install zstd" in json.loads(capsys.readouterr().out)["error"]


def test_an_image_that_gets_no_tag_is_said_so(tmp_path: Path) -> None:
    refusing = script(tmp_path / "engine", "echo no such image >&2; exit 1")
    with pytest.raises(images.Problem, match="tag a@sha256:0 a:0 failed: no such image"):
        images.save(str(refusing), "a@sha256:0", tmp_path / "image")


@pytest.mark.parametrize(("archive_exists", "root"), [(False, False), (True, True)])
def test_what_the_role_needs_to_know_of_the_machine_comes_with_the_search(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    archive_exists: bool,
    root: bool,
) -> None:
    if archive_exists:
        (tmp_path / "image").write_bytes(b"no archive")
    missing = script(tmp_path / "engine", "exit 1")
    monkeypatch.setattr(images.shutil, "which", lambda _program: None)
    monkeypatch.setattr(images.platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(images.os, "geteuid", lambda: 0 if root else 1000)
    argv = ["engine_images.py", "--engine", str(missing), "find", "--archive", str(tmp_path / "image"), "one"]
    monkeypatch.setattr(images.sys, "argv", argv)
    assert images.main() == 0
    found = json.loads(capsys.readouterr().out)
    assert found["reference"] == ""
    assert found["host"] == {"machine": "riscv64", "root": root, "zstd": False, "archive": archive_exists}


@pytest.mark.parametrize(("content", "name"), [(archive(), "kindlab/node:v1"), (b"no archive", "")])
def test_an_archive_of_the_controller_is_asked_for_its_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes, name: str
) -> None:
    (tmp_path / "image").write_bytes(content)
    monkeypatch.setattr(images.sys, "argv", ["engine_images.py", "name", str(tmp_path / "image")])
    assert images.main() == 0
    assert json.loads(capsys.readouterr().out)["reference"] == name
