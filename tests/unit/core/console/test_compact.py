"""The whole result of a module fits a screen, and nothing that has a value is left out."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.compact import compact

NAME = "pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c"


def volume(number: int) -> dict[str, Any]:
    """As volume_info returns it."""
    directory = f"{NAME}{number}_default_database-{number}"
    return {
        "name": f"{NAME}{number}",
        "claim": f"default/database-{number}",
        "phase": "Bound",
        "claim_phase": "Bound",
        "terminating": False,
        "ephemeral": False,
        "storage_class": "standard",
        "reclaim_policy": "Retain",
        "original_reclaim_policy": "Delete",
        "capacity": "1Gi",
        "access_modes": ["ReadWriteOnce"],
        "volume_mode": "Filesystem",
        "source": "hostPath",
        "location": f"hostPath /var/local-path-provisioner/{directory}",
        "data": "host",
        "provisioned_by": "rancher.io/local-path",
        "nodes": ["lab-worker"],
        "node_directory": f"/var/local-path-provisioner/{directory}",
        "host_directory": f"/srv/lab/{directory}",
        "host_directories": {"lab-worker": f"/srv/lab/{directory}"},
        "mismatch": "",
        "pods": [{"namespace": "default", "name": f"database-{number}", "node": "lab-worker", "phase": "Running"}],
    }


@pytest.mark.parametrize("width", [100, 160])
def test_five_volumes_fit_a_screen(width: int) -> None:
    result = {"changed": False, "volumes": [volume(n) for n in range(5)], "released": [], "orphan_directories": []}
    lines = compact(result, width).splitlines()
    assert len(lines) <= 60 and max(map(len, lines)) <= width
    assert lines[2].startswith("- claim: default/database-0, host_directory:")


def test_values_that_are_empty_are_left_out_of_rows_only() -> None:
    assert compact(
        {"found": [{"a": "", "b": [], "c": False, "d": 0}], "released": [], "ok": False}, 80
    ).splitlines() == [
        "found:",
        "- d: 0",
        "released: none",
        "ok: no",
    ]


def test_what_is_within_a_row_is_kept_together() -> None:
    rows = {"rows": [{"pods": [{"name": "a"}, {"name": "b"}], "one": ["x"], "two": ["y", "z"]}]}
    assert compact(rows, 80).splitlines()[1] == "- pods: ((name: a), (name: b)), one: x, two: (y, z)"


def test_a_dictionary_has_a_line_for_each_key() -> None:
    assert compact({"seconds": {"a": 1, "b": {"c": ["d"]}}}, 80).splitlines() == [
        "seconds:",
        "  a: 1",
        "  b:",
        "    c:",
        "    - d",
    ]
