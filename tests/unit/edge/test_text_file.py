"""Text files: read, and written atomically."""

from __future__ import annotations

import os

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.text_file import read, write


def test_what_is_written_is_read(tmp_path):
    path = str(tmp_path / "one" / "two" / "file")
    assert read(path) == ""
    for text in ("first: ä\n", "second\n"):
        write(path, text)
        assert read(path) == text
    assert os.listdir(tmp_path / "one" / "two") == ["file"]
    assert os.stat(path).st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = str(tmp_path / "file")
    write(path, "there")
    with pytest.raises(UnicodeEncodeError):
        write(path, "half \ud800")
    assert read(path) == "there"
    assert os.listdir(tmp_path) == ["file"]


def test_what_can_not_be_read(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for path in (tmp_path, tmp_path / "bytes", tmp_path / "bytes" / "below"):
        with pytest.raises(BadInput, match="cannot be read"):
            read(str(path))


def test_what_can_not_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "full" / "below").mkdir(parents=True)
    for path in (tmp_path / "file" / "below", tmp_path / "full"):
        with pytest.raises(BadInput, match="cannot be written"):
            write(str(path), "text")
    assert sorted(os.listdir(tmp_path)) == ["file", "full"]
