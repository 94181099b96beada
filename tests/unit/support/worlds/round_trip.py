"""What is saved, lost and restored is equal to what was there: volumes, claims and data."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import MAPS
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import api_of

from .api import WorldApi
from .choices import Choices
from .names import CLUSTER, Object
from .properties import attempt, problems
from .requests import draw
from .world import World

# What a new cluster has of the old one.
SURVIVES = ("Node",)
# A volume is saved although no Node fits it (any more), and cannot be restored without one.
UNKNOWN = ("is not in this cluster", "no node of this cluster fits", "has no container")
SAVING = {"names": None, "namespaces": None, "storage_classes": None, "label_selectors": None, "keep": 0}
SAVING_ALL = dict.fromkeys(("names", "namespaces", "storage_classes"))
PLAIN = {"claims": True, "create_namespaces": True, "create_storage_classes": True, "generation": None}
UNMAPPED: dict[str, Any] = {name: {} for name in ("node_map", *MAPS)}


def round_trip(c: Choices, world: World) -> Iterator[str]:
    """Save everything, lose the cluster (and the data, where archives have it), restore; what does not hold."""
    path = f"{world.top}/backup"
    saving = draw(c, world, "volume_backup", path=path, **SAVING, compression="gzip", without_api="refuse")
    saved = attempt(saving, world, False)
    if saved.verdict != "ok" or not saved.result[2].get("volumes"):
        return
    rows = {row["name"]: row for row in saved.result[2]["volumes"]}
    objects, files = world.api.by_key(), world.files()
    _lose(world, rows)
    verify = c.pick(("full", "fast")) if saving.options["checksums"] == "full" else saving.options["checksums"]
    restoring = draw(c, world, "volume_restore", path=path, **SAVING_ALL, **PLAIN, **UNMAPPED, verify=verify)
    yield from (f"{saving}; {restoring}: {problem}" for problem in problems(restoring, world))
    restored = attempt(restoring, world, True)
    if restored.verdict != "ok":
        if not all(_is_unknown(row, objects) for row in restored.result[1] or [{}]):
            yield f"{saving}; {restoring}: what was saved is refused: {restored.result[0]}"
        return
    for row in restored.result[2]["volumes"]:
        yield from (f"{saving}; {restoring}: {row['name']} {why}" for why in unequal(row, objects, world))
    yield from (f"{saving}; {restoring}: {path} is not as it was" for path in changed(files, world.files()))


def _is_unknown(row: Mapping[str, Any], objects: Mapping[tuple[str, str, str], Object]) -> bool:
    """True for a refusal of a volume without a Node, or of local data that no node has mounted any more."""
    if not row:
        return False
    labels = objects["PersistentVolume", "", row["name"]]["metadata"].get("labels") or {}
    return any(known in row["why"] for known in UNKNOWN) or "kindlab.volumes/local-data" in labels


def _lose(world: World, rows: Mapping[str, Any]) -> None:
    """A new cluster with the same Nodes; the data of what is archived is gone."""
    stays = [item for item in world.api.objects.values() if item["kind"] in SURVIVES]
    fresh = api_of({"name": CLUSTER, "nodes": [{"role": "control-plane"}]}).objects.values()
    default = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
    world.api = WorldApi(*(item for item in fresh if item["kind"] not in SURVIVES), *stays, default)
    world.host.clusters[CLUSTER] = world.api
    for row in (row for row in rows.values() if row["archive"]):
        directory = row["host_directory"] or row["node_directory"]
        mine = directory.startswith(str(world.top)) and Path(directory).is_dir()
        for path in list(Path(directory).iterdir()) if mine else ():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def unequal(row: Mapping[str, Any], objects: Mapping[tuple[str, str, str], Object], world: World) -> Iterator[str]:
    """How a restored volume and its claim differ from those that were saved."""
    before = objects["PersistentVolume", "", row["name"]]
    now = world.api.get("PersistentVolume", row["name"])
    if now is None:
        yield "does not exist"
        return
    if _spec(now) != _spec(before):
        yield f"is {_spec(now)}, it was {_spec(before)}"
    namespace, _slash, name = row["claim"].partition("/")
    claim = objects.get(("PersistentVolumeClaim", namespace, name))
    if claim is None or claim["spec"].get("volumeName") != row["name"]:
        return
    again = world.api.get("PersistentVolumeClaim", name, namespace)
    if again is None or again["spec"] | {"storageClassName": ""} != claim["spec"] | {"storageClassName": ""}:
        yield f"has the claim {again}, it was {claim}"
    elif (now["status"]["phase"], again["status"]["phase"]) != ("Bound", "Bound"):
        yield f"is {now['status']}, its claim {again['status']}"


def _spec(pv: Object) -> Object:
    """What a volume is, apart from its policy and the uid of its claim."""
    spec = {**pv["spec"], "storageClassName": pv["spec"].get("storageClassName", "")}
    spec.pop("persistentVolumeReclaimPolicy", None)
    ref = spec.pop("claimRef", None) or {}
    return {**spec, "claim": (ref.get("namespace", ""), ref.get("name", ""))}


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """The paths below volumes that differ."""
    for path in sorted({*before, *now}):
        if before.get(path) != now.get(path) and not path.startswith("/backup"):
            yield f"{path} ({before.get(path)}, now {now.get(path)})"
