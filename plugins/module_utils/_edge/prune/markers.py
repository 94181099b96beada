# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Marker files that killed runs of kind_cluster and kind_cluster_recreate left."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from glob import escape, glob

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import LEFTOVER, Item, Kept
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.kubeconfig import own_kubeconfig
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.marker import (
    PURPOSES,
    UNFINISHED,
    Marker,
)

from .trash import trash_items

_BEFORE = "kind-"


def marker_directory(kubeconfig: str | None, cluster: str) -> str:
    """Where the marker files are: beside the kubeconfig of a cluster."""
    return os.path.realpath(os.path.dirname(own_kubeconfig(cluster, kubeconfig)))


def marker_items(top: str, everywhere: Sequence[Node]) -> Iterator[Item]:
    """The marker files in a directory. everywhere: the nodes of all clusters."""
    existing = {node.cluster for node in everywhere}
    for found in sorted(path for purpose in PURPOSES for path in glob(f"{escape(top)}/{_BEFORE}*.{purpose}")):
        name, _dot, purpose = os.path.basename(found)[len(_BEFORE) :].rpartition(".")
        item = Item(LEFTOVER, found, found, top)
        if name in existing and purpose == UNFINISHED:
            item = item.but(Kept(f"cluster {name} has nodes: kindlab.volumes.kind_cluster finishes it", is_known=True))
        elif Marker(os.path.join(top, name), name, purpose).is_locked():
            item = item.but(Kept(f"another run is working on cluster {name}", "Wait until it has finished."))
        yield item
    yield from trash_items(top)
