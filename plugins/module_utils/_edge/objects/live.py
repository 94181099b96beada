# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe what a cluster has of the kinds that are restored, in the versions in which they were saved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.changes.scaled import AUTOSCALER
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Resource, Saved, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.restoring import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.step import NAMESPACE
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from . import reader

# Read in any case: whether a namespace is being deleted, which class is the default, and who scales workloads.
_ALWAYS = (NAMESPACE, ("storage.k8s.io", "StorageClass"), AUTOSCALER)
# Read if a pod names one.
_NODE = ("", "Node")
Type = tuple[str, str]


def observe(cluster: Cluster, saved: Saved, types: Iterable[Resource]) -> Observed:
    """The objects of all saved kinds. types: those of the cluster, as reader.discover() tells."""
    resources = {(found.group, found.kind): found for found in types}
    wanted = {(item["apiVersion"], item["kind"]) for item in saved.made}
    wanted |= {(change.api_version, change.key.kind) for change in saved.changed}
    other = [
        (version, kind)
        for version, kind in wanted
        if (found := resources.get((_group(version), kind))) and found.api_version != version
    ]
    versions = sorted({version for version, _kind in other})
    served = dict(zip(versions, cluster.each(partial(_kinds, cluster), versions)))
    gone = {(version, kind) for version, kind in other if kind not in served[version]}
    named = any(item["kind"] == "Pod" and "nodeName" in (item.get("spec") or ()) for item in saved.made)
    always = (*_ALWAYS, _NODE) if named else _ALWAYS
    read = {type_: resources[type_] for type_ in always if type_ in resources}
    for version, kind in wanted:
        type_ = _group(version), kind
        if type_ in resources:
            preferred = resources[type_]
            read[type_] = preferred if (version, kind) in gone else _in_version(preferred, version)
    items, _refused = reader.read(cluster, read.values())
    return Observed({key_of(item): item for item in items}, resources, gone)


def _kinds(cluster: Cluster, version: str) -> set[str]:
    """The kinds of a version, none if it is not served."""
    try:
        document = cluster.read(f"/apis/{version}" if "/" in version else f"/api/{version}")
    except Unreachable:
        raise
    except KindlabError:
        return set()
    return {row["kind"] for row in document.get("resources") or ()}


def _in_version(resource: Resource, version: str) -> Resource:
    return replace(resource, version=version.rpartition("/")[2])


def _group(version: str) -> str:
    return version.partition("/")[0] if "/" in version else ""
