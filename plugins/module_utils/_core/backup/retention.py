# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which generations are removed: the oldest, except those that alone hold a volume, or the cluster's objects."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import claimed, listed

from .catalog import NOTHING, Catalog, SavedSelection, SavedVolume

_BOUND = ("Bound", "")


@dataclass(frozen=True)
class Retention:
    """removed: generations to remove, oldest first; kept: those that would be removed too -> why they are not."""

    removed: tuple[str, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)


def retention(generations: Sequence[tuple[str, Catalog | None]], keep: int, living: Iterable[Volume]) -> Retention:
    """The oldest generations, beyond this number, 0 for all; see removable()."""
    return removable(generations, {name for name, _catalog in generations[:-keep]}, living) if keep else Retention()


def removable(
    generations: Sequence[tuple[str, Catalog | None]], names: Collection[str], living: Iterable[Volume]
) -> Retention:
    """Which generations of these names can be removed.

    generations: name and catalog, oldest first; the catalog is None if it cannot be read. living: the volumes of the
    cluster. A generation stays if a volume in it, or its claim, is neither in a newer one that stays nor in the
    cluster, or if no newer one has its selection of objects.
    """
    newer: list[Catalog] = []
    cluster = {volume.name: volume for volume in living}
    removed, kept = [], {}
    for name, catalog in reversed(generations):
        if name not in names:
            newer += [catalog] if catalog else []
            continue
        if catalog is None:
            kept[name] = "it is damaged, and what it holds is unknown"
            continue
        only = [
            claimed(volume.name, volume.claim)
            for volume in catalog.volumes
            if volume.data != NOTHING
            and not _is_alive(volume, cluster.get(volume.name))
            and not any(_holds(other, volume) for other in newer)
        ]
        if catalog.objects is not None and not any(_covers(other, catalog) for other in newer):
            only.append("objects of its selection")
        if only:
            kept[name] = f"only this generation holds {listed(only, 3)}"
            newer.append(catalog)
        else:
            removed.append(name)
    return Retention(tuple(reversed(removed)), dict(reversed(kept.items())))


def _is_alive(saved: SavedVolume, volume: Volume | None) -> bool:
    """True if the cluster has the volume as it was: with its claim, unless that was gone."""
    if volume is None or volume.claim != saved.claim or volume.is_terminating:
        return False
    if not _is_same(volume.node_directory, saved.node_directory):
        return False
    return bool(volume.claim_phase) or not _has_claim(saved)


def _holds(catalog: Catalog, saved: SavedVolume) -> bool:
    other = next((volume for volume in catalog.volumes if volume.name == saved.name), None)
    if other is None or other.claim != saved.claim or other.data == NOTHING:
        return False
    if not _is_same(other.node_directory, saved.node_directory) or not _is_same(other.source, saved.source):
        return False
    # Without an archive, only the directory that it was saved from has the data.
    if other.archive is None and saved.archive is not None:
        return False
    return (other.consistent or not saved.consistent) and (_has_claim(other) or not _has_claim(saved))


def _is_same(one: str, other: str) -> bool:
    """Whether two volumes of one name may be the same one, by where their data is; '' if that is not known."""
    return not (one and other) or one == other


def _covers(other: Catalog, catalog: Catalog) -> bool:
    """True if the other one has the selection of objects that this one was to have."""
    return (
        other.objects is not None
        and catalog.objects is not None
        and other.objects.selection in (SavedSelection(), catalog.objects.selection)
    )


def _has_claim(saved: SavedVolume) -> bool:
    """True if its claim was saved with it; in format 1 that is unknown."""
    return bool(saved.claim) and saved.phase in _BOUND
