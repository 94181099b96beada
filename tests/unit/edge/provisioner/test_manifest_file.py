"""The file with manifests: read, and written atomically."""

from __future__ import annotations

import os

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.provisioner.manifest_file import read, write

FIRST = by_ref([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ä"}}])
SECOND = by_ref([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b"}}])


def test_what_is_written_is_read(tmp_path):
    path = str(tmp_path / "one" / "two" / "file")
    assert read(path) == {}
    for state in (FIRST, SECOND):
        write(path, state)
        assert read(path) == state
    assert os.listdir(tmp_path / "one" / "two") == ["file"]
    assert os.stat(path).st_mode & 0o777 == 0o644


def test_a_write_that_is_interrupted_changes_nothing(tmp_path, monkeypatch):
    def interrupt(*_arguments):
        raise KeyboardInterrupt

    path = str(tmp_path / "file")
    write(path, FIRST)
    monkeypatch.setattr(os, "fchmod", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(path, SECOND)
    assert read(path) == FIRST
    assert os.listdir(tmp_path) == ["file"]


def test_what_can_not_be_read(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for path in (tmp_path, tmp_path / "bytes", tmp_path / "bytes" / "below"):
        with pytest.raises(BadInput, match="cannot be read"):
            read(str(path))


def test_a_file_without_manifests_is_declined(tmp_path):
    (tmp_path / "file").write_text("first: line\n")
    with pytest.raises(Declined):
        read(str(tmp_path / "file"))
    (tmp_path / "file").write_text(" \n")
    assert read(str(tmp_path / "file")) == {}


def test_what_can_not_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "full" / "below").mkdir(parents=True)
    for path in (tmp_path / "file" / "below", tmp_path / "full"):
        with pytest.raises(BadInput, match="cannot be written"):
            write(str(path), FIRST)
    assert sorted(os.listdir(tmp_path)) == ["file", "full"]
