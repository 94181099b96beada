"""Image archives, and copying one stream to several programs; with real files and programs."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import Image
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.archive import images_in, open_archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.tee import CHUNK, Tee
from ansible_collections.kindlab.volumes.tests.unit.support.image_archives import archive

SAVED = [{"Config": "ab.json", "RepoTags": ["x:1"]}]
IMAGES = (Image(("x:1",), "sha256:ab"),)
CAT = [sys.executable, "-c", "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, open(sys.argv[1], 'wb'))"]
SAVE = "podman save --output a.tar IMAGE"
FAIL = [sys.executable, "-c", "import sys; sys.exit('no room')"]


PLAIN = archive({"layer.tar": b"x" * 100_000, "manifest.json": json.dumps(SAVED).encode()})


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout


PACKERS = [
    pytest.param(lambda data: data, id="plain"),
    pytest.param(gzip.compress, id="gzip"),
    pytest.param(lzma.compress, id="xz"),
    pytest.param(zstd, id="zstd", marks=pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is not here")),
]


@pytest.mark.parametrize("pack", PACKERS)
def test_an_archive_is_read_however_it_is_packed(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    (tmp_path / "a").write_bytes(pack(PLAIN))
    assert images_in(str(tmp_path / "a"), SAVE) == IMAGES
    with open_archive(str(tmp_path / "a")) as (stream, _plain):
        assert stream.read() == PLAIN


@pytest.mark.parametrize("pack", PACKERS)
def test_a_truncated_archive_is_refused(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    packed = pack(PLAIN)
    (tmp_path / "a").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(BadInput, match="not a readable image archive"):
        images_in(str(tmp_path / "a"), SAVE)


@pytest.mark.parametrize("content", [b"", b"hello", archive({"other": b"x"}), archive({"manifest.json": b"not json"})])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(BadInput) as raised:
        images_in(str(tmp_path / "a"), SAVE)
    assert SAVE in raised.value.next_step


def test_an_archive_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        images_in(str(tmp_path / "none"), SAVE)


def test_every_program_gets_everything(tmp_path: Path) -> None:
    data = bytes(range(256)) * (CHUNK // 64)
    Tee().copy_to(io.BytesIO(data), {name: [*CAT, str(tmp_path / name)] for name in ("a", "b")})
    assert (tmp_path / "a").read_bytes() == data == (tmp_path / "b").read_bytes()


def test_a_program_that_fails_is_reported_and_the_others_get_everything(tmp_path: Path) -> None:
    data = b"x" * CHUNK * 40
    with pytest.raises(CommandFailed, match="no room"):
        Tee().copy_to(io.BytesIO(data), {"bad": FAIL, "good": [*CAT, str(tmp_path / "good")]})
    assert (tmp_path / "good").stat().st_size == len(data)


def test_a_program_that_cannot_be_started_is_reported_and_the_others_get_everything(tmp_path: Path) -> None:
    data = b"x" * CHUNK * 40
    with pytest.raises(CommandFailed, match="cannot be started"):
        Tee().copy_to(io.BytesIO(data), {"bad": ["/no/such/program"], "good": [*CAT, str(tmp_path / "good")]})
    assert (tmp_path / "good").stat().st_size == len(data)


def test_the_output_of_a_program() -> None:
    with Tee().output_of([sys.executable, "-c", "print('x' * 100000)"]) as stream:
        assert len(stream.read()) == 100_001


@pytest.mark.parametrize("sink", [CAT, FAIL])
def test_a_source_that_fails_is_the_one_to_blame(tmp_path: Path, sink: list[str]) -> None:
    source = [sys.executable, "-c", "import sys; print('half'); sys.exit('no such image')"]
    with pytest.raises(CommandFailed, match="no such image"), Tee().output_of(source) as stream:
        Tee().copy_to(stream, {"a": [*sink, str(tmp_path / "a")]})


def test_what_is_copied_can_be_ended(tmp_path: Path) -> None:
    """Also where a program reads nothing any more."""
    started = tmp_path / "started"
    hangs = [sys.executable, "-c", f"import time; open({str(started)!r}, 'w'); time.sleep(600)"]
    tee = Tee()

    def end() -> None:
        while not started.exists():
            time.sleep(0.01)
        tee.end()

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises(CommandFailed, match="ended"):
        tee.copy_to(io.BytesIO(b"x" * CHUNK * 40), {"hangs": hangs, "good": [*CAT, str(tmp_path / "good")]})
    ending.join()
    with pytest.raises(CommandFailed, match="ended"):
        tee.copy_to(io.BytesIO(b"x"), {"good": [*CAT, str(tmp_path / "more")]})
