# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The data of volumes that are relocated: copied and compared before they are replaced, set aside after that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.moves.relocation import Relocation
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import set_aside
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.hashing import cpu_count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import EMPTY, THERE, states
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from . import data, progress


class Carrier:
    """Moves data between this host and nodes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def bring(self, relocations: Iterable[Relocation], verify: str, sizes: Mapping[str, int]) -> None:
        """Copy the data of those that are not replaced yet. An error of one removes the copies of this run.

        sizes: name -> bytes, as far as they are known.
        """
        todo = [one for one in relocations if one.copies and not one.replacing]
        made: list[Relocation] = []
        for one in todo:
            data.remove_leftovers(data.directory_of(one.target, self._engine))

        def bring(one: Relocation) -> None:
            with progress.one_copied(sizes.get(one.name, 0)) as written:
                if self._bring(one, verify, written):
                    made.append(one)

        progress.copy([sizes.get(one.name, 0) for one in todo])

        try:
            with ThreadPoolExecutor(cpu_count()) as pool:
                for future in [pool.submit(bring, one) for one in todo]:
                    future.result()
        except KindlabError:
            for one in made:
                data.discard(data.directory_of(one.target, self._engine))
            raise

    def set_aside(self, relocations: Iterable[Relocation]) -> None:
        """Set the data aside that no volume has any more. It is kept until somebody removes it."""
        todo = {one.name: one for one in relocations if one.copies}
        there = states({name: data.directory_of(one.source, self._engine) for name, one in todo.items()})
        for name, one in todo.items():
            if there[name] in (EMPTY, THERE):
                source = data.directory_of(one.source, self._engine)
                data.put(source, replace(source, path=one.aside))

    def _bring(self, one: Relocation, verify: str, written: Callable[[int], None]) -> bool:
        """True if the data was copied, False if an interrupted run had done that."""
        source, target = (data.directory_of(place, self._engine) for place in (one.source, one.target))
        if states({"": target})[""] == THERE:
            # The pods may have run again since it was copied.
            if not data.difference(source, target, "fast" if verify == "none" else verify):
                return False
            data.put(target, replace(target, path=set_aside(target.path, one.at)))
        with data.copied(source, target, written) as temporary:
            if differs := data.difference(source, temporary, verify):
                raise Conflict(
                    f"The copy of {one.claim} differs from its source: {differs}. It was removed.",
                    next_step="Find out what writes to it, and run this again.",
                )
            data.put(temporary, target)
        return True
