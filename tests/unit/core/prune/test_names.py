"""Names that killed runs, and runs that move to the trash, give to directories."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import generation_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import stamp
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.names import (
    extraction_of,
    iso,
    removing,
    time_of,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.extract import EXTRACTING, MOVING


@pytest.mark.parametrize(("form", "complete"), [(EXTRACTING, False), (MOVING, True)])
@pytest.mark.parametrize("target", ["v", "pvc-1_ns_c", "a.incomplete-b", "x" * 100])
def test_what_a_killed_extraction_left(tmp_path: Path, form: str, complete: bool, target: str) -> None:
    """As _edge/restore/extract.py names it."""
    left = tempfile.mkdtemp(prefix=form.format(target), dir=tmp_path)
    assert extraction_of(Path(left).name) == (target, complete)


@pytest.mark.parametrize(
    "name", ["v", ".v", ".incomplete-0123456789abcdef", ".v.incomplete-1", ".v.other-a1b2c3d4", ""]
)
def test_other_names(name: str) -> None:
    assert extraction_of(name) is None


def test_times() -> None:
    now = 1_767_323_045.9
    assert (stamp(now), iso(now)) == ("20260102T030405Z", "2026-01-02T03:04:05Z")
    assert time_of(stamp(now)) == time_of(generation_name(3, iso(now))) == 1_767_323_045
    assert (time_of("other"), time_of("20269902T030405Z"), iso(None)) == (None, None, "")


def test_what_is_being_removed_has_another_name() -> None:
    assert removing("/srv/x") == "/srv/.removing-x" == removing("/srv/.removing-x")
    assert len(os.path.basename(removing(f"/srv/{'x' * 255}"))) == 255
