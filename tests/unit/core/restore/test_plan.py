"""A whole plan: every reason to refuse at once, warnings, and what is created."""

from __future__ import annotations

from dataclasses import replace
from time import process_time

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    Catalog,
    SavedArchive,
    SavedCluster,
    SavedVolume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.data import DataState
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.plan import Plan, plan
from ansible_collections.kindlab.volumes.tests.unit.support import backups, restores

MOUNTED = Node("k-worker", "k", "worker", mounts=(Mount("/data", "/srv"),))


def whole_plan(count, *objects, nodes=(MOUNTED,), **options):
    """The plan of v0, v1, ... with archives."""
    numbers = range(count)
    archive = SavedArchive("archives/v.tar.gz", "0" * 64, 7, "gzip")
    saved = (backups.saved_volume(number, checksum_list="list", archive=archive) for number in numbers)
    manifests = (*map(backups.volume, numbers), *map(backups.claim, numbers), backups.NAMESPACE, backups.STORAGE_CLASS)
    generation = restores.generation(*saved, manifests=manifests)
    return plan(Request("k", **options), restores.observed(*objects, saved=generation, nodes=nodes))


def test_all_reasons_are_reported_at_once():
    blocked = {**backups.volume(0), "spec": {**backups.volume(0)["spec"], "capacity": {"storage": "2Gi"}}}
    first = whole_plan(13, blocked)
    assert [item.name for item in first.to_compare] == sorted(f"v{number}" for number in range(1, 13))
    data = {item.name: DataState("there", "1 added: x") for item in first.to_compare} | {"v5": DataState("there")}
    with pytest.raises(Declined) as raised:
        first.with_data(data)
    error = raised.value
    names = sorted(f"v{number}" for number in range(13) if number != 5)
    assert [row["name"] for row in error.details] == names
    assert error.details[0]["claim"] == "ns/c0"
    assert all(row["why"] and row["next_step"] for row in error.details)
    assert error.message.startswith("12 of 13 volumes cannot be restored as backed up; nothing was changed:")
    assert error.message.splitlines()[1].startswith(
        "- ns/c0 (v0): the existing PersistentVolume differs from the backup"
    )
    assert error.message.endswith("- and 2 more")
    assert len(error.next_step.splitlines()) == 3


def test_a_complete_plan():
    complete = whole_plan(2).with_data({"v0": DataState("there"), "v1": DataState("missing")})
    assert complete.changed
    assert [(item.name, item.action, item.extract) for item in complete.pending] == [
        ("v0", "create", False),
        ("v1", "create", True),
    ]
    result = complete.result({})
    assert (result["generation"], result["namespaces"], result["storage_classes"]) == ("000001", ["ns"], ["standard"])
    assert complete.warnings == ()


def test_data_inside_a_node_is_warned_about():
    complete = whole_plan(2, nodes=(replace(MOUNTED, mounts=()),)).with_data(
        dict.fromkeys(("v0", "v1"), DataState("empty"))
    )
    (warning,) = complete.warnings
    assert "2 volumes" in warning
    assert warning.endswith("is deleted with it: v0, v1.")


@pytest.mark.parametrize(("option", "changes"), [("keep", {}), ("original", {"v0": "Delete"})])
def test_original_policies_are_set_again(option, changes):
    complete = whole_plan(1, reclaim_policy=option).with_data({"v0": DataState("there")})
    assert complete.policy_changes == changes


def test_a_comparison_needs_checksums():
    saved = replace(restores.generation(), catalog=Catalog("t", SavedCluster("k", "v1"), checksums="fast"))
    with pytest.raises(BadInput, match="verify=full"):
        plan(Request("k"), restores.observed(saved=saved))


def test_before_and_after_show_what_changes_only():
    released = {**backups.volume(1), "status": {"phase": "Released"}}
    steps = (
        restores.step(0, why="reason 0"),
        restores.step(1, "rebind", "reason 1", pv=released),
        restores.step(2, "unchanged", pv=backups.volume(2)),
    )
    assert Plan(
        Request("k"), restores.observed(), steps, prerequisites=(backups.NAMESPACE, backups.STORAGE_CLASS)
    ).diff() == (
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


def test_ten_thousand_volumes_are_planned_within_three_seconds():

    many = range(10_000)
    saved = [SavedVolume(f"v{n}", f"ns/c{n}", checksum_list="l", files=1) for n in many]
    claims = [backups.claim(n) for n in range(20_000)]
    for item in claims[10_000:]:
        del item["spec"]["volumeName"]
    manifests = (*map(backups.volume, many), *claims, backups.NAMESPACE, backups.STORAGE_CLASS)
    found = restores.observed(saved=restores.generation(*saved, manifests=manifests), nodes=(MOUNTED,))
    start = process_time()
    planned = plan(Request("k"), found).with_data({f"v{n}": DataState("there") for n in many})
    planned.result({})
    seconds = process_time() - start
    assert (len(planned.steps), len(planned.claims)) == (10_000, 10_000)
    assert seconds < 3
