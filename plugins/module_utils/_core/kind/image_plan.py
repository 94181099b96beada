# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of kind_image: which images are loaded into which nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import Image, engine_image
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_not_empty
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .nodes import Node, kubernetes_nodes
from .spec import checked_name


@dataclass(frozen=True)
class Request:
    """The options of kind_image, checked. nodes: () for all."""

    cluster: str
    images: tuple[str, ...]
    archives: tuple[str, ...]
    nodes: tuple[str, ...]

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """Check the options. Raises BadInput."""
        check_not_empty(options, "nodes")
        images, archives, nodes = (tuple(dict.fromkeys(options.get(o) or ())) for o in ("images", "archives", "nodes"))
        if not images and not archives:
            raise BadInput("images and archives are both empty.", next_step="Name at least one image or archive.")
        return cls(checked_name(options["cluster"]), images, archives, nodes)


@dataclass(frozen=True)
class Source:
    """A requested image of the engine, or a requested archive with its images."""

    name: str
    images: tuple[Image, ...]
    is_archive: bool = False

    def is_in(self, listing: Mapping[str, str]) -> bool:
        """True if a node has all of its images."""
        return all(image.is_in(listing) for image in self.images)


@dataclass(frozen=True)
class Observed:
    """image_ids: of the requested images, None for one that the engine does not have; archives: their images.

    listings: {node: {image name: digest}} of the requested nodes.
    """

    engine: str
    image_ids: Mapping[str, str | None]
    archives: Mapping[str, tuple[Image, ...]]
    listings: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Plan:
    """missing: the nodes that lack a source, by its name."""

    sources: tuple[Source, ...]
    nodes: frozenset[str]
    missing: Mapping[str, tuple[str, ...]]

    @property
    def changed_nodes(self) -> tuple[str, ...]:
        """The nodes that something is loaded into."""
        return tuple(dict.fromkeys(node for nodes in self.missing.values() for node in nodes))

    def passes(self) -> dict[tuple[str, ...], list[str]]:
        """Images of the engine, by the nodes that lack them: each group is saved and loaded at once."""
        groups: dict[tuple[str, ...], list[str]] = {}
        for source in self.sources:
            if not source.is_archive and self.missing[source.name]:
                groups.setdefault(self.missing[source.name], []).append(source.name)
        return groups

    def archives(self) -> dict[str, tuple[str, ...]]:
        """Archives, with the nodes that lack them."""
        archives = (source.name for source in self.sources if source.is_archive)
        return {name: self.missing[name] for name in archives if self.missing[name]}

    def still_missing(self, listings: Mapping[str, Mapping[str, str]]) -> list[str]:
        """The sources that are not in all of their nodes according to newer listings."""
        return [s.name for s in self.sources if not all(s.is_in(listings[n]) for n in self.missing[s.name])]

    def diff(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The nodes that have each source, before and after."""
        return (
            {name: sorted(self.nodes.difference(nodes)) for name, nodes in self.missing.items()},
            {name: sorted(self.nodes) for name in self.missing},
        )

    def result(self) -> dict[str, Any]:
        """What the module returns."""
        return {
            "images": [
                {
                    "source": source.name,
                    "names": [name for image in source.images for name in image.plain_names],
                    "ids": [image.digest for image in source.images],
                    "loaded": sorted(self.missing[source.name]),
                    "present": sorted(self.nodes.difference(self.missing[source.name])),
                }
                for source in self.sources
            ]
        }


def target_nodes(request: Request, nodes: Sequence[Node], engine: str) -> tuple[str, ...]:
    """The names of the requested nodes. Raises BadInput if one does not exist or does not run."""
    existing = {node.name: node for node in kubernetes_nodes(nodes)}
    if not existing:
        raise BadInput(
            f"Kind cluster {request.cluster} does not exist.",
            tried=f"{engine} ps --all --filter label=io.x-k8s.kind.cluster={request.cluster}",
            next_step="Create it with kindlab.volumes.kind_cluster, or correct cluster.",
        )
    for name in request.nodes or existing:
        if name not in existing:
            raise BadInput(
                f"Node {name} is not part of cluster {request.cluster}.", next_step=f"Use {listed(sorted(existing))}."
            )
        if existing[name].state != "running":
            raise BadInput(
                f"Node {name} is not running, it is {existing[name].state}.",
                next_step="Start the cluster: kindlab.volumes.kind_cluster with state=present.",
            )
    return request.nodes or tuple(existing)


def plan(request: Request, observed: Observed) -> Plan:
    """Load each source into the nodes that lack it. Raises BadInput if the engine does not have an image."""
    images = [Source(name, (engine_image(name, _id(name, observed)),)) for name in request.images]
    archives = [Source(path, observed.archives[path], is_archive=True) for path in request.archives]
    listings, sources = observed.listings, (*images, *archives)
    missing = {s.name: tuple(node for node in listings if not s.is_in(listings[node])) for s in sources}
    return Plan(sources, frozenset(listings), missing)


def _id(name: str, observed: Observed) -> str:
    image_id, engine = observed.image_ids[name], observed.engine
    if image_id is None:
        raise BadInput(
            f"{engine} has no image {name}.",
            tried=f"{engine} image inspect {name}",
            next_step=f"Pull it ({engine} pull {name}), build it, or load it from an archive (archives).",
        )
    return image_id
