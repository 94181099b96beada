# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the data of a volume is, and where it may be: one directory of the host, or one of a single node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.related import Related
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place, volume_places


class Refused(Exception):
    """Why one volume cannot be copied or moved, and the next step."""

    def __init__(self, why: str, next_step: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.next_step = next_step


def data_of(volume: Volume, nodes: Sequence[Node]) -> Place:
    """The directory of a volume's data. Raises Refused if there is none, or not the same one on all of its nodes."""
    if volume.is_block or not volume.node_directory:
        what = "it is a block device" if volume.is_block else f"its data is not in a directory ({volume.source})"
        raise Refused(what, "Copy its data with the means of its storage, or select other volumes.")
    found = volume_places(volume, nodes)
    if not found:
        raise Refused("no node of the cluster fits its node affinity", f"kubectl describe pv {volume.name}")
    for place in found:
        if place.mismatch:
            raise Refused(place.mismatch, place.remedy)
    if len({place.host_directory or place.node for place in found}) > 1:
        told = listed((place.text() for place in found), 3)
        raise Refused(f"its nodes have different directories: {told}", "Choose a node that has the data, or a mount.")
    _check_runs(found[0], nodes)
    return found[0]


def place_of(volume: Volume, nodes: Sequence[Node]) -> Place:
    """The directory of a volume that is to be created: one that can be written to. Raises Refused."""
    place = data_of(volume, nodes)
    mount = next((node.mount_of(place.node_directory) for node in nodes if node.name == place.node), None)
    if mount is not None and (mount.read_only or mount.kind == "tmpfs"):
        how = "read-only" if mount.read_only else "as a tmpfs"
        raise Refused(f"{place.node} has {mount.node_path} mounted {how}", "Choose another node.")
    return place


def key_of(place: Place) -> str:
    """What is the same for two places if they are one directory."""
    return place.host_directory or f"{place.node}:{place.node_directory}"


def owners(volumes: Iterable[Volume], nodes: Sequence[Node]) -> Related:
    """The directories of all volumes."""
    return Related(
        (key_of(place), volume.name, f"volume {volume.name}")
        for volume in volumes
        for place in volume_places(volume, nodes)
    )


def _check_runs(place: Place, nodes: Iterable[Node]) -> None:
    node = next(node for node in nodes if node.name == place.node)
    if not place.host_directory and node.state != "running":
        raise Refused(f"{node.name} is {node.state}", "Start it: kindlab.volumes.kind_cluster.")
