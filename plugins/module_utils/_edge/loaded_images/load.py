# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load the saved images into the nodes of a new cluster, while they come up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.content import Target
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.index import (
    SavedImage,
    read_index,
    wanted_images,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.nodes import CTR, in_each
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.tee import Tee

from .archive import Archive, check_images
from .look import Listings, await_names
from .stream import import_images

# kind may start the container runtime of a new node once more, while something is loaded.
ATTEMPTS = 3

# {node: {name: image}}
Wanted = Mapping[str, Mapping[str, SavedImage]]


def load_images(
    engine: Engine,
    nodes: Sequence[Node],
    path: str,
    rows: Sequence[Mapping[str, Any]],
    before: Mapping[str, str],
    deadline: Deadline,
    *,
    tee: Tee | None = None,
) -> list[dict[str, Any]]:
    """Load what each node should have, as soon as its container runtime answers; a row for each image.

    nodes: those of the new cluster, which may still be created; before: those that were saved, with their roles. rows:
    the index. A row has the nodes that the image was loaded into, that had it, and that lack it, because their node
    image does not bring it.
    Raises Declined if an archive is damaged, before anything is loaded; TimedOut, CommandFailed.
    """
    roles = {node.name: node.role for node in kubernetes_nodes(nodes)}
    wanted = wanted_images(read_index(rows, path), roles, before)
    images = tuple(dict.fromkeys(image for names in wanted.values() for image in names.values()))
    busy = {node: names for node, names in wanted.items() if names}
    before_it = await_names(engine, list(busy), deadline)
    listings = _import(engine, tee or Tee(), path, busy, before_it, deadline)
    if aliases := _missing(busy, listings, archived=False):
        _tag(engine, aliases, listings)
        listings = await_names(engine, list(busy), deadline)
    return [_row(image, busy, before_it, listings) for image in images]


def _import(engine: Engine, tee: Tee, path: str, wanted: Wanted, listings: Listings, deadline: Deadline) -> Listings:
    """Import what nodes lack, and what they list then."""
    archives: dict[str, Archive] = {}
    failed: CommandFailed | None = None
    for _attempt in range(ATTEMPTS):
        missing = _missing(wanted, listings, archived=True)
        if not missing:
            break
        lacking = dict.fromkeys(image for names in missing.values() for image in names.values())
        archives |= check_images(path, [image for image in lacking if image.digest not in archives])
        try:
            import_images(engine, tee, archives, missing)
        except CommandFailed as error:
            failed = error
        listings = await_names(engine, list(wanted), deadline)
    left = sorted({name for names in _missing(wanted, listings, archived=True).values() for name in names})
    if left:
        raise failed or CommandFailed(
            f"The nodes do not list {listed(left)}, which was loaded into them.",
            next_step="Load it with kindlab.volumes.kind_image from its archive in the backup (archives).",
        )
    return listings


def _missing(wanted: Wanted, listings: Listings, *, archived: bool) -> dict[str, dict[str, SavedImage]]:
    """What nodes lack: nodes that lack nothing are left out. archived: of the images with an archive, or without."""
    found = {
        node: {
            name: image
            for name, image in names.items()
            if bool(image.archive) is archived and not _has(listings[node], name, image)
        }
        for node, names in wanted.items()
    }
    return {node: names for node, names in found.items() if names}


def _has(listing: Mapping[str, Target], name: str, image: SavedImage) -> bool:
    return name in listing and listing[name].digest == image.digest


def _tag(engine: Engine, aliases: Wanted, listings: Listings) -> None:
    """Give content that the node image brought the names that people gave it."""

    def tag(node: str) -> None:
        for name, image in aliases[node].items():
            known = next((other for other, target in listings[node].items() if target.digest == image.digest), None)
            if known is not None:
                engine.inside(node).run([*CTR, "tag", "--force", known, name])

    in_each(list(aliases), tag)


def _row(image: SavedImage, wanted: Wanted, before: Listings, after: Listings) -> dict[str, Any]:
    nodes = sorted(node for node, names in wanted.items() if image in names.values())

    def have(listings: Listings) -> set[str]:
        return {
            node
            for node in nodes
            if all(_has(listings[node], name, image) for name in image.names if wanted[node].get(name) is image)
        }

    present, now = have(before), have(after)
    return {
        "names": list(image.names),
        "digest": image.digest,
        "bytes": image.bytes,
        "loaded": sorted(now - present),
        "present": sorted(present),
        "missing": sorted(set(nodes) - now),
    }
