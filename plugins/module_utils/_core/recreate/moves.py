# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where volumes go whose node is not part of the new cluster: to a node with their directory, or with an archive."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import data_place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE, WORKER, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, renamed_affinity
from ansible_collections.kindlab.volumes.plugins.module_utils._core.names.map import expanded
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place


@dataclass(frozen=True)
class Moves:
    """node_map: old node -> new node, as volume_restore takes it. volumes: those that it concerns.

    as_moved: all volumes, with the nodes of the new cluster.
    """

    node_map: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    as_moved: tuple[Volume, ...] = ()


def plan_moves(
    volumes: Iterable[Volume],
    directories: Mapping[str, str],
    nodes: Sequence[Node],
    node_map: Mapping[str, str],
    *,
    cluster: str,
    archived: Collection[str],
) -> Moves:
    """The nodes that take the volumes of nodes that go away.

    directories: volume's name -> its host directory so far, '' for data inside a node. nodes: of the new cluster.
    node_map: what was requested; other nodes are mapped to one of the same role that has the same host directories, or,
    if their volumes are archived, to the first one of that role. Raises BadInput for an impossible node_map.
    """
    volumes = tuple(volumes)
    names = {node.name for node in nodes}
    node_map = expanded("node_map", node_map, {name for volume in volumes for name in volume.nodes})
    _check(node_map, {name for volume in volumes for name in volume.nodes}, names, cluster)
    chosen = dict(node_map)
    for old in sorted({name for volume in volumes for name in volume.nodes} - names - chosen.keys()):
        # A volume that another of its nodes can have stays with that.
        own = [v for v in volumes if old in v.nodes and not names & {chosen.get(name, name) for name in v.nodes}]
        target = _target(old, own, directories, nodes, cluster, archived)
        if own and target:
            chosen[old] = target
    moved = tuple(_moved(volume, chosen) for volume in volumes)
    targets = {
        new.name: chosen[name]
        for old_volume, new in zip(volumes, moved)
        for name in old_volume.nodes
        if name in chosen and old_volume.nodes != new.nodes
    }
    used = {name: new for name, new in chosen.items() if name in {n for v in volumes for n in v.nodes}}
    return Moves(used, targets, moved)


def places_of(
    moves: Moves, directories: Mapping[str, str], nodes: Sequence[Node], archived: Collection[str]
) -> dict[str, Place]:
    """Volume's name -> the place of its data in the new cluster, of those volumes that have one."""
    having = [v for v in moves.as_moved if has_data(v, directories, archived)]
    found = {v.name: data_place(v, nodes, archives=v.name in archived) for v in having}
    return {name: place for name, place in found.items() if isinstance(place, Place)}


def has_data(volume: Volume, directories: Mapping[str, str], archived: Collection[str]) -> bool:
    """True if a restore brings the volume's data back, or finds it: data elsewhere is left where it is."""
    return bool(not volume.is_block and (directories.get(volume.name) or volume.name in archived))


def collisions(
    places: Mapping[str, Place], directories: Mapping[str, str], moved: Collection[str]
) -> dict[str, list[str]]:
    """Volume that moves -> other volumes that would be in its directory in the new cluster, and were not before."""
    where = {name: (place.host_directory or place.node, place.node_directory) for name, place in places.items()}
    found: dict[str, list[str]] = {}
    for name in sorted({*moved} & where.keys()):
        before = directories.get(name)
        others = [n for n in where if n != name and _same(where[n], where[name])]
        found[name] = sorted(n for n in others if not before or directories.get(n) != before)
    return {name: others for name, others in found.items() if others}


def move_rows(moves: Moves, directories: Mapping[str, str], places: Mapping[str, Place]) -> dict[str, dict[str, str]]:
    """Volume's name -> the node it moves to, and the directory that its data is brought to, for the plan.

    Those that neither move nor get another directory are left out.
    """
    rows = {}
    for name, place in places.items():
        brought = directories[name] != place.host_directory or (name in moves.volumes and not place.host_directory)
        if brought or name in moves.volumes:
            rows[name] = {"node": moves.volumes.get(name, ""), "directory": place.text() if brought else ""}
    return rows


def missing_step(volume: Volume, nodes: Sequence[Node], cluster: str) -> str:
    """What to do about a volume that no node of the new cluster takes."""
    old = next(iter(volume.nodes), "")
    targets = [node.name for node in _candidates(old, nodes, cluster)] or [n.name for n in nodes if n.takes_pods]
    target = targets[0] if targets else nodes[0].name
    archive = f"Set data=archive to bring its data to {target}" if _candidates(old, nodes, cluster) else ""
    mapped = f"set node_map to {{{old}: {target}}}{'' if archive else ' (and data=archive, if it lacks the directory)'}"
    steps = [step for step in (archive, mapped, f"keep {old} in options") if step]
    text = f"{', '.join(steps[:-1])}, or {steps[-1]}."
    return text[0].upper() + text[1:]


def role_of(name: str, cluster: str) -> str:
    """The role in the name that kind gives to a node, '' for another name."""
    match = re.fullmatch(rf"{re.escape(cluster)}-({CONTROL_PLANE}|{WORKER})\d*", name)
    return match[1] if match else ""


def _moved(volume: Volume, node_map: Mapping[str, str]) -> Volume:
    names = dict.fromkeys(node_map.get(name, name) for name in volume.nodes)
    return replace(volume, nodes=tuple(names), required=renamed_affinity(volume.required, node_map))


def _same(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return one == other or (one[0].startswith("/") and one[0] == other[0])


def _check(node_map: Mapping[str, str], old: set[str], new: set[str], cluster: str) -> None:
    if unknown := sorted({*node_map.values()} - new):
        raise BadInput(
            f"node_map names nodes that the new cluster does not have: {listed(unknown)}. Nothing was changed.",
            next_step=f"Use its nodes as values: {', '.join(sorted(new))}.",
        )
    if strange := sorted(name for name in node_map if name not in old and not role_of(name, cluster)):
        raise BadInput(
            f"node_map maps nodes that no volume has: {listed(strange)}. Nothing was changed.",
            next_step=f"Use nodes of volumes as keys: {', '.join(sorted(old)) or 'there are none'}.",
        )


def _candidates(old: str, nodes: Sequence[Node], cluster: str) -> list[Node]:
    role = role_of(old, cluster)
    return sorted((n for n in nodes if n.takes_pods and n.role == role), key=lambda n: (len(n.name), n.name))


def _target(
    old: str,
    volumes: Sequence[Volume],
    directories: Mapping[str, str],
    nodes: Sequence[Node],
    cluster: str,
    archived: Collection[str],
) -> str:
    """The node that takes all of these volumes, '' for none: the one that has the most of their directories."""
    found = []
    for node in _candidates(old, nodes, cluster):
        left = [v.name for v in volumes if v.node_directory and not _has(v, node, directories)]
        if all(name in archived for name in left):
            found.append((len(left), node.name))
    return min(found, key=lambda pair: pair[0])[1] if found else ""


def _has(volume: Volume, node: Node, directories: Mapping[str, str]) -> bool:
    """True if a node has the host directory of a volume where the volume looks for it; others are not considered."""
    before = directories.get(volume.name)
    return before is None or (bool(before) and node.host_directory(volume.node_directory) == before)
