# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""List objects and watch them, until they are ready or gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import be, count, listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER

from .api import Api
from .resources import RESOURCES, Key, describe_command, key_of, key_text, path_of

Objects = list[Object]
T = TypeVar("T")

PAGE = 2000
# How many names are told of what is waited for.
SHOWN = 3


@dataclass(frozen=True)
class Change:
    """One event of a watch: ADDED, MODIFIED or DELETED, and the object after it (or before its deletion)."""

    type: str
    object: Object


class ListWatch:
    """Reads of an API server: lists in pages, and watches that begin with a list.

    Every method raises Unreachable if the server does not answer, and KindlabError if it refuses.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self, kind: str, namespace: str = "", labels: str = "", fields: str = "") -> Objects:
        """All objects of a kind (in all namespaces, or one), with kind and apiVersion filled in.

        labels, fields: selectors as the API takes them, e.g. spec.nodeName=NODE.
        """
        return self._list(kind, namespace, labels, fields)[0]

    def watch(self, kind: str, timeout: float, fields: str = "") -> Iterator[Change]:
        """All objects as ADDED, then every change, until the caller stops or the timeout (seconds) is over.

        After a lost connection an object may be ADDED again, and one that was deleted meanwhile is not mentioned any
        more: decide by the latest change of each object, never by counting.
        """
        deadline = Deadline(timeout)
        while not deadline.over():
            items, version = self._list(kind, fields=fields)
            for item in items:
                yield Change("ADDED", item)
            yield from self._changes(kind, version, deadline, fields)

    def wait(self, kind: str, ready: Callable[[Object], bool], names: Iterable[Key], timeout: float) -> None:
        """Wait until every named object, (namespace, name), is ready.

        Raises TimedOut after so many seconds; its details are the names of those that are not.
        """
        named = set(names)
        waiting = set(named)
        if not waiting:
            return
        with REPORTER.waiting(lambda: _names(kind, map(key_text, sorted(waiting)))) as changed:
            for change in self.watch(kind, timeout):
                key = key_of(change.object)
                if key not in named:
                    continue
                if change.type != "DELETED" and ready(change.object):
                    waiting.discard(key)
                else:
                    waiting.add(key)
                if not waiting:
                    return
                changed()
        _check_none(waiting, kind, f"not ready after {timeout:g} seconds")

    def wait_gone(self, kind: str, names: Iterable[Key], timeout: float) -> None:
        """Wait until none of the named objects exists. Raises TimedOut with the names of those that do."""
        left = self.left_after(kind, names, timeout, key_of)
        _check_none(left, kind, f"still not deleted after {timeout:g} seconds")

    def left_after(
        self,
        kind: str,
        names: Iterable[T],
        timeout: float,
        key: Callable[[Object], T],
        fields: str = "",
        gone: Callable[[Object], bool] = lambda _object: False,
        stop: Callable[[Object], bool] = lambda _object: False,
    ) -> set[T]:
        """Wait until none of the objects exists; those that are left when the timeout (seconds) is over.

        key: what identifies an object, e.g. its uid if a new one of the same name does not count.
        gone: true for one that counts as gone although it exists. stop: true for an object that ends the wait.
        """
        left = set(names)
        deadline = Deadline(timeout)
        while left:
            items, version = self._list(kind, fields=fields)
            left &= {key(item) for item in items if not gone(item)}
            if not left or any(map(stop, items)):
                break
            texts = {key(item): key_text(key_of(item)) for item in items}
            with REPORTER.waiting(partial(_left, kind, texts, left)) as changed:
                for change in self._changes(kind, version, deadline, fields):
                    if change.type == "DELETED" or gone(change.object):
                        left.discard(key(change.object))
                    elif stop(change.object):
                        return left
                    if not left:
                        break
                    changed()
            if deadline.over():
                break
        return left

    def _list(self, kind: str, namespace: str = "", labels: str = "", fields: str = "") -> tuple[Objects, str]:
        """The objects, and the resourceVersion of the list."""
        prefix, _plural, _namespaced = RESOURCES[kind]
        version = prefix.split("/", 2)[2] if prefix.startswith("/apis/") else "v1"
        query = {"limit": str(PAGE), **_selectors(labels, fields)}
        items: Objects = []
        while True:
            page = self._api.ask("GET", path_of(kind, namespace), None, query, has=("items", "metadata"))
            items += [{"apiVersion": version, "kind": kind, **item} for item in page["items"]]
            if not page["metadata"].get("continue"):
                return items, page["metadata"]["resourceVersion"]
            query["continue"] = page["metadata"]["continue"]

    def _changes(self, kind: str, version: str, deadline: Deadline, fields: str) -> Iterator[Change]:
        """Changes since a resourceVersion, until the deadline, or until the server ends or outdates the watch."""
        seconds = deadline.left()
        if seconds <= 0:
            return
        query = {
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(max(1, int(seconds + 0.999))),
            **_selectors("", fields),
        }
        for line in self._api.stream(path_of(kind), query, deadline):
            event = json.loads(line)
            if event["type"] == "ERROR":
                return
            if event["type"] != "BOOKMARK":
                yield Change(event["type"], event["object"])


def _names(kind: str, names: Iterable[str]) -> str:
    names = list(names)
    return f"{count(len(names), kind)}: {listed(names, SHOWN)}"


def _left(kind: str, texts: Mapping[T, str], left: Collection[T]) -> str:
    return _names(kind, sorted(texts[name] for name in tuple(left)))


def _check_none(keys: Iterable[Key], kind: str, state: str) -> None:
    left = sorted(keys)
    if left:
        names = [key_text(key) for key in left]
        raise TimedOut(
            f"{count(len(left), kind)} {be(len(left))} {state}: {listed(names)}",
            next_step=describe_command(kind, left[0]),
            details=names,
        )


def _selectors(labels: str, fields: str) -> dict[str, str]:
    return {**({"labelSelector": labels} if labels else {}), **({"fieldSelector": fields} if fields else {})}
