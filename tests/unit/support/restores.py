"""Parts of restores: a backup's generation, an observed cluster, a selected volume and its step."""

from __future__ import annotations

from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    Catalog,
    SavedCluster,
    SavedVolume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import (
    Generation,
    Observed,
    SelectedVolume,
    Step,
)

from .backups import Object, saved_volume, volume

KINDS = ("PersistentVolume", "PersistentVolumeClaim", "Namespace", "StorageClass")


def generation(*saved: SavedVolume, manifests: tuple[Object, ...] = ()) -> Generation:
    """A generation of the cluster k."""
    catalog = Catalog("2026-01-02T03:04:05Z", SavedCluster("k", "v1.34.4"), volumes=saved)
    return Generation("000001", catalog, {kind: [o for o in manifests if o["kind"] == kind] for kind in KINDS})


def observed(*objects: Object, saved: Generation | None = None, nodes: tuple[Any, ...] = ()) -> Observed:
    """A cluster with these objects and node containers."""
    by_kind = {kind: [item for item in objects if item["kind"] == kind] for kind in (*KINDS, "Node")}
    by_kind["Node"] += [{"metadata": {"name": node.name}} for node in nodes]
    return Observed.from_objects(saved or generation(), by_kind, nodes)


def selected(pv: Object, claim: Object | None, saved: SavedVolume) -> SelectedVolume:
    """A volume to restore."""
    return SelectedVolume(read_volumes([pv], [])[0], pv, claim, saved)


def step(number: int, action: str = "create", why: str = "binds", *, saved: Object | None = None, **more: Any) -> Step:
    """The step of v<number>, of which the catalog says what saved says."""
    return Step(selected(volume(number), None, saved_volume(number, **(saved or {}))), action, why, **more)
