# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sequences of millions of tuples in little memory: compressed in chunks, and decompressed chunk by chunk."""

from __future__ import annotations

import heapq
import marshal
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar, overload

T = TypeVar("T", bound=tuple[Any, ...])

# Tuples per chunk: as many as are decompressed at a time.
CHUNK = 512
# Tuples that are sorted at a time.
RUN = 1 << 15


class Packed(Sequence[T]):
    """Tuples of strings, bytes and numbers; read in order, it needs the memory of one chunk.

    make: makes an item from a plain tuple, e.g. the method _make of a NamedTuple.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, make: Callable[[Iterable[Any]], T], items: Iterable[T] = ()) -> None:
        self._make = make
        self._chunks: list[bytes] = []
        self._last: list[T] = []
        for item in items:
            self.append(item)

    def append(self, item: T) -> None:
        """Add one at the end."""
        self._last.append(item)
        if len(self._last) == CHUNK:
            # marshal knows plain tuples only.
            self._chunks.append(zlib.compress(marshal.dumps(list(map(tuple, self._last))), 1))
            self._last = []

    def __iter__(self) -> Iterator[T]:
        for number in range(len(self._chunks)):
            yield from map(self._make, self._chunk(number))
        yield from self._last

    def __len__(self) -> int:
        return len(self._chunks) * CHUNK + len(self._last)

    @overload
    def __getitem__(self, index: int) -> T:
        """One entry."""

    @overload
    def __getitem__(self, index: slice) -> Sequence[T]:
        """Several."""

    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return list(self)[index]
        number, place = divmod(range(len(self))[index], CHUNK)
        return self._last[place] if number == len(self._chunks) else self._make(self._chunk(number)[place])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Packed, list, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other))

    def __repr__(self) -> str:
        return f"Packed({list(islice(self, 10))}, {len(self)} items)"

    def _chunk(self, number: int) -> list[tuple[Any, ...]]:
        chunk: list[tuple[Any, ...]] = marshal.loads(zlib.decompress(self._chunks[number]))  # noqa: S302
        return chunk


def in_order(make: Callable[[Iterable[Any]], T], items: Iterable[T]) -> Iterator[T]:
    """The items, sorted by their first field."""
    rest = iter(items)
    runs: list[Packed[T]] = []
    while run := sorted(islice(rest, RUN), key=_first):
        runs.append(Packed(make, run))
    return heapq.merge(*runs, key=_first)


def _first(item: tuple[Any, ...]) -> Any:
    return item[0]
