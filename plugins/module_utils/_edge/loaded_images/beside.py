# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load the saved images into nodes while kind creates them, so that nothing waits for it afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, poll
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.tee import Tee

from .load import load_images

PAUSE = 0.3
# Rows as load_images() returns them.
Rows = list[dict[str, Any]]


class Loader:
    """Loads in a thread; load_images() afterwards completes it, and tells what is wrong.

    names: of the nodes that kind creates. path, index, before: see load_images().
    """

    def __init__(
        self,
        engine: Engine,
        cluster: str,
        names: Collection[str],
        path: str,
        index: Sequence[Mapping[str, Any]],
        before: Mapping[str, str],
        seconds: float,
        *,
        tee: Tee | None = None,
    ) -> None:
        self._engine, self._cluster, self._names = engine, cluster, set(names)
        self._what = path, index, before
        self._deadline = Deadline(seconds)
        self._tee = tee or Tee()
        self._pool = ThreadPoolExecutor(1)
        self._loading: Future[Rows] | None = None
        self._created = threading.Event()

    def around(self, create: Callable[[], Completed]) -> Completed:
        """create(), by which kind creates the nodes, and its answer. Loading goes on after it, unless it fails."""
        others = {node.container for node in self._engine.nodes(self._cluster)}
        self._loading = self._pool.submit(self._load, others)
        try:
            done = create()
        except BaseException:
            self.end()
            raise
        if done.code != 0:
            self.end()
        self._created.set()
        return done

    def end(self) -> None:
        """End it at once."""
        self._deadline.end()
        self._tee.end()
        self._pool.shutdown(wait=False)

    def wait(self) -> Rows:
        """Wait until nothing is loaded any more; its rows, none if it was not begun, or did not come to its end."""
        self._pool.shutdown()
        if self._loading is not None:
            # What is wrong, load_images() tells.
            with suppress(KindlabError, OSError):
                return self._loading.result()
        return []

    def _load(self, others: Collection[str]) -> Rows:
        """others: ids of the cluster's containers that kind has not created now."""
        for _turn in poll(self._deadline, PAUSE):
            created = self._created.is_set()
            found = {node.name: node for node in self._engine.nodes(self._cluster) if _is_new(node, others)}
            if self._names <= found.keys():
                own = Pinned(self._engine, {name: found[name].container for name in self._names})
                nodes = [found[name] for name in sorted(self._names)]
                return load_images(own, nodes, *self._what, self._deadline, tee=self._tee)
            if created:
                # Nothing appears any more.
                break
        return []


class Pinned(Engine):
    """Reaches nodes by the ids of their containers: no other one is taken for one of the same name."""

    def __init__(self, engine: Engine, ids: Mapping[str, str]) -> None:
        super().__init__(engine.name, engine.runner)
        self._ids = ids

    def inside(self, node: str) -> Runner:
        return super().inside(self._ids[node])


def with_earlier(rows: Rows, earlier: Rows) -> Rows:
    """rows, of load_images() after the creation, with the nodes that lacked an image until it was loaded beside it."""
    loaded = {_key(row): row["loaded"] for row in earlier}
    return [
        {
            **row,
            "loaded": sorted({*row["loaded"], *loaded.get(_key(row), ())}),
            "present": sorted({*row["present"]}.difference(loaded.get(_key(row), ()))),
        }
        for row in rows
    ]


def _is_new(node: Node, others: Collection[str]) -> bool:
    return bool(node.container) and node.container not in others and node.state == RUNNING


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (row["digest"], *row["names"])
