# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Claims whose data is not whole, of workloads that an interrupted restore stopped."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.model import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place, volume_places
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import set_aside
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import node_directory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.ways import Reach
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.directory import is_half_restored
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine


def unfinished_claims(observed: Observed, nodes: Sequence[Node], engine: Engine) -> frozenset[str]:
    """Those whose directory has a part of its data, or none because that was set aside."""
    index = workloads.Claims(observed.claims)
    stopped = (item for item in observed.workloads.values() if workloads.stopped_for(item))
    claims = set().union(*(workloads.used_claims(item, index) for item in stopped))
    volumes = [volume for volume in observed.volumes if volume.claim in claims and not volume.is_block]
    places = [(volume.claim, place) for volume in volumes for place in volume_places(volume, nodes)]
    running = {node.name for node in nodes if node.state == RUNNING}
    inside = {claim: place for claim, place in places if not place.host_directory and place.node in running}
    states = node_directory.states(node_directory.node_directories(engine, inside))
    missing = {claim for claim, state in states.items() if state == node_directory.MISSING}
    reach = Reach(engine, tuple(nodes))
    on_host = {claim for claim, place in places if place.host_directory and not _is_whole(place, reach)}
    return frozenset(missing | on_host)


def _is_whole(place: Place, reach: Reach) -> bool:
    directory = place.host_directory
    if not place.answers:
        return False
    try:
        names = reach.names(directory)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return not is_half_restored(directory, reach.names) and bool(names or not _was_set_aside(directory, reach))


def _was_set_aside(directory: str, reach: Reach) -> bool:
    """Also if this user cannot know it: it has no data then."""
    above, beginning = os.path.split(set_aside(directory, ""))
    try:
        return any(name.startswith(beginning) for name in reach.names(above))
    except OSError:
        return True
