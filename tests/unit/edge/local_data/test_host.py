"""A directory that is handed over: what can't be used is named, links in its path are followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.local_data import host


def test_a_directory_is_what_its_links_lead_to(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    found = host.host_directory(f"{tmp_path}/link", str(tmp_path))
    path, identity = found
    status = os.stat(tmp_path / "data")
    assert path == f"{tmp_path}/data"
    assert (identity.device, identity.inode) == (status.st_dev, status.st_ino)
    assert found == host.host_directory(f"{tmp_path}/data/", None)


def test_the_kernel_that_numbers_it_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "boot").write_text("0b8b\n")
    monkeypatch.setattr(host, "BOOT", str(tmp_path / "boot"))
    assert host.host_directory(str(tmp_path), None)[1].boot == "0b8b"
    monkeypatch.setattr(host, "BOOT", str(tmp_path / "missing"))
    assert host.host_directory(str(tmp_path), None)[1].boot == ""


def test_what_can_not_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for name, why in (("missing", "does not exist"), ("file", "not a directory"), ("loop", "cannot be accessed")):
        with pytest.raises(BadInput, match=f"{tmp_path}/{name} .*{why}"):
            host.host_directory(f"{tmp_path}/{name}", None)
    with pytest.raises(BadInput, match=f"The root {tmp_path}/missing does not exist"):
        host.host_directory(str(tmp_path), f"{tmp_path}/missing")


@pytest.mark.parametrize("path", ["out", "root/../other", "other", "rootless", "root/out"])
def test_a_path_that_leads_out_of_the_root_is_named(path: str, tmp_path: Path) -> None:
    for name in ("root", "other", "rootless"):
        (tmp_path / name).mkdir()
    (tmp_path / "out").symlink_to("other")
    (tmp_path / "root" / "out").symlink_to(tmp_path / "other")
    with pytest.raises(BadInput, match=f"{path}.* is outside of the root {tmp_path}/root"):
        host.host_directory(f"{tmp_path}/{path}", f"{tmp_path}/root")


def test_a_root_may_be_named_by_a_link_and_be_the_path_itself(tmp_path: Path) -> None:
    (tmp_path / "top" / "data").mkdir(parents=True)
    (tmp_path / "link").symlink_to("top")
    assert host.host_directory(f"{tmp_path}/top/data", f"{tmp_path}/link")[0] == f"{tmp_path}/top/data"
    assert host.host_directory(f"{tmp_path}/link", f"{tmp_path}/top")[0] == f"{tmp_path}/top"


def test_mounts_come_from_where_their_links_lead(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    mounts = (
        Mount("/a", f"{tmp_path}/link/below", read_only=True),
        Mount("/b", f"/host_mnt{tmp_path}/link"),
        Mount("/c", "/link", kind="volume"),
    )
    (node,) = host.resolved([Node("n", "k", "worker", mounts=mounts)])
    assert node.mounts == (
        Mount("/a", f"{tmp_path}/data/below", read_only=True),
        Mount("/b", f"{tmp_path}/data"),
        Mount("/c", "/link", kind="volume"),
    )
