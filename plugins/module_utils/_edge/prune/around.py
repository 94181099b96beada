# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look around: the cluster whose volumes may be pruned, all others that have its directories, and this host."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import Item, Kept
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.related import Related
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.volumes import volume_item
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place, volume_places
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.look import look_at_host, real_path
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect

from .own import Own, find_own
from .users import Clusters, find_clusters


@dataclass(frozen=True)
class Around:
    """own: the requested cluster; clusters: all that have searched directories; everywhere: the nodes of all.

    searched: host directory -> why it is not known what is used in it, None if it is. mounts: mount points of the host;
    real: gives a path of it without symbolic links.
    """

    own: Own
    clusters: Clusters
    everywhere: Sequence[Node]
    searched: Mapping[str, Kept | None]
    mounts: Collection[str]
    real: Callable[[str], str]

    def related(self) -> Related:
        """The directories of all volumes that are known."""
        owned = (*self.own.owned(), *self.clusters.owned())
        return Related((*owned, *((real, owner, who) for path, owner, who in owned for real in self._targets(path))))

    def _targets(self, path: str) -> set[str]:
        """What a path leads to by symbolic links; an absolute one leads to a directory of the node."""
        real = self.real(path)
        if real == path:
            return set()
        inside = (node.host_directory(real) for node in (*self.own.nodes, *self.clusters.nodes))
        return {real, *(self.real(directory) for directory in inside if directory)}

    def volumes(self, related: Related) -> list[Item]:
        """The volumes of the requested cluster."""
        own, engine = self.own, self.clusters.engine.name
        found = (
            (volume, [self._placed(place) for place in volume_places(volume, own.nodes)]) for volume in own.volumes
        )
        return [volume_item(volume, own.pvs[volume.name], places, related, engine) for volume, places in found]

    def awaited(self) -> dict[str, str]:
        """Volume's name -> the claim that waits for it."""
        return {**self.clusters.elsewhere.claims, **self.own.awaited}

    def _placed(self, place: Place) -> Place:
        """Its directory as it is found where it is searched for."""
        parent, name = os.path.split(place.host_directory)
        return replace(place, host_directory=os.path.join(self.real(parent), name)) if name else place


def look_around(
    options: Mapping[str, Any],
    request: Request,
    runner: Runner | None,
    connect: Connect,
    more: Sequence[str] = (),
    beside: Sequence[str] = (),
) -> Around:
    """more: kinds of objects to read; beside: directories that have something to prune, too.

    Raises BadInput if there is no such cluster, and Unreachable.
    """
    engine = find_engine(options["engine"], runner or Runner())
    everywhere = engine.nodes()
    host = look_at_host(everywhere)
    real = partial(real_path, host)
    own = find_own(options, request, everywhere, runner, connect, more)
    searched = {**dict.fromkeys(request.directories), **{real(path): why for path, why in own.searched.items()}}
    clusters = find_clusters(engine, everywhere, request.cluster if own.cluster else "", (*searched, *beside), host)
    return Around(own, clusters, everywhere, searched, host.mounts, real)
