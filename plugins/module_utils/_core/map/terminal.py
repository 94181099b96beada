# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A map as text for a terminal, of any width, in colours if that is asked for."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import printable

from .compare import sums
from .words import (
    MANY,
    Place,
    backup_text,
    brief,
    called,
    namespaces,
    node_facts,
    node_text,
    places,
    saved_text,
    seen_text,
    tally_text,
    where_text,
    written_text,
)

_COLORS = {"yes": "32", "no": "31", "unknown": "33", "title": "1"}
# Lost volumes of a place with many that are shown one by one.
_SHOWN = 20


class _Writer:
    """Lines of at most so many characters; what is longer goes on in the next one, further to the right."""

    def __init__(self, width: int, *, color: bool) -> None:
        self.lines: list[str] = []
        self._width = width
        self._color = color

    def add(self, depth: int, text: str, color: str = "") -> None:
        """depth: of the indentation."""
        indent = "  " * depth
        wrapped = textwrap.wrap(
            printable(text), max(20, self._width - len(indent)), subsequent_indent="    ", break_on_hyphens=False
        )
        for line in wrapped or [""]:
            code = _COLORS.get(color, "") if self._color else ""
            self.lines.append(f"{indent}\x1b[{code}m{line}\x1b[0m" if code else f"{indent}{line}".rstrip())


def as_text(lab: Mapping[str, Any], changed: Sequence[Object] | None, width: int, *, color: bool) -> str:
    """changed: what differs from an earlier map, None if there is none."""
    out = _Writer(width, color=color)
    out.add(0, f"Map, created {lab['created']}")
    for host in lab["hosts"]:
        for cluster in host["clusters"]:
            out.lines.append("")
            _cluster(out, cluster, f"{host['engine']} on {host['name']}")
    if changed is not None:
        out.lines.append("")
        _changes(out, changed)
    return "\n".join([*out.lines, ""])


def _cluster(out: _Writer, cluster: Mapping[str, Any], where: str) -> None:
    out.add(0, f"{cluster['name']}: {cluster['state']}, {where}", "title")
    out.add(1, cluster["problem"] or cluster["summary"])
    if not cluster["problem"]:
        out.add(1, backup_text(cluster["backup"]))
    for node in cluster["nodes"]:
        out.add(1, f"{node['name']}: {node_text(node)}")
        for line in node_facts(node):
            out.add(2, line)
    for place in places(cluster):
        out.add(1, f"{place.title()}: {tally_text(place.volumes)}", "title")
        _place(out, place)
    for claim in cluster["claims"]:
        out.add(1, f"The claim {claim['claim']} is {claim['phase']}: it has no volume")
    for orphan in cluster["orphans"]:
        taken = seen_text(orphan["seen"])
        out.add(1, f"No volume has {orphan['host_directory']}{f', {taken}' if taken else ''}", "unknown")
    for warning in cluster["warnings"]:
        out.add(1, f"Warning: {warning}")


def _place(out: _Writer, place: Place) -> None:
    shown = list(place.volumes)
    if len(shown) > MANY:
        for namespace, volumes in namespaces(shown).items():
            out.add(2, f"{namespace or 'without a claim'}: {tally_text(volumes)}")
        lost = [volume for volume in shown if volume["survives"] != "yes"]
        shown = lost[:_SHOWN]
        if len(lost) > _SHOWN:
            out.add(2, f"{len(lost)} of them may be lost; the first {_SHOWN}:")
    for volume in shown:
        _volume(out, volume)


def _volume(out: _Writer, volume: Mapping[str, Any]) -> None:
    users = ", ".join((*volume["workloads"], *volume["pods"])) or "no pod"
    kept = "survives" if volume["survives"] == "yes" else f"survives: {volume['survives']}"
    out.add(2, f"{called(volume)}: {brief(volume)}, {kept}", volume["survives"])
    out.add(3, "; ".join(filter(None, (where_text(volume), written_text(volume)))))
    out.add(3, f"used by {users}; {saved_text(volume)}")
    if volume["survives"] != "yes":
        out.add(3, f"{volume['survives_why']}. {volume['survives_next_step']}".rstrip(". ") + ".")


def _changes(out: _Writer, rows: Sequence[Object]) -> None:
    out.add(0, f"Since the map before: {sums([*rows])}", "title")
    for row in rows:
        out.add(1, f"{row['what']} of {row['cluster']} {row['change']}")
        for sign, side in (("-", "before"), ("+", "after")):
            for line in row[side]:
                out.add(2, f"{sign} {line}")
