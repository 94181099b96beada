# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows for the directories that are found: from their names, from a file beside them, and from their content."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_default_class
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.base import Provisioner
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import PROVISIONERS, makers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import DIRECTORY, SET_ASIDE, Item
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.names import iso
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .model import Observed, Request
from .rows import Row

GIB = 1 << 30


def found_rows(request: Request, observed: Observed) -> tuple[Row, ...]:
    """A row for each directory that a provisioner made, or that a file beside it knows, and that no volume has."""
    rows = (_row(item, observed) for item in observed.items.values() if _is_orphan(item))
    return tuple(row for row in rows if not request.matching or _matches(row, request.matching))


def not_adopted(observed: Observed) -> tuple[str, ...]:
    """A warning about data that was set aside: a volume has, or had, other data by now."""
    items = [item for item in observed.items.values() if item.kind == SET_ASIDE]
    aside = [item for item in items if not (item.kept and item.kept.is_known)]
    if not aside:
        return ()
    paths = listed((f"{item.path} ({iso(item.since)})" for item in aside), 3)
    return (f"Data that was set aside is only adopted if a plan names it: {paths}",)


def _is_orphan(item: Item) -> bool:
    """True also for one that may not be adopted because a cluster may use it."""
    return item.kind == DIRECTORY and not (item.kept and item.kept.is_known)


def provisioner_of(storage_class: Object | None, config_maps: Iterable[Object]) -> Provisioner | None:
    """The provisioner of a storage class; of those with one driver the one that is configured."""
    driver = (storage_class or {}).get("provisioner")
    named = [p for p in PROVISIONERS.values() if p.driver == driver]
    maps = tuple(config_maps)
    found = ((p, item) for p in named for item in maps if item["metadata"]["name"] == p.config_map)
    return next((p for p, item in found if p.is_configured(item)), next(iter(named), None))


def mounting_nodes(directory: str, nodes: Iterable[Node]) -> list[Node]:
    """The nodes that run ordinary pods and have a host directory."""
    having = [node for node in kubernetes_nodes(nodes) if node.paths_of(directory)]
    return [node for node in having if node.takes_pods] or having


def _row(item: Item, observed: Observed) -> Row:
    if item.path in observed.beside:
        return observed.beside[item.path]
    storage_class = _storage_class(posixpath.basename(item.path), observed)
    claim = observed.claims.get(item.claim)
    return Row(
        item.path,
        item.volume,
        item.claim,
        storage_class,
        _requested(claim) or f"{max(1, -(-(item.bytes or 0) // GIB))}Gi",
        tuple((claim or {}).get("spec", {}).get("accessModes") or ("ReadWriteOnce",)),
        _nodes(item.path, storage_class, observed),
    )


def _storage_class(directory: str, observed: Observed) -> str:
    """A class of the provisioner that gives directories such names: the default one, or the only one; else ''."""
    drivers = {provisioner.driver for provisioner in makers(directory)}
    named = {name: item for name, item in observed.storage_classes.items() if item.get("provisioner") in drivers}
    default = [name for name, item in named.items() if is_default_class(item)]
    return next(iter(default or (named if len(named) == 1 else ())), "")


def _nodes(directory: str, storage_class: str, observed: Observed) -> tuple[str, ...]:
    """One node for a provisioner whose volumes are each on one; the same for all, because a pod may have several."""
    provisioner = provisioner_of(observed.storage_classes.get(storage_class), observed.config_maps)
    having = mounting_nodes(directory, observed.nodes)
    return (having[0].name,) if having and provisioner and not provisioner.shared else ()


def _requested(claim: Object | None) -> str:
    """What a claim that waits for its volume requests."""
    return str((((claim or {}).get("spec") or {}).get("resources") or {}).get("requests", {}).get("storage", ""))


def _matches(row: Row, patterns: Sequence[str]) -> bool:
    called = (row.directory, posixpath.basename(row.directory), row.volume, row.claim)
    return any(fnmatchcase(text, pattern) for pattern in patterns for text in called)
