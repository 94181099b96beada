"""The diff of a restore shows what changes."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.report import diff
from ansible_collections.kindlab.volumes.tests.unit.support.backups import NAMESPACE, STORAGE_CLASS, volume
from ansible_collections.kindlab.volumes.tests.unit.support.restores import step


def test_before_and_after_show_what_changes_only():
    released = {**volume(1), "status": {"phase": "Released"}}
    steps = [
        step(0, why="reason 0"),
        step(1, "rebind", "reason 1", pv=released),
        step(2, "unchanged", pv=volume(2)),
    ]
    assert diff(steps, [NAMESPACE, STORAGE_CLASS], "keep") == (
        {
            "volumes": {"v0": "missing", "v1": "is Released, Retain"},
            "namespaces": {"ns": "missing"},
            "storage_classes": {"standard": "missing"},
        },
        {
            "volumes": {"v0": "reason 0, Retain", "v1": "reason 1, Retain"},
            "namespaces": {"ns": "as in the backup"},
            "storage_classes": {"standard": "as in the backup"},
        },
    )
