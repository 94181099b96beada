"""Host directories of a new cluster: which cannot be mounted or created, and which have content."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.mounts_and_ports import (
    HostDirectory,
    host_directories,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host.directories import (
    missing,
    refusals,
    with_content,
)


def test_all_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    paths = {"file": True, "file/below": True, "new": True, "gone": False, "": False}
    found = list(refusals(HostDirectory(str(tmp_path / path), create=create) for path, create in paths.items()))
    assert [(refusal.name.removeprefix(f"{tmp_path}/"), refusal.why) for refusal in found] == [
        ("file", "it is not a directory"),
        ("file/below", f"it cannot be created: {tmp_path}/file is not a directory"),
        ("gone", "it does not exist"),
    ]
    assert all(refusal.next_step for refusal in found)


def test_a_configuration_of_kind_mounts_what_is_there(tmp_path: Path) -> None:
    """Its mounts do not say whether they are files: those that exist are, and what is missing is a directory."""
    (tmp_path / "file").write_text("")
    mounts = [{"host_path": str(tmp_path / name), "node_path": f"/{name}"} for name in ("file", "new")]
    found = host_directories(mounts)
    assert list(refusals(found)) == [] and [directory.path for directory in missing(found)] == [f"{tmp_path}/new"]
    assert len(list(refusals(host_directories({**mount, "create": True} for mount in mounts)))) == 1


def test_directories_with_content(tmp_path: Path) -> None:
    for name in ("empty", "full/file"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "file").write_text("")
    paths = {str(tmp_path / name) for name in ("empty", "full", "missing", "file")}
    assert with_content(paths) == {str(tmp_path / "full"), str(tmp_path / "file")}
