# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan what is pruned: what is selected and nothing keeps; refusals for what is named and has to stay."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import stamp
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import origin_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.ways import through_text

from .generations import standing, standing_since
from .model import DIRECTORY, GENERATION, SET_ASIDE, TRASH, VOLUME, Item, Kept, Observed
from .names import iso, removing, time_of
from .related import Related
from .request import Request

LAST_COPY = "to prune it nevertheless: last_copies=true"


@dataclass(frozen=True)
class Plan:
    """items: all, with what keeps them; pruned: those of them that go. stamp: of this run, in the trash."""

    request: Request
    items: tuple[Item, ...]
    pruned: tuple[Item, ...]
    stamp: str
    now: float
    missing: tuple[str, ...] = ()

    def target(self, item: Item) -> str:
        """Where something that goes is moved, '' if it is removed for good."""
        return "" if item.kind == TRASH or not self.request.trash else item.target(self.stamp)

    def place(self, item: Item) -> str:
        """Where something that goes is renamed to: what is removed is never partly visible."""
        return self.target(item) or removing(item.target(self.stamp))

    @property
    def shown(self) -> tuple[Item, ...]:
        """The items of the requested kinds, without what everybody knows to be needed."""
        return tuple(item for item in self.items if self.request.shows(item) and not (item.kept and item.kept.is_known))

    def diff(self) -> tuple[Object, Object]:
        """What is there before and after, by kind."""
        gone = {item.name for item in self.pruned}
        before = {item.name: _size(item) for item in self.shown}
        after = {name: size for name, size in before.items() if name not in gone}
        moved = {target: _size(item) for item in self.pruned if (target := self.target(item))}
        return {"found": before}, {"found": {**after, **moved}}

    def result(self) -> Object:
        """What the module returns."""
        gone = {item.name for item in self.pruned}
        return {
            "found": [self._row(item, gone=item.name in gone) for item in self.shown],
            "pruned": [item.name for item in self.pruned],
            "bytes": sum(item.bytes or 0 for item in self.pruned),
            "through_nodes": through_text({item.name: item.through for item in self.pruned if item.through}),
        }

    def warnings(self) -> tuple[str, ...]:
        """About names that nothing has."""
        return tuple(f"There is nothing called {name}, or not any more: nothing was pruned." for name in self.missing)

    def _row(self, item: Item, *, gone: bool) -> Object:
        kept = None if gone else item.kept
        return {
            "kind": item.kind,
            "name": item.name,
            "directory": item.path,
            "volume": item.volume,
            "claim": item.claim,
            "bytes": item.bytes,
            "since": iso(item.since),
            "age": None if item.since is None else max(0, int(self.now - item.since)),
            "kept": kept.why if kept else "",
            "next_step": kept.next_step if kept else "",
            "last_copy": bool(item.kept and item.kept.is_last_copy),
            "pruned": gone,
            "moved_to": self.target(item) if gone else "",
        }


def plan(request: Request, observed: Observed) -> Plan:
    """Raises Declined if something that is named has to stay."""
    exact = request.names & {item.name for item in observed.items}
    chosen = {
        item.name
        for item in observed.items
        if request.selects(item, observed.now) and not _is_another(item, request.names, exact)
    }
    generations = {i.name for i in observed.items if i.kind == GENERATION and i.name in chosen and _may_go(request, i)}
    needed = Related(standing(observed.backups, generations))
    since = standing_since(observed.backups, generations)
    items = tuple(_needed(item, needed, since).but(_unknown(request, item, observed)) for item in observed.items)
    pruned = tuple(item for item in items if item.name in chosen and _may_go(request, item))
    refusals = [
        *_ambiguous(request, items, chosen),
        *_refused(request, items, chosen),
        *_not_searched(request, items, observed.existing),
    ]
    decline(f"{count(len(refusals), 'named item')} cannot be pruned", refusals)
    called = {name for item in items if request.shows(item) for name in item.names}
    missing = tuple(sorted(request.names - called))
    return Plan(request, items, _in_order(pruned), stamp(observed.now), observed.now, missing)


def _is_another(item: Item, names: Collection[str], exact: Collection[str]) -> bool:
    """True for a directory that is only called as a volume is that was named."""
    called = item.names.intersection(names)
    return bool(called) and called <= {*exact} - {item.name}


def _may_go(request: Request, item: Item) -> bool:
    return item.kept is None or (item.kept.is_last_copy and request.last_copies)


def _needed(item: Item, needed: Related, since: Mapping[str, tuple[float, str]]) -> Item:
    """With the generation that has no data without its directory. since: as standing_since() returns it."""
    if item.kind not in (DIRECTORY, VOLUME, SET_ASIDE, TRASH) or not item.path:
        return item
    # What is in the trash is the data of where it was.
    path = posixpath.join(item.top, posixpath.basename(item.path)) if item.kind == TRASH else item.path
    why = needed.why(path)
    if item.kind in (SET_ASIDE, TRASH) and (origin := origin_of(path)):
        written, who = since.get(origin[0], (None, ""))
        is_later = written is not None and written <= (time_of(origin[1]) or 0)
        why = f"{origin[0]} was the directory of {who}" if is_later else ""
    return item.but(Kept(why, is_last_copy=True) if why else None)


def _unknown(request: Request, item: Item, observed: Observed) -> Kept | None:
    """A rule takes nothing that a cluster may use that cannot be asked; who names it knows better."""
    if item.kind == GENERATION or request.names & item.names or not observed.unknown:
        return None
    names = " and ".join(observed.unknown)
    return Kept(f"the clusters of {names} are not known", f"Start {names} and run this again, or prune it by its name.")


def _ambiguous(request: Request, items: Sequence[Item], chosen: set[str]) -> Iterator[Refusal]:
    """Names that several have, and that are the whole name of none."""
    for name in sorted(request.names):
        called = [item.name for item in items if item.name in chosen and name in item.names]
        if len(called) > 1 and name not in called:
            yield Refusal(name, f"{listed(called, 3)} are called that", "Name its path.")


def _refused(request: Request, items: Sequence[Item], chosen: set[str]) -> Iterator[Refusal]:
    """Those that were named; of others those go that can."""
    for item in items:
        if request.names and item.name in chosen and item.kept and not _may_go(request, item):
            steps = (item.kept.next_step, f"Or, {LAST_COPY}" if item.kept.is_last_copy else "")
            yield Refusal(item.name, item.kept.why, " ".join(filter(None, steps)), {"claim": item.claim})


def _not_searched(request: Request, items: Sequence[Item], existing: frozenset[str]) -> Iterator[Refusal]:
    known = {name for item in items for name in item.names}
    for name in sorted((request.names & existing) - known):
        above = posixpath.dirname(name)
        yield Refusal(name, "it is in none of the directories that are searched", f"Set directories to {above}")


def _in_order(items: Sequence[Item]) -> tuple[Item, ...]:
    """Generations first: a directory that one of them needs is still there if the run is killed in between."""
    return tuple(sorted(items, key=lambda item: item.kind != GENERATION))


def _size(item: Item) -> str:
    size = "unknown size" if item.bytes is None else count(item.bytes, "byte")
    return f"{item.kind}{f' of {item.claim}' if item.claim else ''}, {size}"
