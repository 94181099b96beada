# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe one cluster for a map; one that does not answer is shown with its nodes, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import HOST, NODE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.model import Backed, Source
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.inventory.survival import Saved
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.inventory.volumes import (
    READ,
    Inventory,
    take_inventory,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect, observe

from .look import look


def find_source(
    options: Mapping[str, Any],
    nodes: Sequence[Node],
    backup: tuple[str, Saved],
    runner: Runner,
    connect: Connect,
    *,
    full: bool,
) -> Source:
    """options: those of observe(). nodes: its containers. backup: its path, '' for none, and what it has."""
    name = options["cluster"]
    if all(node.state != RUNNING for node in nodes):
        return Source(name, nodes, problem="its nodes are not running")
    try:
        observed = observe(options, READ, runner=runner, connect=connect)
        taken = take_inventory(observed, Selection(), backup[1], full=full)
    except KindlabError as error:
        return Source(name, nodes, problem=error.message.rstrip("."))
    running = [node.name for node in observed.nodes if node.state == RUNNING]
    return Source(
        name,
        observed.nodes,
        taken.rows,
        taken.summary,
        taken.orphans,
        taken.warnings,
        observed.objects,
        look(dict(_places(taken)), observed.engine, running),
        _backed(*backup),
    )


def _places(taken: Inventory) -> Iterator[tuple[str, Place]]:
    """Where to look, by volume's name or orphan's path: not where the host has something else than the node."""
    for row in taken.rows:
        if row["data"] == HOST and row["host_directory"] and not row["mismatch"]:
            yield row["name"], Place("", row["node_directory"], row["host_directory"])
        elif row["data"] == NODE and len(row["host_directories"]) == 1:
            (node,) = row["host_directories"]
            yield row["name"], Place(node, row["node_directory"], "")
    for row in taken.orphans:
        yield row["host_directory"], Place("", row["node_directory"], row["host_directory"])


def _backed(path: str, saved: Saved) -> Backed:
    if saved.backup is None:
        return Backed(path, problem=saved.why_not)
    return Backed(path, saved.backup.name, saved.backup.catalog)
