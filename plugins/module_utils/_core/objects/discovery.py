# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an API server says about its resource types: the aggregated discovery documents, and those of older servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

from .model import Key, LeftOut, Resource

ROOTS = ("/api", "/apis")
_AGGREGATED = "APIGroupDiscoveryList"
# What is asked for: everything in one document, else the list of groups.
ACCEPT = ",".join(
    [f"application/json;g=apidiscovery.k8s.io;v={version};as={_AGGREGATED}" for version in ("v2", "v2beta1")]
    + ["application/json"]
)
# What an object must allow to be saved and restored.
_NEEDED = frozenset(("get", "list", "create"))
# The kind of a row that stands for all kinds of an API group.
ALL_KINDS = "*"


def is_aggregated(document: Mapping[str, Any]) -> bool:
    """True if it describes resource types, and does not only list API groups."""
    return document.get("kind") == _AGGREGATED


def resources(documents: Iterable[Mapping[str, Any]]) -> tuple[Resource, ...]:
    """The types whose objects can be read and created, each in the preferred version that has it.

    documents: those of ROOTS.
    """
    return _preferred(_described(documents))


def unanswered(documents: Iterable[Mapping[str, Any]]) -> list[LeftOut]:
    """The API groups whose own server does not answer, so that nobody knows what they have."""
    return [
        LeftOut(Key(group["metadata"]["name"], ALL_KINDS, "", ""), "the server of this API group does not answer")
        for document in documents
        for group in document.get("items") or ()
        if not any(version.get("resources") for version in group.get("versions") or ())
        and any(version.get("freshness") == "Stale" for version in group.get("versions") or ())
    ]


def version_paths(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    """The documents of each API version, preferred versions first, as older servers list them."""
    paths = []
    for document in documents:
        paths += [f"/api/{version}" for version in document.get("versions") or ()]
        for group in document.get("groups") or ():
            preferred = (group.get("preferredVersion") or {}).get("groupVersion")
            versions = [version["groupVersion"] for version in group["versions"]]
            paths += [f"/apis/{version}" for version in sorted(versions, key=lambda version: version != preferred)]
    return paths


def older_resources(documents: Iterable[Mapping[str, Any]]) -> tuple[Resource, ...]:
    """As resources(), from the documents of version_paths()."""
    return _preferred(_listed(documents))


def _described(documents: Iterable[Mapping[str, Any]]) -> Iterator[Resource]:
    for document in documents:
        for group in document.get("items") or ():
            name = (group.get("metadata") or {}).get("name", "")
            for version in group.get("versions") or ():
                for found in version.get("resources") or ():
                    parts = {part.get("subresource") for part in found.get("subresources") or ()}
                    yield Resource(
                        name,
                        version["version"],
                        # A resource of which only subresources are served has no kind.
                        (found.get("responseKind") or {}).get("kind", ""),
                        found["resource"],
                        found.get("scope") == "Namespaced",
                        frozenset(found.get("verbs") or ()),
                        "status" in parts,
                    )


def _listed(documents: Iterable[Mapping[str, Any]]) -> Iterator[Resource]:
    for document in documents:
        group, _slash, version = document["groupVersion"].rpartition("/")
        rows: list[Object] = document.get("resources") or []
        names = {row["name"] for row in rows}
        for row in rows:
            if "/" not in row["name"]:
                status = f"{row['name']}/status" in names
                verbs = frozenset(row.get("verbs") or ())
                yield Resource(group, version, row["kind"], row["name"], bool(row.get("namespaced")), verbs, status)


def _preferred(found: Iterable[Resource]) -> tuple[Resource, ...]:
    """The first of each type that can be read and created, sorted."""
    first: dict[tuple[str, str], Resource] = {}
    for resource in found:
        if resource.kind and resource.verbs >= _NEEDED:
            first.setdefault((resource.group, resource.kind), resource)
    return tuple(resource for _name, resource in sorted(first.items()))


def as_stored(resources: Iterable[Resource], definitions: Iterable[Mapping[str, Any]]) -> tuple[Resource, ...]:
    """The types in the version that is stored, where a webhook converts to others: its pods may not run.

    They are still needed to read what was stored in an earlier version, and where the stored one is not served.
    definitions: the CustomResourceDefinitions of the cluster.
    """
    stored = {}
    for definition in definitions:
        spec = definition["spec"]
        if (spec.get("conversion") or {}).get("strategy") == "Webhook":
            names = [one["name"] for one in spec["versions"] if one.get("storage") and one.get("served")]
            stored[spec["group"], spec["names"]["kind"]] = names
    return tuple(
        replace(one, version=name) for one in resources for name in stored.get((one.group, one.kind)) or [one.version]
    )
