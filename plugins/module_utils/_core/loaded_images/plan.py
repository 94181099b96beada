# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan which images of the nodes are saved: each content once, from one node that has all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline

from .content import Content, NodeImages, Target, content_of
from .index import SavedImage, archive_of

LOADED, ALL, NONE = MODES = ("loaded", "all", "none")


@dataclass(frozen=True)
class Source:
    """Where a content is read."""

    node: str
    target: Target
    content: Content
    names: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """images: the index; sources: by digest, of the archives that are not there yet."""

    images: tuple[SavedImage, ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)

    @property
    def index(self) -> list[dict[str, Any]]:
        """The field loaded_images of a generation."""
        return [image.as_dict() for image in self.images]

    @property
    def bytes(self) -> int:
        """How much is written."""
        return sum(source.content.bytes for source in self.sources.values())


def chosen(looks: Mapping[str, NodeImages], mode: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """{digest: {name: nodes}} of what is saved."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for node, look in looks.items():
        for name, target in look.names.items():
            if mode != NONE and not look.is_own(name) and (mode == ALL or not look.is_pulled(name)):
                nodes = found.setdefault(target.digest, {})
                nodes[name] = (*nodes.get(name, ()), node)
    return found


def plan(
    looks: Mapping[str, NodeImages], mode: str, stored: Mapping[str, int], free: int, path: str, engine: str
) -> Plan:
    """stored: the size of each content whose archive is there, by digest; free: bytes of the disk of path.

    Raises Declined for content that no node has completely, and if the archives do not fit on the disk.
    """
    images: list[SavedImage] = []
    sources: dict[str, Source] = {}
    refusals: list[Refusal] = []
    load: dict[str, int] = dict.fromkeys(looks, 0)
    for digest, names in sorted(chosen(looks, mode).items()):
        holders = sorted({node for nodes in names.values() for node in nodes}, key=lambda node: (load[node], node))
        contents = {node: content_of(looks[node].blobs, digest) for node in holders}
        whole = next((node for node in holders if not contents[node].missing), "")
        is_own = all(digest in looks[node].own_digests for node in holders)
        if digest in stored or whole:
            size = stored[digest] if digest in stored else contents[whole].bytes
            images.extend(_rows(digest, names, size, archive_of(digest)))
        elif is_own:
            images.extend(_rows(digest, names, 0, ""))
        else:
            refusals.append(_incomplete(looks, next(iter(names)), holders, contents, engine))
        if whole and digest not in stored:
            target = looks[whole].names[next(name for name, nodes in names.items() if whole in nodes)]
            sources[digest] = Source(whole, target, contents[whole], tuple(names))
            load[whole] += contents[whole].bytes
    planned = Plan(tuple(images), sources)
    if planned.bytes > free:
        why = f"its disk has {free:,} bytes free, and {planned.bytes:,} are needed for {len(sources)} images"
        refusals.append(
            Refusal(path, why, f"Free some space (df -h {path}), set path to a larger disk, or set images=none.")
        )
    decline("The images in the nodes cannot be saved", refusals)
    return planned


def _rows(digest: str, names: Mapping[str, Sequence[str]], size: int, archive: str) -> Iterable[SavedImage]:
    """A row for all names that the same nodes have."""
    by_nodes: dict[tuple[str, ...], list[str]] = {}
    for name, nodes in sorted(names.items()):
        by_nodes.setdefault(tuple(sorted(nodes)), []).append(name)
    return [SavedImage(tuple(group), digest, nodes, size, archive) for nodes, group in by_nodes.items()]


def _incomplete(
    looks: Mapping[str, NodeImages], name: str, nodes: Sequence[str], contents: Mapping[str, Content], engine: str
) -> Refusal:
    node = min(nodes, key=lambda node: len(contents[node].missing))
    missing = contents[node].missing
    why = (
        f"no node has all of its content: {node} lacks {missing[0]}"
        f"{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}. "
        "The container runtime discards layers that it has unpacked"
    )
    if looks[node].is_pulled(name):
        step = (
            f"Let kubelet pull it again (images=loaded), or complete it: "
            f"{engine} exec {node} ctr --namespace=k8s.io content fetch {name}"
        )
    else:
        step = (
            "Leave images out (images=none), or import it again, from the engine for example: "
            f"{engine} save {name} | {engine} exec -i {node} ctr --namespace=k8s.io images import -"
        )
    return Refusal(name, why, step, {"digest": looks[node].names[name].digest, "nodes": list(nodes)})
