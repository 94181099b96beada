# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster by its API server: bulk reads, writes side by side, and watching."""

from __future__ import annotations

import builtins
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    Conflict,
    KindlabError,
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import default_kubeconfig
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

from .api import CONNECTIONS, Api, Missing
from .resources import (
    RESOURCES,
    Key,
    key_of,
    namespace_of,
    path_of,
)

Objects = list[Object]
T = TypeVar("T")
R = TypeVar("R")

WORKERS = CONNECTIONS
PAGE = 2000
MANAGER = "kindlab.volumes"


@dataclass(frozen=True)
class Change:
    """One event of a watch: ADDED, MODIFIED or DELETED, and the object as it is then (or last was)."""

    type: str
    object: Object


class Cluster:
    """One cluster by its API server. Objects are plain dictionaries, as the API shows them.

    Every method raises Unreachable where the server does not answer, and KindlabError where it refuses.
    """

    def __init__(self, kubeconfig: str | None = None, context: str | None = None, *, timeout: float = 30) -> None:
        self._api = Api(kubeconfig, context, timeout=timeout)
        self.host = self._api.host

    def version(self) -> str:
        """The server's version, e.g. v1.34.4."""
        return str(self._api.ask("GET", "/version")["gitVersion"])

    def list(self, kind: str, namespace: str = "", labels: str = "", fields: str = "") -> Objects:
        """All objects of a kind (in all namespaces, or one), with kind and apiVersion filled in.

        labels, fields: selectors as the API takes them, e.g. spec.nodeName=NODE.
        """
        return self._list(kind, namespace, labels, fields)[0]

    def lists(self, *kinds: str) -> tuple[Objects, ...]:
        """Several kinds at once, read side by side."""
        return tuple(self.each(self.list, kinds))

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """One object, None where there is none of that name."""
        try:
            return self._api.ask("GET", path_of(kind, namespace, name))
        except Missing:
            return None

    def create(self, wanted: Object) -> Object:
        """Create an object. Raises Conflict where one of that name exists."""
        return self._api.ask("POST", path_of(wanted["kind"], namespace_of(wanted)), wanted)

    def create_missing(self, item: Object) -> None:
        """Create an object; an existing one of that name is left as it is."""
        with suppress(Conflict):
            self.create(item)

    def dry_run(self, wanted: Object) -> Object:
        """What creating an object would give; nothing is made. Raises KindlabError where it would be refused."""
        return self._api.ask("POST", path_of(wanted["kind"], namespace_of(wanted)), wanted, {"dryRun": "All"})

    def apply(self, wanted: Object) -> Object:
        """Create the object or make the fields that are named here what they are named to be (server-side apply)."""
        query = {"fieldManager": MANAGER, "force": "true"}
        path = path_of(wanted["kind"], namespace_of(wanted), wanted["metadata"]["name"])
        return self._api.ask("PATCH", path, wanted, query, "application/apply-patch+yaml")

    def patch(self, kind: str, name: str, change: Object, namespace: str = "", subresource: str = "") -> Object:
        """Merge a change into an object; None removes a field. With a resourceVersion in it: Conflict if outdated."""
        path = path_of(kind, namespace, name) + (f"/{subresource}" if subresource else "")
        return self._api.ask("PATCH", path, change, None, "application/merge-patch+json")

    def delete(self, kind: str, name: str, namespace: str = "", *, propagation: str = "Background") -> None:
        """Ask for an object's deletion; nothing happens where there is none."""
        try:
            self._api.ask("DELETE", path_of(kind, namespace, name), {"propagationPolicy": propagation})
        except Missing:
            return

    def evict(self, name: str, namespace: str, uid: str, grace_period: int | None = None) -> str:
        """Ask for the eviction of this very pod; '' where it is granted or gone, else why not now.

        grace_period: in seconds; None is the pod's own, 0 is none at all.
        """
        grace = {} if grace_period is None else {"gracePeriodSeconds": grace_period}
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": {"preconditions": {"uid": uid}, **grace},
        }
        try:
            return self._api.evict(path_of("Pod", namespace, name) + "/eviction", body)
        except Missing:
            return ""

    def each(self, function: Callable[[T], R], things: Iterable[T], workers: int = WORKERS) -> builtins.list[R]:
        """function(thing) for all things, side by side; results in their order, the first error raised at the end."""
        with ThreadPoolExecutor(max_workers=workers) as pool:
            return [future.result() for future in [pool.submit(function, thing) for thing in things]]

    def watch(
        self, kind: str, timeout: float, namespace: str = "", labels: str = "", fields: str = ""
    ) -> Iterator[Change]:
        """All objects as ADDED, then every change as it comes, until the caller stops or the seconds are over.

        An object may be shown again (after a lost connection), also one that was deleted in between and is no
        longer shown: decide by what is shown now, never by counting.
        """
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            found, version = self._list(kind, namespace, labels, fields)
            for item in found:
                yield Change("ADDED", item)
            yield from self._changes(kind, namespace, labels, version, end, fields)

    def wait(
        self,
        kind: str,
        ready: Callable[[Object], bool],
        names: Iterable[Key],
        timeout: float,
        *,
        failed: Callable[[Object], str] = lambda _object: "",
    ) -> dict[Key, Object]:
        """Watch until every named object, a (namespace, name) with namespace '' for cluster-wide ones, is ready.

        failed: says why an object will never be ready ('' while it may). Raises KindlabError then, and TimedOut
        with the names that were not ready (details) where the seconds do not suffice.
        """
        waiting = set(names)
        last: dict[Key, Object] = {}
        if not waiting:
            return last
        for change in self.watch(kind, timeout):
            key = key_of(change.object)
            if key not in waiting and key not in last:
                continue
            last[key] = change.object
            why = failed(change.object)
            if why:
                raise KindlabError(f"{kind} {'/'.join(filter(None, key))}: {why}", next_step="See its events.")
            if change.type != "DELETED" and ready(change.object):
                waiting.discard(key)
            else:
                waiting.add(key)
            if not waiting:
                return last
        missing = sorted("/".join(filter(None, key)) for key in waiting)
        raise TimedOut(
            f"After {timeout:g} seconds {len(missing)} {kind}(s) are not ready: {', '.join(missing[:10])}",
            next_step=f"kubectl describe {kind.lower()} {missing[0].rpartition('/')[2]}",
            details=missing,
        )

    def wait_gone(self, kind: str, names: Iterable[Key], timeout: float) -> None:
        """Wait until none of the named objects exists any more. Raises TimedOut with those that are left."""
        left = self.left_after(kind, names, timeout, key_of)
        if left:
            names_left = sorted("/".join(filter(None, key)) for key in left)
            raise TimedOut(
                f"After {timeout:g} seconds {len(left)} {kind}(s) are still there: {', '.join(names_left[:10])}",
                next_step=f"kubectl describe {kind.lower()} {names_left[0].rpartition('/')[2]}",
                details=names_left,
            )

    def left_after(
        self,
        kind: str,
        names: Iterable[T],
        timeout: float,
        key: Callable[[Object], T],
        fields: str = "",
        gone: Callable[[Object], bool] = lambda _object: False,
    ) -> set[T]:
        """Wait until none of the objects exists any more; those that are left when the seconds are over.

        key: what names an object, e.g. its uid where another one of the same name must not be taken for it.
        gone: true for one that is as good as gone while it exists.
        """
        left = set(names)
        end = time.monotonic() + timeout
        while left:
            found, version = self._list(kind, "", "", fields)
            left &= {key(item) for item in found if not gone(item)}
            for change in self._changes(kind, "", "", version, end, fields) if left else ():
                if change.type == "DELETED" or gone(change.object):
                    left.discard(key(change.object))
                if not left:
                    break
            if time.monotonic() >= end:
                break
        return left

    def _list(self, kind: str, namespace: str, labels: str, fields: str = "") -> tuple[Objects, str]:
        prefix, _plural, _namespaced = RESOURCES[kind]
        version = prefix.split("/", 2)[2] if prefix.startswith("/apis/") else "v1"
        query = {"limit": str(PAGE), **_selectors(labels, fields)}
        items: Objects = []
        while True:
            page = self._api.ask("GET", path_of(kind, namespace), None, query)
            items += [{"apiVersion": version, "kind": kind, **item} for item in page["items"]]
            if not page["metadata"].get("continue"):
                return items, page["metadata"]["resourceVersion"]
            query["continue"] = page["metadata"]["continue"]

    def _changes(
        self, kind: str, namespace: str, labels: str, version: str, end: float, fields: str = ""
    ) -> Iterator[Change]:
        """Changes since a version, until the seconds are over or the server ends or outdates the watch."""
        seconds = end - time.monotonic()
        if seconds <= 0:
            return
        query = {
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(max(1, int(seconds + 0.999))),
            **_selectors(labels, fields),
        }
        for line in self._api.stream(path_of(kind, namespace), query, end):
            event = json.loads(line)
            if event["type"] == "ERROR":
                return
            if event["type"] != "BOOKMARK":
                yield Change(event["type"], event["object"])


def open_cluster(kind_name: str, kubeconfig: str | None = None, context: str | None = None) -> Cluster:
    """The API of a kind cluster: by the kubeconfig that is named, else its own file, else the user's.

    In the user's own kubeconfig the context is the one kind writes, unless another is named.
    """
    own = os.path.expanduser(default_kubeconfig(kind_name))
    if kubeconfig or os.path.exists(own):
        return Cluster(kubeconfig or own, context)
    return Cluster(None, context or f"kind-{kind_name}")


def _selectors(labels: str, fields: str) -> dict[str, str]:
    return {**({"labelSelector": labels} if labels else {}), **({"fieldSelector": fields} if fields else {})}
