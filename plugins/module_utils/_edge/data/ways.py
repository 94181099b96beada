# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Choose for directories of the host whether they are used there, or in a node that has them mounted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.ways import through
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from .look import lacking, may_change, may_read
from .node_directory import NodeDirectory, Source, node_directories
from .tree_in_node import names

# Directories of the host, and nodes -> the directories that are used in a node.
Ways = Callable[[Mapping[str, str], Iterable[Node]], dict[str, Place]]


def may_everything() -> bool:
    """True for root, on a host that can read and write all that data has."""
    return os.geteuid() == 0 and not lacking(archives=False)


def for_reading(directories: Mapping[str, str], nodes: Iterable[Node]) -> dict[str, Place]:
    """Name -> the directory in a node, for those that this user cannot read completely, and a node has."""
    return in_nodes({name: path for name, path in directories.items() if not may_read(path)}, nodes)


def for_changing(directories: Mapping[str, str], nodes: Iterable[Node]) -> dict[str, Place]:
    """The same for directories whose content is moved, or removed."""
    chosen = {name: path for name, path in directories.items() if not may_change(path)}
    return in_nodes(chosen, nodes, changing=True, beside=True)


def host_sources(
    directories: Mapping[str, str],
    nodes: Iterable[Node],
    engine: Engine,
    choose: Ways = for_reading,
) -> dict[str, Source]:
    """Name -> where a directory of the host is read, or changed. choose: for_reading, or for_changing."""
    inside: dict[str, NodeDirectory] = node_directories(engine, choose(directories, nodes))
    return {**directories, **inside}


@dataclass(frozen=True)
class Reach:
    """Directories of the host as this user reaches them: there, or in nodes that may have them mounted."""

    engine: Engine | None = None
    nodes: tuple[Node, ...] = ()

    def listed(self, path: str) -> list[tuple[str, bool]]:
        """The names in a directory, each with whether it is a directory, and no link to one. Raises OSError."""
        try:
            with os.scandir(path) as entries:
                return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except PermissionError:
            inside = self.inside(through(path, self.nodes))
            if inside is None:
                raise
            return names(inside)

    def names(self, path: str) -> list[str]:
        """The same without what they are."""
        return [name for name, _is_directory in self.listed(path)]

    def changed_in(self, path: str) -> Place | None:
        """Where a node has it, if this user may not move or remove it; None to do that on the host."""
        return None if may_change(path) else through(path, self.nodes, changing=True, beside=True)

    def inside(self, place: Place | None) -> NodeDirectory | None:
        """The place in a node."""
        if place is None or self.engine is None:
            return None
        return NodeDirectory(place.node, place.node_directory, self.engine.inside(place.node))


HERE = Reach()


def in_nodes(directories: Mapping[str, str], nodes: Iterable[Node], **how: bool) -> dict[str, Place]:
    """Name -> the directory in a node, for those that one has. how: arguments of ways.through."""
    nodes = tuple(nodes)
    found = {name: through(path, nodes, **how) for name, path in directories.items()}
    return {name: place for name, place in found.items() if place}
