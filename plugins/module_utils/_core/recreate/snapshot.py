# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster that goes back to a generation: whether it can, what comes, goes and changes, and what happens to data."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    NODE,
    Catalog,
    SavedSelection,
    SavedVolume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key, Saved, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.comparing import compared
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline

Facts = Mapping[str, Any]

# Facts of a backup that a recreation has already: of the machine, and the options, which may be given as well.
_OWN = ("cluster", "engine", "nodes", "options")


def check(
    generation: str, catalog: Catalog, described: object, options: Facts, missing_images: Sequence[str] = ()
) -> None:
    """Raise BadInput or Declined for a generation that the cluster cannot go back to.

    options: of the recreation. missing_images: whose archives are not in the backup any more.
    """
    name = catalog.cluster.name
    if name != options["cluster"]:
        raise BadInput(
            f"Generation {generation} is a backup of cluster {name}, not of {options['cluster']}. Nothing was changed.",
            next_step="Set path to the backup of this cluster, or generation to one of its own.",
        )
    whole = catalog.objects is not None and catalog.objects.selection == SavedSelection()
    refusals = []
    if not described:
        refusals.append(Refusal(generation, "it does not say how its cluster was created"))
    if options["objects"] == "all" and not whole:
        step = "To go back with the volumes, and the workloads that use them, alone: set objects=none."
        refusals.append(Refusal(generation, "it does not have all objects of its cluster", step))
    if options["checksums"] == "full" and catalog.checksums == "fast":
        refusals.append(Refusal(generation, "it has no checksums of files by content", "Set checksums=fast."))
    if catalog.checksums == "none":
        refusals.append(Refusal(generation, "it has no checksums, so nothing tells whether data is the same"))
    for image in missing_images:
        step = "Bring the archive back from a copy. To load no images: set images=none."
        refusals.append(Refusal(image, f"the archive of this image of generation {generation} is gone", step))
    step = "Choose a generation of a recreation, or of kindlab.volumes.volume_backup with objects=true."
    decline(f"Cluster {name} cannot go back to a generation that is not complete", refusals, step)


def facts_of(saved: Facts, catalog: Catalog) -> dict[str, Any]:
    """What the cluster is created from instead of what is known of the present one. saved: as of_backup returns it."""
    data = {volume.name: volume.data for volume in catalog.volumes}
    rows = [{**row, "data": data[row["name"]]} for row in saved["volumes"]]
    # Pods of a generation without images need those that the nodes have now.
    own = _OWN if saved["loaded_images"] else (*_OWN, "loaded_images", "node_roles")
    return {**{name: value for name, value in saved.items() if name not in own}, "volumes": rows, "kept_down": []}


def check_same(recorded: str, chosen: str) -> None:
    """Raise Declined where an interrupted recreation restores another generation. recorded: '' for none."""
    if chosen != recorded:
        what = f"restores generation {recorded}" if recorded else "restores no volumes"
        raise Declined(
            f"An interrupted recreation {what} and has to be completed first. Nothing was changed.",
            next_step=f"Run this without generation: it resumes. Then run it with generation={chosen}.",
        )


def data_refusals(
    generation: str,
    volumes: Iterable[SavedVolume],
    differences: Mapping[str, str],
    damaged: Mapping[str, str],
    obstacles: Mapping[str, tuple[str, str]],
) -> Iterator[Refusal]:
    """Volumes whose data cannot be rolled back.

    By a volume's name: differences, how its data differs from the generation; damaged, what is wrong with the archive
    that has to be extracted; obstacles, why data cannot be replaced, and the next step.
    """
    for volume in volumes:
        why, step = "", ""
        if volume.name in differences and volume.archive is None:
            why = (
                f"its data in {volume.host_directory} differs from generation {generation}, which does not hold it: "
                f"{differences[volume.name]}"
            )
            step = "Choose a generation that was saved with data=archive, or bring the data back from a copy."
        elif volume.name in damaged:
            why, step = damaged[volume.name], "Choose another generation, or bring its archive back from a copy."
        elif volume.name in obstacles:
            why, step = obstacles[volume.name]
        if why:
            yield Refusal(volume.name, why, step, {"claim": volume.claim})


