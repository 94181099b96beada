"""A plan as a file: what is written can be read, and edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.rows import Row
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.adopt.plan_file import (
    BESIDE,
    read,
    read_beside,
    text,
    write,
)

ROW = Row("/srv/a", "pv", "ns/c", "standard", "1Gi", ("ReadWriteOnce", "ReadOnlyMany"), ("k-worker",))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    rows = (ROW, Row("/srv/b", "pv2", "", "", "2Gi"))
    path = str(tmp_path / "deep" / "plan.yml")
    assert write(path, text(rows), check_mode=True) and not (tmp_path / "deep").exists()
    assert write(path, text(rows), check_mode=False)
    assert not write(path, text(rows), check_mode=False)
    # A claim that is not known is told in the plan, and refused when it is carried out.
    assert read(path) == rows
    assert Path(path).read_text().startswith("# Directories and the volumes that they become")


def test_the_order_of_fields_is_for_people() -> None:
    lines = [line.split(":")[0].strip(" -") for line in text([ROW]).splitlines() if ":" in line and line[0] != "#"]
    assert lines == ["volumes", "directory", "volume", "claim", "storage_class", "capacity", "access_modes", "nodes"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "plan.yml").write_text(text([Row(f"{tmp_path}/link", "pv", "ns/c", "", "1Gi")]))
    assert [row.directory for row in read(str(tmp_path / "plan.yml"))] == [f"{tmp_path}/a"]


def test_beside_the_directories(tmp_path: Path) -> None:
    (tmp_path / BESIDE).write_text(text([ROW]))
    assert [*read_beside([str(tmp_path), "/not/there"])] == [f"{tmp_path}/a"]


def test_a_number_is_a_quantity(tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_text("volumes: [{directory: /a, volume: v, claim: a/b, capacity: 1000}]")
    assert read(str(tmp_path / "plan.yml"))[0].capacity == "1000"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        write(str(tmp_path), "x", check_mode=True)
