# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look around: the cluster whose volumes may be pruned, all others that have its directories, and this host."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import Item, Kept
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.related import Related
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.volumes import volume_item
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import volume_places
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.look import look_at_host
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect

from .own import Own, find_own
from .users import Clusters, find_clusters


@dataclass(frozen=True)
class Around:
    """own: the requested cluster; clusters: all that have searched directories; everywhere: the nodes of all.

    searched: host directory -> why it is not known what is used in it, None if it is. mounts: mount points of the host.
    """

    own: Own
    clusters: Clusters
    everywhere: Sequence[Node]
    searched: Mapping[str, Kept | None]
    mounts: Collection[str]

    def related(self) -> Related:
        """The directories of all volumes that are known."""
        return Related((*self.own.owned(), *self.clusters.owned()))

    def volumes(self, related: Related) -> list[Item]:
        """The volumes of the requested cluster."""
        own, engine = self.own, self.clusters.engine.name
        places = ((volume, volume_places(volume, own.nodes)) for volume in own.volumes)
        return [volume_item(volume, own.pvs[volume.name], there, related, engine) for volume, there in places]


def look_around(
    options: Mapping[str, Any], request: Request, runner: Runner | None, connect: Connect, more: Sequence[str] = ()
) -> Around:
    """more: kinds of objects to read. Raises BadInput if there is no such cluster, and Unreachable."""
    engine = find_engine(options["engine"], runner or Runner())
    everywhere = engine.nodes()
    host = look_at_host(everywhere)
    own = find_own(options, request, everywhere, runner, connect, more)
    searched = {**dict.fromkeys(request.directories), **own.searched}
    clusters = find_clusters(engine, everywhere, request.cluster if own.cluster else "", searched, host)
    return Around(own, clusters, everywhere, searched, host.mounts)
