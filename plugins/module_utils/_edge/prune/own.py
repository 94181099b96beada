# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster whose volumes may be pruned: its volumes, and the host directories where they are created."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.cluster import with_lost_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import Kept
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import (
    places,
    volume_places,
    watched_places,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.sharing import awaited
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import observe as observe_cluster

READ = ("PersistentVolume", "PersistentVolumeClaim", "ConfigMap")


@dataclass(frozen=True)
class Own:
    """A cluster. cluster: None if there is none, or its API server does not answer; then a warning says so.

    pvs: by name. objects: by kind. awaited: volume's name -> the claim that waits for it. searched: host
    directory -> why it is not known what is used in it, None if it is.
    """

    cluster: Cluster | None = None
    nodes: tuple[Node, ...] = ()
    pvs: Mapping[str, Object] = field(default_factory=dict)
    objects: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    volumes: tuple[Volume, ...] = ()
    searched: Mapping[str, Kept | None] = field(default_factory=dict)
    awaited: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def owned(self) -> Iterator[tuple[str, str, str]]:
        """The directories of its volumes, as Related takes them. Without its nodes, those on every other one."""
        for volume in self.volumes:
            found = volume_places(volume, self.nodes)
            if volume.node_directory and not any(place.host_directory for place in found):
                found = places(volume.node_directory, (), self.nodes)
            who = f"volume {volume.name}{f' ({volume.claim})' if volume.claim else ''}"
            yield from ((place.host_directory, volume.name, who) for place in found if place.host_directory)


def find_own(
    options: Mapping[str, Any],
    request: Request,
    everywhere: Sequence[Node],
    runner: Runner | None,
    connect: Connect,
    more: Sequence[str] = (),
) -> Own:
    """The requested cluster. everywhere: the nodes of all; more: kinds of objects to read.

    It may be missing if there are other directories to search, unless its objects are needed. Raises BadInput if there
    is no such cluster, Unreachable.
    """
    alone = bool(request.directories or request.backups) and not more
    if alone and not any(node.cluster == request.cluster for node in everywhere):
        return Own()
    try:
        found = observe_cluster(options, (*READ, *more), runner=runner, connect=connect)
    except Unreachable as error:
        if not alone:
            raise
        return Own(warnings=(f"The volumes of cluster {request.cluster} are not shown: {error.message}",))
    nodes = with_lost_nodes(request.cluster, found.nodes, found.objects)
    pvs = found.objects["PersistentVolume"]
    volumes = read_volumes(pvs, found.objects["PersistentVolumeClaim"])
    searched: dict[str, Kept | None] = {}
    for path, there in watched_places(volumes, found.objects["ConfigMap"], nodes).items():
        mismatch = next((place for place in there if place.mismatch), None)
        searched[path] = Kept(mismatch.mismatch, mismatch.remedy) if mismatch else None
    by_name = {pv["metadata"]["name"]: pv for pv in pvs}
    claims = awaited(found.objects["PersistentVolumeClaim"], request.cluster)
    return Own(found.cluster, nodes, by_name, found.objects, volumes, searched, claims)
