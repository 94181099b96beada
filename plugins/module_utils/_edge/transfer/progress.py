# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell how many volumes are copied, and how much of their data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER

VOLUMES, DATA = "volumes copied", "data copied"


def copy(sizes: Collection[int]) -> None:
    """Begin to copy volumes with so many bytes each."""
    if sizes:
        REPORTER.step(f"copy the data of {count(len(sizes), 'volume')}")
        REPORTER.done(VOLUMES, 0, of=len(sizes))
        REPORTER.moved(DATA, 0, of=sum(sizes))


@contextmanager
def one_copied(size: int) -> Iterator[Callable[[int], None]]:
    """A function that counts what programs write of a volume: its size in the end, and never more.

    A clone writes nothing, and a copy that is made again writes more.
    """
    counted = 0

    def written(number: int) -> None:
        nonlocal counted
        more = min(number, size - counted)
        counted += more
        REPORTER.moved(DATA, more)

    yield written
    written(size)
    REPORTER.done(VOLUMES)


def extract(number: int) -> None:
    """Begin to extract so many archives."""
    if number:
        REPORTER.step(f"extract {count(number, 'archive')}")
        REPORTER.done("volumes extracted", 0, of=number)


def bind(number: int) -> None:
    """Begin to bind so many volumes to their claims."""
    if number:
        REPORTER.step(f"bind {count(number, 'volume')}")