def nested(volumes: Iterable[SavedVolume]) -> dict[str, str]:
    """Volume's name -> another one whose host directory is above or below its own."""
    paths = {volume.name: f"{volume.host_directory.rstrip('/')}/" for volume in volumes if volume.host_directory}
    return {
        name: next(iter(others))
        for name, path in paths.items()
        if (others := [n for n, p in paths.items() if p != path and (p.startswith(path) or path.startswith(p))])
    }


def compare(live: Saved, saved: Saved) -> dict[str, list[str]]:
    """The objects that the cluster gets back, loses, and gets in another form."""
    before, after = (_made(one) for one in (live, saved))
    patches = [{change.key: change.patch for change in one.changed} for one in (live, saved)]
    changed = {key for key in before.keys() & after.keys() if before[key] != after[key]}
    changed |= {key for key in patches[0].keys() | patches[1].keys() if patches[0].get(key) != patches[1].get(key)}
    return {
        "created": _named(after.keys() - before.keys()),
        "deleted": _named(before.keys() - after.keys()),
        "changed": _named(changed),
    }


def rollback(target: Facts, present: Iterable[Facts], objects: Mapping[str, list[str]]) -> dict[str, Any]:
    """What comes, goes and changes. target: its facts; present: rows of the volumes that the cluster has now."""
    old, new = ({row["name"] for row in rows} for rows in (present, target["volumes"]))
    volumes = {
        "created": sorted(new - old),
        "deleted": sorted(old - new),
        "replaced": sorted(target.get("replaced") or {}),
    }
    return {"generation": target["generation"], "volumes": volumes, "objects": dict(objects)}


def shown(rolled_back: Facts) -> tuple[dict[str, Any], dict[str, Any]]:
    """The objects and volumes that come, go and change, as a diff shows them; empty without a rollback."""
    if not rolled_back:
        return {}, {}
    there, wanted = "as it is now", f"as in generation {rolled_back['generation']}"
    objects, volumes = rolled_back["objects"], rolled_back["volumes"]
    gone = [key for name in ("deleted", "changed") for key in objects.get(name, ())]
    come = [key for name in ("created", "changed") for key in objects.get(name, ())]
    before = {"objects": dict.fromkeys(gone, there), "volumes": dict.fromkeys(volumes["deleted"], there)}
    return before, {"objects": dict.fromkeys(come, wanted)}


def data_text(volume: Facts, move: Facts, target: Facts, extracted: Container[str] = ()) -> str:
    """What happens to the data of a volume of the generation.

    move: see moves.move_rows. extracted: the names of volumes whose host directory has no data.
    """
    generation, moves = target["generation"], f", and it moves to {move['node']}" if move.get("node") else ""
    if move.get("directory"):
        return f"its data is extracted from generation {generation} to {move['directory']}{moves}"
    if volume["data"] == NODE:
        where = f"{volume['node_directory']} in {volume['node']}"
        return f"its data is extracted from generation {generation} to {where}{moves}"
    if volume["name"] in (target.get("replaced") or {}):
        return (
            f"its data in {volume['host_directory']} is replaced by that of generation {generation}; what is there now "
            f"is archived first{moves}"
        )
    if volume["name"] in extracted:
        return f"its data is extracted from generation {generation} to {volume['host_directory']}{moves}"
    return f"its data stays in {volume['host_directory'] or volume.get('source') or 'its place'}{moves}"


def _made(saved: Saved) -> dict[Key, Object]:
    return {key_of(item): compared(item) for item in saved.made}


def _named(keys: Iterable[Key]) -> list[str]:
    return sorted(map(str, keys))
