# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look around: the cluster whose volumes may be pruned, all others that have its directories, and this host."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import Look
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, is_below
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import Item, Kept
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.related import Related
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.volumes import volume_item
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place, volume_places
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.sharing import awaited
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import answer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.look import look_at_host
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect

from .own import Own, find_own
from .users import Clusters, find_clusters


@dataclass(frozen=True)
class Around:
    """own: the requested cluster; clusters: all that have searched directories; everywhere: the nodes of all.

    searched: host directory -> why it is not known what is used in it, None if it is.
    """

    own: Own
    clusters: Clusters
    everywhere: Sequence[Node]
    searched: Mapping[str, Kept | None]
    host: Look

    def related(self) -> Related:
        """The directories of all volumes that are known."""
        owned = (*self.own.owned(), *self.clusters.owned())
        return Related((*owned, *((_real(path, self.host), owner, who) for path, owner, who in owned)))

    def volumes(self, related: Related) -> list[Item]:
        """The volumes of the requested cluster."""
        own, engine = self.own, self.clusters.engine.name
        found = (
            (volume, [self._placed(place) for place in volume_places(volume, own.nodes)]) for volume in own.volumes
        )
        return [volume_item(volume, own.pvs[volume.name], places, related, engine) for volume, places in found]

    def awaited(self, cluster: str) -> dict[str, str]:
        """Volume's name -> the claim that waits for it. cluster: the requested one."""
        return {**self.clusters.elsewhere.claims, **awaited(self.own.objects.get("PersistentVolumeClaim", ()), cluster)}

    def _placed(self, place: Place) -> Place:
        """Its directory as it is found where it is searched for."""
        parent, name = os.path.split(place.host_directory)
        return replace(place, host_directory=os.path.join(_real(parent, self.host), name)) if name else place


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
    own = find_own(options, request, everywhere, runner, connect, more)
    searched = {**dict.fromkeys(request.directories), **{_real(path, host): why for path, why in own.searched.items()}}
    clusters = find_clusters(engine, everywhere, request.cluster if own.cluster else "", (*searched, *beside), host)
    return Around(own, clusters, everywhere, searched, host)


def _real(path: str, host: Look) -> str:
    """A path without symbolic links, unless its file system does not answer."""
    silent = any(is_below(path, point) for point in host.silent)
    return path if silent else answer(partial(os.path.realpath, path), path)
