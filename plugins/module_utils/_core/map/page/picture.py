# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of the page that are drawn: a cluster's nodes and the directories of the host, with volumes as tiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import NODE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.words import (
    MANY,
    MARKS,
    Place,
    brief,
    called,
    namespaces,
    node_facts,
    node_text,
    places,
    tally,
    tally_text,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, printable

# What is read out for a mark.
_SAID = {"yes": "survives", "no": "does not survive", "unknown": "may not survive"}
# Pods of a node that are listed at once.
_FEW = 10


def name(text: str) -> str:
    """A name whose letters, from right to left or not, do not turn what is around it."""
    return f"<bdi>{escape(printable(text))}</bdi>"


def picture(cluster: Mapping[str, Any], ids: Mapping[int, str]) -> Iterator[str]:
    """Boxes of nodes, then of the places on the host and elsewhere. ids: of the rows of volumes, by id()."""
    found = places(cluster)
    opened = len(cluster["volumes"]) <= MANY
    yield '<div class="boxes">'
    for node in cluster["nodes"]:
        own = [place for place in found if (place.kind, place.name) == (NODE, node["name"])]
        found = [place for place in found if place not in own]
        pods = [pod for pod in cluster["pods"] if pod["node"] == node["name"]]
        yield from _node(node, pods, own, ids, opened=opened)
    unscheduled = [pod for pod in cluster["pods"] if not pod["node"]]
    if unscheduled:
        yield f'<article class="box"><h3>On no node yet</h3>{"".join(_pods(unscheduled))}</article>'
    for place in found:
        yield f'<article class="box wide"><h3>{name(place.title())}</h3>'
        yield from _groups(place.volumes, ids, opened=opened)
        yield "</article>"
    yield "</div>"


def _node(
    node: Mapping[str, Any], pods: Sequence[Object], own: Sequence[Place], ids: Mapping[int, str], *, opened: bool
) -> Iterator[str]:
    yield f'<article class="box"><h3>{name(node["name"])}</h3><p class="faint">{escape(node_text(node))}</p>'
    facts = "".join(f"<li>{name(line)}</li>" for line in node_facts(node))
    yield f'<ul aria-label="Mounts and ports">{facts}</ul>' if facts else ""
    yield from _pods(pods)
    if node["pods"] > 0:
        yield f'<p class="faint">{count(node["pods"], "other pod")}</p>'
    for place in own:
        yield "<h4>Inside this node</h4>"
        yield from _groups(place.volumes, ids, opened=opened)
    yield "</article>"


def _pods(pods: Sequence[Object]) -> Iterator[str]:
    if not pods:
        return
    shown = " open" if len(pods) <= _FEW else ""
    yield f"<details{shown}><summary>{count(len(pods), 'pod')} with volumes</summary><ul>"
    for pod in pods:
        owner = f" of {pod['workload']}" if pod["workload"] else ""
        yield f"<li>{name(pod['namespace'] + '/' + pod['name'])}{name(owner)}, {name(pod['phase'])}</li>"
    yield "</ul></details>"


def _groups(volumes: Sequence[Object], ids: Mapping[int, str], *, opened: bool) -> Iterator[str]:
    """A group for each namespace; with many volumes only those are open that hold one that is lost."""
    for namespace, own in namespaces(volumes).items():
        found = tally(own)
        is_open = opened or (found["no"] > 0 and len(own) <= MANY)
        yield f'<details class="group"{" open" if is_open else ""}><summary>{name(namespace or "without a claim")}: '
        yield f"{_marks(found)}{escape(tally_text(own))}</summary><ul class=tiles>"
        for volume in own:
            yield _tile(volume, ids[id(volume)])
        yield "</ul></details>"


def _marks(found: Mapping[str, int]) -> str:
    kinds = (kind for kind, number in found.items() if number)
    return "".join(f'<span class="mark {kind}" aria-hidden=true>{MARKS[kind]}</span> ' for kind in kinds)


def _tile(volume: Mapping[str, Any], target: str) -> str:
    kind, text = volume["survives"], called(volume)
    short = text.partition("/")[2] or text
    size = brief(volume)
    label = f"{printable(text)}, {_SAID[kind]}, {size}"
    return (
        f'<li><a class="tile {kind}" href="#{target}" aria-label="{escape(label)}">{MARKS[kind]} {name(short)} '
        f"{name(size)}</a></li>"
    )
