# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A map as a Mermaid flowchart for a document: nodes and directories of the host with their volumes, and pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import printable

from .compare import sums
from .words import MANY, Place, brief, called, namespaces, node_text, places, saved_text, tally, tally_text

_CLASSES = (
    "classDef yes fill:#d9f2df,stroke:#1d7a36,color:#0b3d17",
    "classDef no fill:#fbd9d7,stroke:#b3261e,color:#6b0f0a",
    "classDef unknown fill:#fdeebf,stroke:#8a6a00,color:#4d3800",
)
_LINE = "<br/>"


class _Ids:
    """Names of what is drawn: n0, n1 and so on."""

    def __init__(self) -> None:
        self._count = 0

    def new(self) -> str:
        """The next one."""
        self._count += 1
        return f"n{self._count - 1}"


def as_mermaid(lab: Mapping[str, Any], changed: Sequence[Object] | None) -> str:
    """changed: what differs from an earlier map, None if there is none."""
    lines = [f"%% created {_code(lab['created'])}", "flowchart LR", *(f"  {line}" for line in _CLASSES)]
    ids = _Ids()
    for host in lab["hosts"]:
        for cluster in host["clusters"]:
            head = f"{cluster['name']} on {host['name']}: {cluster['problem'] or cluster['summary']}"
            lines.append(f"  subgraph {ids.new()}[{_label(head)}]")
            lines += (f"    {line}" for line in _cluster(cluster, ids))
            lines.append("  end")
    if changed is not None:
        lines.append(f"  {ids.new()}[{_label(f'Since the map before: {sums([*changed])}')}]")
        rows = [f"{row['what']} {row['change']}" for row in changed]
        lines += (f"  {ids.new()}[{_label(row)}]" for row in rows[:MANY])
    return "\n".join([*lines, ""])


def _cluster(cluster: Mapping[str, Any], ids: _Ids) -> Iterator[str]:
    shown: dict[str, str] = {}
    found = places(cluster)
    for node in cluster["nodes"]:
        yield f"subgraph {ids.new()}[{_label(node['name'], node_text(node))}]"
        pods = [pod for pod in cluster["pods"] if pod["node"] == node["name"]]
        for pod in pods if len(pods) <= MANY else ():
            name = f"{pod['namespace']}/{pod['name']}"
            shown[name] = ids.new()
            yield f"  {shown[name]}({_label('pod', name)})"
        if len(pods) > MANY:
            yield f"  {ids.new()}({_label(f'{len(pods)} pods with volumes')})"
        for place in found:
            if (place.kind, place.name) == ("node", node["name"]):
                yield from (f"  {line}" for line in _place(place, ids, shown))
        if not pods and not any(place.name == node["name"] for place in found):
            yield f"  {ids.new()}({_label('no pod with a volume')})"
        yield "end"
    names = {node["name"] for node in cluster["nodes"]}
    for place in found:
        if place.kind != "node" or place.name not in names:
            yield f"subgraph {ids.new()}[{_label(place.title())}]"
            yield from (f"  {line}" for line in _place(place, ids, shown))
            yield "end"


def _place(place: Place, ids: _Ids, pods: Mapping[str, str]) -> Iterator[str]:
    if len(place.volumes) > MANY:
        for namespace, volumes in namespaces(place.volumes).items():
            found = tally(volumes)
            worst = next((state for state in ("no", "unknown") if found[state]), "yes")
            yield f"{ids.new()}[({_label(namespace or 'without a claim', tally_text(volumes))})]:::{worst}"
        return
    for volume in place.volumes:
        own = ids.new()
        yield f"{own}[({_label(called(volume), brief(volume), saved_text(volume))})]:::{volume['survives']}"
        for pod in volume["pods"]:
            if pod in pods:
                yield f"{pods[pod]} --> {own}"


def _label(*lines: str) -> str:
    return f'"{_LINE.join(map(_code, lines))}"'


def _code(text: str) -> str:
    """Text without anything that Mermaid, or a browser, takes for more than text."""
    return "".join(char if char.isalnum() or char in " -_./:,()+=" else f"#{ord(char)};" for char in printable(text))
