# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables of the page: all volumes with everything that is known of them, and what is left over or changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.compare import sums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.words import (
    MANY,
    MARKS,
    called,
    policy_text,
    saved_text,
    seen_text,
    size_text,
    where_text,
    written_text,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count

from .picture import name

_COLUMNS = ("Claim", "Survives", "Why", "Where the data is", "Size", "Used by", "Last saved", "Policy", "Volume")


def time(at: str) -> str:
    """A time, to which the script adds how long ago that was."""
    return f'<time datetime="{escape(at)}">{escape(at)}</time>' if at else ""


def with_time(text: str, at: str) -> str:
    """A text that contains a time."""
    before, found, after = text.partition(at) if at else (text, "", "")
    return f"{name(before)}{time(found)}{name(after)}"


def volumes_table(cluster: Mapping[str, Any], ids: Mapping[int, str]) -> Iterator[str]:
    """ids: of the rows, by id() of volumes."""
    volumes = sorted(cluster["volumes"], key=called)
    if not volumes:
        return
    shown = " open" if len(volumes) <= MANY else ""
    yield f"<details{shown}><summary>{count(len(volumes), 'volume')} of {name(cluster['name'])} in a table</summary>"
    yield from _table(f"Volumes of {cluster['name']}", _COLUMNS, (_row(volume, ids[id(volume)]) for volume in volumes))
    yield "</details>"


def left_table(cluster: Mapping[str, Any]) -> Iterator[str]:
    """Directories without a volume, and claims without one."""
    rows = [
        (
            name(orphan["host_directory"]),
            "a directory without a volume",
            name(orphan["claim"]),
            seen_text(orphan["seen"]),
        )
        for orphan in cluster["orphans"]
    ]
    rows += [
        (name(claim["claim"]), f"a claim without a volume, {escape(claim['phase'])}", name(claim["volume"]), "")
        for claim in cluster["claims"]
    ]
    if rows:
        yield "<h3>Left over, or waiting</h3>"
        head = ("What", "It is", "Made for, or waits for", "Size")
        yield from _table(f"Left over in {cluster['name']}", head, (f"<tr>{_cells(row)}</tr>" for row in rows))


def changes_section(rows: Sequence[Object]) -> Iterator[str]:
    """What differs from an earlier map."""
    yield f'<section id="changes"><h2>Since the map before: {escape(sums([*rows]))}</h2>'
    if rows:
        told = (
            (*(name(row[key]) for key in ("what", "cluster", "change")), _lines(row["before"]), _lines(row["after"]))
            for row in rows
        )
        head = ("What", "Cluster", "Change", "Before", "After")
        yield from _table("Changes", head, (f"<tr>{_cells(row)}</tr>" for row in told))
    yield "</section>"


def _table(label: str, head: Iterable[str], rows: Iterable[str]) -> Iterator[str]:
    yield f'<div class="table" role="region" tabindex="0" aria-label="{escape(label)}"><table><thead><tr>'
    yield from (f"<th scope=col>{escape(title)}</th>" for title in head)
    yield "</tr></thead><tbody>"
    yield from rows
    yield "</tbody></table></div>"


def _cells(cells: Sequence[str]) -> str:
    return f"<th scope=row>{cells[0]}</th>" + "".join(f"<td>{cell}</td>" for cell in cells[1:])


def _lines(lines: Iterable[str]) -> str:
    return "<br>".join(map(name, lines))


def _row(volume: Mapping[str, Any], own: str) -> str:
    kind = volume["survives"]
    steps = [line for line in (volume["survives_why"], volume["survives_next_step"], volume["mismatch"]) if line]
    changed = volume["seen"].get("changed", "")
    size = [name(size_text(volume)), with_time(written_text(volume), changed) if volume["seen"] else ""]
    cells = (
        name(called(volume)),
        f'<span class="mark {kind}">{MARKS[kind]}</span> {kind}',
        _lines(steps),
        name(where_text(volume)),
        "<br>".join(filter(None, size)),
        _lines((*volume["workloads"], *(f"pod {pod}" for pod in volume["pods"]))) or "no pod",
        _saved(volume),
        escape(policy_text(volume)),
        name(volume["name"]),
    )
    return f'<tr id="{own}" data-survives="{kind}">{_cells(cells)}</tr>'


def _saved(volume: Mapping[str, Any]) -> str:
    return with_time(saved_text(volume), volume["backup"].get("created", ""))
