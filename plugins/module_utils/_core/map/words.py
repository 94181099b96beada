# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all forms of a map say of a volume, and how they group many: by where the data is, then by namespace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    ELSEWHERE,
    HOST,
    NODE,
    generation_number,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, size
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.obstacles import SURVIVES

from .model import CHANGED, EQUAL, MANIFEST

# Volumes in one place that are shown one by one.
MANY = 60
MARKS = {"yes": "\N{CHECK MARK}", "no": "\N{BALLOT X}", "unknown": "?"}
_STATES = {EQUAL: ", unchanged since", CHANGED: ", changed since", MANIFEST: ", objects only"}


@dataclass(frozen=True)
class Place:
    """Where data is. kind: host, node, elsewhere, or '' if that is not certain; name: a directory or a node."""

    kind: str
    name: str
    volumes: Sequence[Object]

    def title(self) -> str:
        """For a heading."""
        return {
            HOST: f"On the host, in {self.name}",
            NODE: f"Inside {self.name}",
            ELSEWHERE: "Outside of the cluster",
        }.get(self.kind, "Not in one certain place")


def places(cluster: Mapping[str, Any]) -> list[Place]:
    """The places of a cluster's volumes: the host's directories first, then nodes, then the rest."""
    found: dict[tuple[str, str], list[Object]] = {}
    for volume in cluster["volumes"]:
        found.setdefault((volume["data"], volume["place"]), []).append(volume)
    order = (HOST, NODE, ELSEWHERE)
    ranked = sorted(found, key=lambda key: (order.index(key[0]) if key[0] in order else len(order), key[1]))
    return [Place(*key, sorted(found[key], key=called)) for key in ranked]


def namespaces(volumes: Iterable[Object]) -> dict[str, list[Object]]:
    """Volumes by the namespace of their claims; '' for those without one."""
    found: dict[str, list[Object]] = {}
    for volume in volumes:
        found.setdefault(volume["claim"].partition("/")[0], []).append(volume)
    return dict(sorted(found.items()))


def called(volume: Mapping[str, Any]) -> str:
    """What people call a volume: by its claim."""
    return str(volume["claim"] or volume["name"])


def tally(volumes: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many survive, do not, or may not."""
    found = dict.fromkeys(SURVIVES, 0)
    for volume in volumes:
        found[volume["survives"]] += 1
    return found


def tally_text(volumes: Sequence[Mapping[str, Any]]) -> str:
    """'12 volumes: 10 survive, 2 would be lost'."""
    found = tally(volumes)
    texts = {"yes": "survives" if found["yes"] == 1 else "survive", "no": "would be lost", "unknown": "unknown"}
    return f"{count(len(volumes), 'volume')}: {', '.join(f'{found[key]} {texts[key]}' for key in found if found[key])}"


def seen_text(seen: Mapping[str, Any]) -> str:
    """'12 MB in 340 files'; '' if nobody looked."""
    if not seen:
        return ""
    return f"{_at_least(seen)}{size(seen.get('bytes', 0))} in {count(seen.get('files', 0), 'file')}"


def size_text(volume: Mapping[str, Any]) -> str:
    """'12 MB of 1Gi'."""
    seen, asked = volume["seen"], volume["capacity"] or "an unknown size"
    if not seen:
        return f"{asked} requested"
    return f"{_at_least(seen)}{size(seen.get('bytes', 0))} of {asked}"


def brief(volume: Mapping[str, Any]) -> str:
    """'12 MB of 1Gi, Released'."""
    return f"{size_text(volume)}, {volume['phase']}" if volume["phase"] not in ("", "Bound") else size_text(volume)


def written_text(volume: Mapping[str, Any]) -> str:
    """'340 files, written 2026-01-02T03:04:05Z'; '' if nobody looked."""
    seen = volume["seen"]
    if not seen:
        return ""
    written = f", written {seen['changed']}" if seen.get("changed") else ""
    return f"{_at_least(seen)}{count(seen.get('files', 0), 'file')}{written}"


def _at_least(seen: Mapping[str, Any]) -> str:
    return "" if seen.get("complete") else "more than "


def where_text(volume: Mapping[str, Any]) -> str:
    """The directory on the host, or the one in nodes, or the source."""
    inside = ", ".join(volume["nodes"]) or volume["place"] or "any node"
    return str(
        volume["host_directory"]
        or (f"{volume['node_directory']} in {inside}" if volume["node_directory"] else volume["location"])
    )


def saved_text(volume: Mapping[str, Any]) -> str:
    """'generation 3 of 2026-01-02T03:04:05Z, unchanged since'."""
    saved = volume["backup"]
    if not saved:
        return "in no backup"
    since = _STATES.get(saved.get("state", ""), "")
    return f"generation {number(saved.get('generation', ''))} of {saved.get('created', '')}{since}"


def number(generation: str) -> str:
    """The number of a generation, by its name."""
    return str(generation_number(generation) or generation)


def policy_text(volume: Mapping[str, Any]) -> str:
    """'Retain, Bound'."""
    return ", ".join(filter(None, (volume["reclaim_policy"], volume["phase"])))


def node_text(node: Mapping[str, Any]) -> str:
    """'worker, running'."""
    return ", ".join(filter(None, (node["role"], node["exit_reason"] or node["state"])))


def node_facts(node: Mapping[str, Any]) -> Iterator[str]:
    """Mounts and ports of a node, a line each."""
    for mount in node["mounts"]:
        read_only = ", read-only" if mount["read_only"] else ""
        yield f"{mount['host_path']} at {mount['node_path']}{read_only}"
    for port in node["ports"]:
        listen = f"{port['listen']}:" if port["listen"] else ""
        yield f"port {listen}{port['host_port']} to {port['node_port']}/{port['protocol']}"


def backup_text(backup: Mapping[str, Any]) -> str:
    """'last saved as generation 3 of 2026-01-02T03:04:05Z, in /srv/backup'."""
    if backup["generation"]:
        return f"last saved as generation {number(backup['generation'])} of {backup['created']}, in {backup['path']}"
    return str(backup["problem"]) or "no backup is given"
