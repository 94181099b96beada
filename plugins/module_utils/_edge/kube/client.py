# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Client of one cluster's API server: reads, writes, evictions, and many of them in parallel."""

from __future__ import annotations

import builtins
import functools
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Conflict,
    KindlabError,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import default_kubeconfig
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.managed.fields import (
    creator,
    without_managers,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal

from .api import CONNECTIONS, JSON, Api, Missing, require_library
from .resources import namespace_of, path_of
from .watch import ListWatch, Objects

T = TypeVar("T")
R = TypeVar("R")

MANAGER = "kindlab.volumes"
MERGE = "application/merge-patch+json"


class Cluster(ListWatch):
    """One cluster. Objects are plain dictionaries, as the API shows them.

    Every method raises Unreachable if the server does not answer, and KindlabError if it refuses.
    """

    def __init__(self, kubeconfig: str | None = None, context: str | None = None, *, timeout: float = 30) -> None:
        super().__init__(Api(kubeconfig, context, timeout=timeout))

    def version(self) -> str:
        """The server's version, e.g. v1.34.4."""
        return str(self._api.ask("GET", "/version", has=("gitVersion",))["gitVersion"])

    def lists(self, *kinds: str) -> tuple[Objects, ...]:
        """All objects of several kinds, read in parallel."""
        return tuple(self.each(self.list, kinds))

    def read(self, path: str, query: Mapping[str, str] | None = None, accept: str = JSON) -> Object:
        """The answer to a GET of any path. Raises Missing if there is nothing."""
        return self._api.ask("GET", path, None, query, accept=accept)

    def write(
        self, method: str, path: str, body: Object | None, query: Mapping[str, str] | None = None, content: str = JSON
    ) -> Object:
        """The answer to a request that writes to any path, or would: see dryRun. Raises Missing and Conflict."""
        return self._api.ask(method, path, body, query, content)

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """One object, None if it does not exist."""
        try:
            return self._api.ask("GET", path_of(kind, namespace, name))
        except Missing:
            return None

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._api.host

    def root_ca(self) -> str:
        """The CA certificates of the cluster itself, as PEM; if it does not publish them those that TLS verified."""
        try:
            published = self.get("ConfigMap", "kube-root-ca.crt", "kube-system")
        except Unreachable:
            raise
        except KindlabError:
            published = None
        return str(((published or {}).get("data") or {}).get("ca.crt") or self._api.verified_ca)

    def create(self, item: Object) -> Object:
        """Create an object. Raises Conflict if one of that name exists."""
        query = {"fieldManager": creator(item, MANAGER)}
        return self._api.ask("POST", path_of(item["kind"], namespace_of(item)), without_managers(item), query)

    def create_missing(self, item: Object) -> None:
        """Create an object; an existing one of that name is left as it is."""
        with suppress(Conflict):
            self.create(item)

    def dry_run(self, item: Object) -> Object:
        """The object that create() would create; nothing is created. Raises KindlabError if it would be refused."""
        return self._api.ask(
            "POST", path_of(item["kind"], namespace_of(item)), without_managers(item), {"dryRun": "All"}
        )

    def apply(self, item: Object) -> Object:
        """Create the object, or set the fields that it has (server-side apply)."""
        query = {"fieldManager": MANAGER, "force": "true"}
        path = path_of(item["kind"], namespace_of(item), item["metadata"]["name"])
        return self._api.ask("PATCH", path, item, query, "application/apply-patch+yaml")

    def patch(self, kind: str, name: str, change: Object, namespace: str = "", subresource: str = "") -> Object:
        """Merge a change into an object; None removes a field. With a resourceVersion in it: Conflict if outdated."""
        path = path_of(kind, namespace, name) + (f"/{subresource}" if subresource else "")
        return self._api.ask("PATCH", path, change, {"fieldManager": MANAGER}, MERGE)

    def try_patch(self, kind: str, name: str, change: Object, namespace: str = "") -> None:
        """Ask whether patch() would be accepted; nothing is changed."""
        query = {"fieldManager": MANAGER, "dryRun": "All"}
        self._api.ask("PATCH", path_of(kind, namespace, name), change, query, MERGE)

    def delete(
        self, kind: str, name: str, namespace: str = "", *, propagation: str = "Background", read: Object | None = None
    ) -> None:
        """Request an object's deletion; nothing happens if it does not exist.

        read: the object as it was read; Conflict if it was changed since then, or is another one.
        """
        body: Object = {"propagationPolicy": propagation}
        if read is not None:
            body["preconditions"] = {key: read["metadata"][key] for key in ("uid", "resourceVersion")}
        with suppress(Missing):
            self._api.ask("DELETE", path_of(kind, namespace, name), body)

    def evict(self, name: str, namespace: str, uid: str, grace_period: int | None = None) -> str:
        """Request the eviction of the pod with this uid; '' if it is granted or the pod is gone, else why not now.

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

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> builtins.list[R]:
        """function(item) for all items, in parallel; results in their order. An error is raised after all are done."""
        with ThreadPoolExecutor(max_workers=CONNECTIONS) as pool:
            return [future.result() for future in [pool.submit(function, item) for item in items]]


def refused(cluster: Cluster, items: Iterable[Object]) -> list[Refusal]:
    """Those that the API server would not create, and why; nothing is created.

    It answers for objects that exist already as well, but not for those in a namespace that does not exist.
    """

    def ask(item: Object) -> Refusal | None:
        try:
            cluster.dry_run(item)
        except Unreachable:
            raise
        except (Conflict, Missing):
            return None
        except KindlabError as error:
            return Refusal(f"{item['kind']} {namespaced_name(item)}", error.message)
        return None

    return [refusal for refusal in cluster.each(ask, items) if refusal is not None]


def connector(timeout: float = 30) -> Callable[[str, str], Cluster]:
    """How to connect by a kubeconfig and a context. Raises BadInput if this machine lacks the library."""
    require_library()
    return functools.partial(Cluster, timeout=timeout)


def open_cluster(name: str, kubeconfig: str | None = None, context: str | None = None) -> Cluster:
    """The API of a kind cluster: by the given kubeconfig, else by the cluster's own file, else by the user's.

    In the user's kubeconfig the context is the one that kind writes, unless another is given.
    """
    own = os.path.expanduser(default_kubeconfig(name))
    if kubeconfig and not os.path.exists(kubeconfig):
        raise BadInput(
            f"The kubeconfig {kubeconfig} does not exist.",
            next_step=f"Write it: kind export kubeconfig --name {name} --kubeconfig {kubeconfig}",
        )
    if kubeconfig or os.path.exists(own):
        return Cluster(kubeconfig or own, context)
    return Cluster(None, context or f"kind-{name}")
