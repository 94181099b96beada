# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare two maps: which volumes and nodes came, went, moved or changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

from .words import called, node_facts, node_text, policy_text, seen_text, where_text

CAME, WENT, MOVED, CHANGED = ("came", "went", "moved", "changed")
_WHERE = ("data", "place", "node_directory", "host_directory", "nodes")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Object]:
    """What differs, a row each: cluster, what, change, before and after (lines of text)."""
    old, new = _clusters(before), _clusters(after)
    found: list[Object] = []
    for name in sorted({*old, *new}):
        rows = {**_parts(old.get(name, {}))}, {**_parts(new.get(name, {}))}
        for what in sorted({*rows[0], *rows[1]}):
            found += _change(name, what, rows[0].get(what), rows[1].get(what))
    return found


def _clusters(lab: Mapping[str, Any]) -> dict[str, Object]:
    return {f"{c['name']} on {host['name']}": c for host in lab["hosts"] for c in host["clusters"]}


def _parts(cluster: Mapping[str, Any]) -> dict[str, Object]:
    """Nodes and volumes by what people call them; of two volumes with one claim, all but the bound one by name."""
    found = {f"node {node['name']}": {"node": node} for node in cluster.get("nodes", ())}
    for volume in cluster.get("volumes", ()):
        name = called(volume) if volume["claim_phase"] else volume["name"]
        found[f"volume {name}"] = {"volume": volume}
    return found


def _change(cluster: str, what: str, old: Object | None, new: Object | None) -> Iterator[Object]:
    before, after = _lines(old), _lines(new)
    if before == after:
        return
    change = CAME if old is None else WENT if new is None else CHANGED
    if old and new and "volume" in old and any(old["volume"][field] != new["volume"][field] for field in _WHERE):
        change = MOVED
    # What is the same on both sides is no change.
    same = [line for line in before if line in after] if old and new else []
    yield {
        "cluster": cluster,
        "what": what,
        "change": change,
        "before": [line for line in before if line not in same],
        "after": [line for line in after if line not in same],
    }


def _lines(part: Object | None) -> list[str]:
    if part is None:
        return []
    if "node" in part:
        return [node_text(part["node"]), part["node"]["image"], *node_facts(part["node"])]
    volume = part["volume"]
    return [
        where_text(volume),
        f"{volume['name']}, {volume['capacity']}, {policy_text(volume)}",
        *filter(None, [seen_text(volume["seen"])]),
        f"survives: {volume['survives']}",
    ]


def sums(rows: list[Object]) -> str:
    """'1 came, 2 moved'."""
    found = {change: sum(row["change"] == change for row in rows) for change in (CAME, WENT, MOVED, CHANGED)}
    return ", ".join(f"{number} {change}" for change, number in found.items() if number) or "nothing differs"
