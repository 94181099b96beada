# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who has host directories: volumes, pods and processes of all clusters of the engine, running or not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.host import resolved
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import Look
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.clusters import (
    Id,
    above_mounts,
    inside,
    kept_by,
    mounted_by,
    mounted_under_other_names,
    mounting,
    with_mounts,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import GENERATION, Item
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.related import Related
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.sharing import Elsewhere
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.other_clusters import volumes_elsewhere
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.other_pods import pods_in_others
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.usage_check import processes_in
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine, nodes_of_others
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.look import look_at_nodes


@dataclass(frozen=True)
class Clusters:
    """The clusters that have searched directories. nodes: all of theirs, in any state.

    own: the one whose volumes are known already, '' for none; elsewhere: volumes of the others. hidden: directories
    that nodes have mounted under other paths, as Related takes them. others: nodes of other engines; unknown: other
    engine -> why its nodes are not known.
    """

    engine: Engine
    nodes: tuple[Node, ...]
    own: str
    elsewhere: Elsewhere
    hidden: tuple[tuple[str, str, str], ...] = ()
    others: tuple[Node, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """About engines that do not answer."""
        return [f"The clusters of {name} are not known: {why}" for name, why in self.unknown.items()]

    def owned(self) -> Iterator[tuple[str, str, str]]:
        """The directories that are known to be theirs, as Related takes them."""
        yield from ((path, "", volume) for path, volume in self.elsewhere.volumes.items())
        yield from self.hidden

    def checked(self, items: Sequence[Item]) -> list[Item]:
        """The items; those that a cluster uses, or may use by now, are kept. No cluster runs on a generation.

        Raises KindlabError if nodes cannot be read.
        """
        unknown = (item for item in items if not (item.kept and item.kept.is_known))
        asked = {item.path: item.path for item in unknown if item.path and item.kind != GENERATION}
        if not asked:
            return list(items)
        elsewhere = volumes_elsewhere(self.engine, [node for node in self.nodes if node.cluster != self.own])
        theirs = Related((path, "", volume) for path, volume in elsewhere.volumes.items())
        processes = processes_in(self.engine, self.nodes, asked)
        pods = pods_in_others(self.engine, self.nodes, tuple(asked.items()))
        users = {path: (*processes.get(path, ()), *pods.get(path, ())) for path in asked}
        mounted = above_mounts(self.nodes)
        found = {path: kept_by(path, elsewhere, theirs, mounted, users[path]) for path in asked}
        return [item.but(found.get(item.path)) for item in items]


def find_clusters(engine: Engine, everywhere: Sequence[Node], own: str, paths: Iterable[str], host: Look) -> Clusters:
    """The clusters that have one of these directories, or one above or below it.

    everywhere: the nodes of all clusters. own: the one whose volumes are known already, '' for none.
    """
    paths = tuple(paths)
    nodes = resolved(everywhere, host)
    sharing = mounting(nodes, paths)
    having = with_mounts(nodes)
    hidden = mounted_under_other_names(having, look_at_nodes(engine, having), host, ids_of(paths)) if paths else ()
    elsewhere = volumes_elsewhere(engine, [node for node in sharing if node.cluster != own])
    # Nobody asks another engine's clusters for volumes. One engine may be a name of the other.
    answers = dict(nodes_of_others(engine))
    unknown = {name: those for name, those in answers.items() if isinstance(those, str)}
    foreign = {
        name: resolved((node for node in those if node not in everywhere), host)
        for name, those in answers.items()
        if not isinstance(those, str)
    }
    theirs = (owned for name, those in foreign.items() for owned in mounted_by(those, name))
    others = tuple(node for those in foreign.values() for node in those)
    return Clusters(engine, sharing, own, elsewhere, (*hidden, *theirs, *inside((*nodes, *others))), others, unknown)


def ids_of(paths: Iterable[str]) -> dict[Id, list[str]]:
    """Device and inode -> paths, of these directories and those above them."""
    every = dict.fromkeys(place for path in paths for place in (path, *map(str, PurePosixPath(path).parents)))
    found: dict[Id, list[str]] = {}
    for path in every:
        try:
            status = os.stat(path)
        except OSError:
            continue
        found.setdefault((status.st_dev, status.st_ino), []).append(path)
    return found
