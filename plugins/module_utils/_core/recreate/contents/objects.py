# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects of a recreation: which are created at zero, and what became of all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import (
    WORKLOAD_KINDS,
    key,
    scale_down_patch,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.discovery import ALL_KINDS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key, Saved, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.rules import ELSEWHERE, PROVISIONED
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed

Rows = Sequence[Mapping[str, Any]]

# Results that a report names one by one.
ADAPTED, REFUSED, SKIPPED = "adapted", "refused", "skipped"
_GROUPS = ("", "apps", "batch")
_UNREAD = (
    "Find out why: kubectl get {kind} --all-namespaces. If nothing of it is needed, delete what defines it, or set "
    "objects=none."
)


def at_zero(saved: Saved, wanted: Callable[[str], bool]) -> Saved:
    """The objects with some workloads scaled to zero, and their scale recorded. wanted: of workloads.key."""
    return replace(saved, made=[_at_zero(item) if _is(item, wanted) else item for item in saved.made])


def without(saved: Saved, items: Collection[Object]) -> Saved:
    """The objects without some."""
    left_out = {key_of(item) for item in items}
    return replace(saved, made=[item for item in saved.made if key_of(item) not in left_out])


def rows(results: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What became of each object. results: of each step."""
    return [row for step in ("prepared", "applied", "completed") for row in results.get(step, {}).get("objects", ())]


def refusals(rows: Rows) -> list[Refusal]:
    """Those that the API server did not take."""
    return [Refusal(_named(row), row["why"]) for row in rows if row["result"] == REFUSED]


def summary(rows: Rows) -> dict[str, Any]:
    """How many came back in which way, and those that are not as they were."""
    results = [row["result"] for row in rows]
    return {
        "count": len(rows),
        **{name: results.count(name) for name in (ADAPTED, REFUSED, SKIPPED)},
        "not_equal": [dict(row) for row in rows if row["result"] in (ADAPTED, REFUSED, SKIPPED)],
    }


def warnings(rows: Rows) -> tuple[str, ...]:
    """A warning about objects that are missing in the new cluster."""
    found = refusals(rows)
    if not found:
        return ()
    return (
        f"The new cluster does not have {count(len(found), 'object')} of the old one: "
        f"{listed([refusal.text() for refusal in found], separator='; ')}",
    )


def unread(left_out: Rows) -> list[Refusal]:
    """The kinds whose objects cannot be read: with the cluster they would be lost. left_out: as a backup returns it."""
    kinds = {_left_out_key(row): row["why"] for row in left_out if not row["name"] and row["kind"] != ALL_KINDS}
    return [
        Refusal(str(kind), why, _UNREAD.format(kind=str(kind).lower()))
        for kind, why in kinds.items()
        if kind[:2] not in ELSEWHERE
    ]


def unsaved_warning(left_out: Rows) -> tuple[str, ...]:
    """A warning about objects that a new cluster will not have as they are."""
    rows = [row for row in left_out if (row["name"] or row["kind"] == ALL_KINDS) and row["why"] != PROVISIONED]
    if not rows:
        return ()
    named = [f"{_left_out_key(row)} ({row['why']})" for row in rows]
    return (f"The new cluster will not have as they are: {listed(named, separator='; ')}.",)


def _is(item: Object, wanted: Callable[[str], bool]) -> bool:
    return item["kind"] in WORKLOAD_KINDS and key_of(item).group in _GROUPS and wanted(key(item))


def _at_zero(item: Object) -> Object:
    return dict(merged(item, scale_down_patch(item) or {}))


def _named(row: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (row["kind"], "/".join(filter(None, (row["namespace"], row["name"]))))))


def _left_out_key(row: Mapping[str, Any]) -> Key:
    return Key(row["group"], row["kind"], row["namespace"], row["name"])
