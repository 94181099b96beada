# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kind_image: loads images into the nodes that lack them, all nodes at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import (
    Image,
    engine_image,
    read_listing,
    read_snapshotter,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import checked_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import ENGINE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine, find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.archive import images_in, opened
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.fan_out import FanOut

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    "cluster": {"type": "str", "default": "kind", "aliases": ["name"]},
    "images": {"type": "list", "elements": "str"},
    "archives": {"type": "list", "elements": "path"},
    "nodes": {"type": "list", "elements": "str"},
}
RULES: dict[str, Any] = {"required_one_of": [("images", "archives")]}

T = TypeVar("T")
CTR = ("ctr", "--namespace=k8s.io", "images")
# The runtime of Kubernetes learns of a new image by an event, a moment after it was imported.
SETTLE_SECONDS = 5.0
PAUSE = 0.2


@dataclass(frozen=True)
class Source:
    """What is asked for: an image of the engine's, or an archive with the images in it."""

    name: str
    images: tuple[Image, ...]
    is_archive: bool = False

    def is_in(self, listing: Mapping[str, str]) -> bool:
        """True where a node has all of it."""
        return all(image.is_in(listing) for image in self.images)


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    fan_out: FanOut | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Load what the nodes lack."""
    engine = find_engine(options["engine"], runner or Runner())
    nodes = _nodes(engine, checked_name(options["cluster"]), options.get("nodes"))
    sources = [*_engine_images(engine, options.get("images")), *_archives(options.get("archives"))]
    if not sources:
        raise BadInput("Neither images nor archives are named.", next_step="Name at least one image or archive.")
    listings = _listings(engine, nodes)
    lacking = {s.name: tuple(n for n in nodes if not s.is_in(listings[n])) for s in sources}
    warnings: tuple[str, ...] = ()
    if not check_mode and any(lacking.values()):
        _load(engine, fan_out or FanOut(), sources, lacking)
        warnings = _still_lacking(engine, sources, lacking, sleep)
    shown = [_shown(source, nodes, lacking[source.name]) for source in sources]
    return Outcome(
        any(lacking.values()),
        before={s.name: sorted(set(nodes) - set(lacking[s.name])) for s in sources},
        after={s.name: sorted(nodes) for s in sources},
        facts={"images": shown},
        warnings=warnings,
    )


def _nodes(engine: Engine, cluster: str, wanted: Sequence[str] | None) -> tuple[str, ...]:
    found = {node.name: node for node in kubernetes_nodes(engine.nodes(cluster))}
    if not found:
        raise BadInput(
            f"There is no kind cluster {cluster} here.",
            tried=f"{engine.name} ps --all --filter label=io.x-k8s.kind.cluster={cluster}",
            next_step="Create it with kindlab.volumes.kind_cluster, or name another one.",
        )
    foreign = [name for name in wanted or () if name not in found]
    if foreign:
        raise BadInput(
            f"{foreign[0]} is no node of the cluster {cluster}.", next_step=f"It has {', '.join(sorted(found))}."
        )
    names = tuple(dict.fromkeys(wanted or found))
    for name in names:
        if found[name].state != "running":
            raise BadInput(
                f"The node {name} does not run, it is {found[name].state}.",
                next_step="Start the cluster with kindlab.volumes.kind_cluster (state: present).",
            )
    return names


def _engine_images(engine: Engine, names: Iterable[str] | None) -> list[Source]:
    found = []
    for name in dict.fromkeys(names or ()):
        image_id = engine.image_id(name)
        if image_id is None:
            raise BadInput(
                f"{engine.name} has no image {name}.",
                tried=f"{engine.name} image inspect {name}",
                next_step=f"{engine.name} pull {name}, build it, or load an archive of it (archives).",
            )
        found.append(Source(name, (engine_image(name, image_id),)))
    return found


def _archives(paths: Iterable[str] | None) -> list[Source]:
    return [Source(path, images_in(path), is_archive=True) for path in dict.fromkeys(paths or ())]


def _listings(engine: Engine, nodes: Sequence[str]) -> dict[str, dict[str, str]]:
    """{node: {image name: digest}}, the nodes asked side by side."""

    def listing(node: str) -> dict[str, str]:
        return read_listing(engine.inside(node).run([*CTR, "list"]).out)

    return _in_each(nodes, listing)


def _in_each(nodes: Sequence[str], function: Callable[[str], T]) -> dict[str, T]:
    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        return dict(zip(nodes, pool.map(function, nodes), strict=True))


def _load(engine: Engine, fan_out: FanOut, sources: Sequence[Source], lacking: Mapping[str, tuple[str, ...]]) -> None:
    """One pass per archive, and one per set of nodes that lack the same images."""
    all_lacking = tuple(dict.fromkeys(n for nodes in lacking.values() for n in nodes))
    imports = _in_each(all_lacking, lambda node: _import(engine, node))
    together: dict[tuple[str, ...], list[str]] = {}
    for source in (s for s in sources if lacking[s.name]):
        nodes = lacking[source.name]
        if source.is_archive:
            with opened(source.name) as (stream, _plain):
                fan_out.into(stream, {node: imports[node] for node in nodes})
        else:
            together.setdefault(nodes, []).append(source.name)
    for nodes, names in together.items():
        with fan_out.output_of(engine.save_argv(names)) as stream:
            fan_out.into(stream, {node: imports[node] for node in nodes})


def _import(engine: Engine, node: str) -> list[str]:
    inside = engine.inside(node)
    snapshotter = read_snapshotter(inside.run(["containerd", "config", "dump"]).out)
    return inside.argv([*CTR, "import", "--all-platforms", "--digests", f"--snapshotter={snapshotter}", "-"])


def _still_lacking(
    engine: Engine,
    sources: Sequence[Source],
    lacking: Mapping[str, tuple[str, ...]],
    sleep: Callable[[float], None],
) -> tuple[str, ...]:
    """Warnings about what the nodes don't show although it was loaded."""
    nodes = tuple(dict.fromkeys(n for names in lacking.values() for n in names))
    for _attempt in range(int(SETTLE_SECONDS / PAUSE)):
        listings = _listings(engine, nodes)
        missing = [s.name for s in sources if not all(s.is_in(listings[n]) for n in lacking[s.name])]
        if not missing:
            return ()
        sleep(PAUSE)
    return tuple(f"{name} was loaded, but nodes show another content under its name." for name in missing)


def _shown(source: Source, nodes: Sequence[str], loaded: Sequence[str]) -> dict[str, Any]:
    return {
        "source": source.name,
        "names": [name for image in source.images for name in image.names],
        "ids": [image.digest for image in source.images],
        "loaded": sorted(loaded),
        "already": sorted(set(nodes) - set(loaded)),
    }
