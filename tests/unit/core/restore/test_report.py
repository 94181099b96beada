"""A refusal lists every reason, short enough to be read."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Observed, Step, Wanted
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.report import before_after, refusal
from ansible_collections.kindlab.volumes.tests.unit.support.backups import (
    NAMESPACE,
    STORAGE_CLASS,
    saved_volume,
    volume,
)


def step(number, action="refuse", pv=None):
    wanted = Wanted(read_volumes([volume(number)], [])[0], volume(number), None, saved_volume(number))
    return Step(wanted, action, f"reason {number}", "do this", pv=pv)


def observed(*names):
    return Observed({}, {}, {}, {}, frozenset(names), ())


def test_all_well():
    assert refusal([step(0, "create"), step(1, "already")], observed("k-worker"), "k", "k") is None


def test_the_first_reasons_are_told_and_all_are_in_the_details():
    error = refusal([step(n) for n in range(12)] + [step(12, "create")], observed("k-worker"), "k", "k")
    assert error.text().splitlines() == [
        "Nothing was changed: 12 of 13 volumes can't be restored as they were saved:",
        *(f"- v{n} (ns/c{n}): reason {n}" for n in range(10)),
        "- and 2 more",
        "Next: do this",
    ]
    assert error.details[11] == {"name": "v11", "claim": "ns/c11", "reason": "reason 11", "next_step": "do this"}


def test_renamed_nodes_are_guessed():
    error = refusal([step(0)], observed("z-worker"), "k", "z")
    assert error.text().endswith("\n- do this\n- Here node_map is probably {k-worker: z-worker}.")


def test_before_and_after_show_what_changes_only():
    there = {**volume(1), "status": {"phase": "Released"}}
    steps = [step(0, "create"), step(1, "rebind", there), step(2, "already", volume(2))]
    assert before_after(steps, [NAMESPACE, STORAGE_CLASS], "keep") == (
        {
            "volumes": {"v0": "is not there", "v1": "is Released, Retain"},
            "namespaces": {"ns": "is not there"},
            "storage_classes": {"standard": "is not there"},
        },
        {
            "volumes": {"v0": "reason 0, Retain", "v1": "reason 1, Retain"},
            "namespaces": {"ns": "as in the backup"},
            "storage_classes": {"standard": "as in the backup"},
        },
    )
