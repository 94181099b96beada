"""A directory that is handed over: what can't be used is named, links in its path are followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.local_data import host


def test_a_directory_is_what_its_links_lead_to(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    assert host.host_directory(f"{tmp_path}/link", str(tmp_path)) == f"{tmp_path}/data"
    assert f"{tmp_path}/data" == host.host_directory(f"{tmp_path}/data/", None)


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
    assert host.host_directory(f"{tmp_path}/top/data", f"{tmp_path}/link") == f"{tmp_path}/top/data"
    assert host.host_directory(f"{tmp_path}/link", f"{tmp_path}/top") == f"{tmp_path}/top"
