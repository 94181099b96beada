# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read all objects of a cluster: what types it has, and every object of them, in bulk and in parallel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects import discovery
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key, LeftOut, Resource
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.selection import NAMESPACE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.waves import DEFINITION
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import Missing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.watch import PAGE

# What people see of the types whose objects are read.
READ = "kinds read"


def discover(cluster: Cluster) -> tuple[Resource, ...]:
    """The types whose objects can be read and created."""
    return discover_all(cluster)[0]


def discover_all(cluster: Cluster) -> tuple[tuple[Resource, ...], list[LeftOut]]:
    """The same, and the API groups of which nothing is known."""
    documents = cluster.each(lambda root: cluster.read(root, accept=discovery.ACCEPT), discovery.ROOTS)
    if all(map(discovery.is_aggregated, documents)):
        return discovery.resources(documents), discovery.unanswered(documents)
    answers = cluster.each(partial(_version, cluster), discovery.version_paths(documents))
    found = [answer for answer in answers if isinstance(answer, dict)]
    return discovery.older_resources(found), [answer for answer in answers if isinstance(answer, LeftOut)]


def stored(cluster: Cluster, resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """The types in the versions in which their objects can be read without their own programs: see as_stored()."""
    resources = tuple(resources)
    definitions = [one for one in resources if (one.group, one.kind) == DEFINITION]
    found, _refused = read(cluster, definitions)
    return discovery.as_stored(resources, found)


def read(
    cluster: Cluster, resources: Iterable[Resource], namespaces: Sequence[str] = (), labels: str = ""
) -> tuple[list[Object], list[LeftOut]]:
    """All objects (of some namespaces, with some labels) with apiVersion and kind, and the types that are refused.

    Namespaces themselves are always read, all of them. Raises Unreachable if the server does not answer at all.
    """
    wanted = [
        (resource, namespace)
        for resource in resources
        for namespace in ((namespaces if resource.namespaced else ()) or ("",))
    ]
    REPORTER.done(READ, 0, of=len(wanted))
    answers = cluster.each(lambda one: _objects(cluster, *one, labels), wanted)
    items = [item for answer in answers if not isinstance(answer, LeftOut) for item in answer]
    # Once for each type, not for each namespace.
    refused = {answer.key: answer for answer in answers if isinstance(answer, LeftOut)}
    return items, list(refused.values())


def _objects(cluster: Cluster, resource: Resource, namespace: str, labels: str) -> list[Object] | LeftOut:
    selector = {"labelSelector": labels} if labels and (resource.group, resource.kind) != NAMESPACE else {}
    query = {"limit": str(PAGE), **selector}
    items: list[Object] = []
    try:
        while True:
            page = cluster.read(resource.path(namespace), query)
            items += page.get("items") or ()
            more = (page.get("metadata") or {}).get("continue")
            if not more:
                REPORTER.done(READ)
                break
            query["continue"] = more
    except Missing:
        # Its definition was deleted meanwhile.
        return []
    except KindlabError as error:
        if isinstance(error, Unreachable) and not resource.group:
            raise
        why = f"it cannot be listed: {' '.join(error.message.split())}"
        return LeftOut(Key(resource.group, resource.kind, "", ""), why)
    return [{**item, "apiVersion": resource.api_version, "kind": resource.kind} for item in items]


def _version(cluster: Cluster, path: str) -> Object | LeftOut:
    """One document of an older server."""
    try:
        return cluster.read(path)
    except Unreachable:
        raise
    except KindlabError as error:
        group = path.removeprefix("/apis/").rpartition("/")[0]
        return LeftOut(Key(group, discovery.ALL_KINDS, "", ""), f"it cannot be described: {error.message}")
