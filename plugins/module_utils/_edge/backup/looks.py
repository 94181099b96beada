# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at the directories of volumes before anything is changed: whether they exist, can be read, and their size."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import (
    MISSING,
    OTHER,
    Look,
    elsewhere,
    may_be_unused,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, is_below
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place, volume_places
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import node_directory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.look import lacking, look_at
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import (
    NodeDirectory,
    Source,
    node_directories,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.ways import Reach, host_sources, in_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.directory import is_half_restored
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

# Volume's name -> where its data is read.
Sources = Mapping[str, Source]


def unused(pvs: Sequence[Object], claims: Iterable[Object], nodes: Sequence[Node], engine: Engine) -> set[str]:
    """The volumes that never had a claim, and have no directory on any of their nodes: they have no data."""
    by_name = {pv["metadata"]["name"]: pv for pv in pvs}
    volumes = [v for v in read_volumes(pvs, claims) if may_be_unused(v) and not elsewhere(v, by_name[v.name])]
    running = {node.name for node in nodes if node.state == RUNNING}
    found = {volume.name: volume_places(volume, nodes) for volume in volumes}
    inside = {(p.node, p.node_directory): p for own in found.values() for p in own if not p.host_directory}
    looked = {key: place for key, place in inside.items() if place.node in running}
    directories = {f"{node}:{path}": place for (node, path), place in looked.items()}
    states = node_directory.states(node_directories(engine, directories)) if directories else {}

    def is_missing(place: Place) -> bool:
        if place.host_directory:
            return not place.mismatch and look_at(place.host_directory, every=False).state == MISSING
        return states.get(f"{place.node}:{place.node_directory}") == MISSING

    return {name for name, own in found.items() if own and all(map(is_missing, own))}


def sources(places: Mapping[str, Place], nodes: Iterable[Node], engine: Engine) -> dict[str, Source]:
    """Volume's name -> where its data is read, on the host behind a symbolic link that a node mounts."""
    mounted = {os.path.normpath(m.host_path) for node in nodes for m in node.mounts if m.kind == "bind"}
    paths = {name: place.host_directory for name, place in places.items() if not place.node}
    on_host = {name: os.path.realpath(path) if path in mounted else path for name, path in paths.items()}
    return {**on_host, **node_directories(engine, {n: place for n, place in places.items() if place.node})}


def readable_sources(places: Mapping[str, Place], nodes: Iterable[Node], engine: Engine) -> dict[str, Source]:
    """The same; what this user may not read on the host is read in a node that has it mounted."""
    nodes = tuple(nodes)
    found = sources(places, nodes, engine)
    return {**found, **host_sources({n: path for n, path in found.items() if isinstance(path, str)}, nodes, engine)}


def directory_faults(places: Mapping[str, Place], nodes: Iterable[Node], engine: Engine) -> dict[str, str]:
    """Volume's name -> what is wrong with its directory, for those that are missing or no directory."""
    found = sources(places, nodes, engine)
    states = {name: look_at(source, every=False).state for name, source in found.items() if isinstance(source, str)}
    inside = {name: source for name, source in found.items() if isinstance(source, NodeDirectory)}
    texts = {MISSING: "is missing", OTHER: "is not a directory"}
    return {
        name: f"its directory {places[name].text()} {texts[state]}"
        for name, state in {**states, **node_directory.states(inside)}.items()
        if state in texts
    }


@dataclass(frozen=True)
class Data:
    """The data of a plan. By volume's name: sources, where it is read; looks, what is found there.

    through: directories of the host that are read in a node, because this user may not read them there.
    """

    sources: Sources
    looks: Mapping[str, Look]
    through: Mapping[str, Place] = field(default_factory=dict)


def find_data(plan: Plan, nodes: Iterable[Node], engine: Engine) -> Data:
    """The data that a plan saves. Raises Declined for what cannot be saved, BadInput if the backup is part of it."""
    nodes = tuple(nodes)
    found = sources(plan.places, nodes, engine)
    # A symbolic link may lead there.
    real = os.path.realpath(plan.request.path)
    for name, source in found.items():
        if isinstance(source, str) and is_below(real, os.path.realpath(source)):
            raise plan.request.is_inside(name, source)
    looks = look(plan, found)
    on_host = {name: source for name, source in found.items() if isinstance(source, str)}
    closed = {name: path for name, path in on_host.items() if looks[name].unreadable or looks[name].lacking}
    ways = in_nodes(closed, nodes)
    inside = node_directories(engine, ways)
    looks |= look(plan, inside)
    names_in = Reach(engine, nodes).names
    for name in (name for name, path in plan.host_directories.items() if is_half_restored(path, names_in)):
        looks[name] = replace(looks[name], half_restored=True)
    plan.check(looks, ways)
    return Data({**found, **inside}, looks, ways)


def look(plan: Plan, found_at: Sources) -> dict[str, Look]:
    """What is found where data is read, by volume's name; files are looked at only if that decides something."""
    request = plan.request
    # Root may read everything.
    every = request.archives or (request.checksums != "none" and os.geteuid() != 0)
    lacks = lacking(archives=request.archives) if request.archives or request.checksums != "none" else ()
    on_host = {name: source for name, source in found_at.items() if isinstance(source, str)}
    found = {name: replace(look_at(source, every=every), lacking=lacks) for name, source in on_host.items()}
    inside = {name: source for name, source in found_at.items() if isinstance(source, NodeDirectory)}
    for name, seen in node_directory.inspect(inside).items():
        found[name] = Look(seen.state, bytes=seen.bytes, lacking=seen.lacking, devices=seen.devices)
    return found
