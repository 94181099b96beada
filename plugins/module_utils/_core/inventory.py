# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where volumes are: who uses them, their directories on the host, and directories that no volume has."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.topology import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volume import Object, Volume, unknown_names

LOCAL_PATH_CONFIG = "local-path-config"


@dataclass(frozen=True)
class Place:
    """A directory of one node, and the directory on the host that holds it ('' where none does)."""

    node: str
    node_directory: str
    host_directory: str


def check_cluster(cluster: str, nodes: Iterable[Node]) -> None:
    """Raise BadInput where the engine has no such cluster."""
    if not tuple(nodes):
        raise BadInput(
            f"The engine has no node of a kind cluster named {cluster}.",
            next_step="Name the cluster as 'kind get clusters' shows it, and the engine that runs it.",
        )


def check_names(cluster: str, volumes: Iterable[Volume], names: Iterable[str] | None) -> None:
    """Raise BadInput where a cluster has no volume of a name that is asked for, nor of a claim of that name."""
    unknown = unknown_names(volumes, names)
    if unknown:
        raise BadInput(
            f"The cluster {cluster} has no volume of this name, or of a claim of this name: {', '.join(unknown)}.",
            tried="kubectl get persistentvolumes",
            next_step="Name volumes by themselves, or by their claims as namespace/name.",
        )


def check_same_cluster(cluster: str, nodes: Iterable[Node], kubernetes_nodes: Iterable[Object]) -> None:
    """Raise BadInput where the API is that of another cluster.

    Directories on the host are found by the mounts of node containers: those of another cluster would be wrong.
    """
    containers = {node.name for node in nodes}
    known = {node["metadata"]["name"] for node in kubernetes_nodes}
    if not known & containers:
        raise BadInput(
            f"The kubeconfig leads to another cluster than {cluster}: its nodes are {', '.join(sorted(known))}, "
            f"those of {cluster} are {', '.join(sorted(containers))}.",
            next_step=f"Name the kubeconfig and context of {cluster}: kind get kubeconfig --name {cluster}",
        )


def places(node_directory: str, names: Iterable[str], nodes: Iterable[Node]) -> tuple[Place, ...]:
    """A directory in the named nodes, or in all nodes that run pods where no name is given."""
    wanted = set(names)
    chosen = (n for n in nodes if (n.name in wanted if wanted else n.role != "external-load-balancer"))
    return tuple(Place(n.name, node_directory, n.host_directory(node_directory) or "") for n in chosen)


def volume_places(volume: Volume, nodes: Iterable[Node]) -> tuple[Place, ...]:
    """Where a volume's directory lies; () for a source without a directory in the node."""
    return places(volume.node_directory, volume.nodes, nodes) if volume.node_directory else ()


def used_directories(volumes: Iterable[Volume], nodes: Iterable[Node]) -> set[str]:
    """The host directories of all volumes; those whose nodes are gone may be in any node's."""
    nodes = tuple(nodes)
    used: set[str] = set()
    for volume in volumes:
        found = volume_places(volume, nodes) or places(volume.node_directory, (), nodes)
        used |= {p.host_directory for p in found if volume.node_directory}
    return used - {""}


def pods_by_claim(pods: Iterable[Object]) -> dict[str, list[Object]]:
    """'namespace/name' of a claim -> the pods that name it, each {namespace, name, node, phase}."""
    using: dict[str, list[Object]] = {}
    for pod in pods:
        metadata, spec = pod["metadata"], pod["spec"]
        shown = {
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "node": spec.get("nodeName", ""),
            "phase": (pod.get("status") or {}).get("phase", ""),
        }
        for claim in claims_of(pod):
            using.setdefault(f"{metadata['namespace']}/{claim}", []).append(shown)
    return using


def claims_of(pod: Mapping[str, Any], *, own: bool = True) -> list[str]:
    """The names of the claims that a pod names; own: also of those that come and go with it."""
    volumes = pod["spec"].get("volumes") or ()
    named = {v["persistentVolumeClaim"]["claimName"] for v in volumes if v.get("persistentVolumeClaim")}
    # A generic ephemeral volume's claim is named after its pod (Kubernetes: ephemeral volumes).
    ephemeral = {f"{pod['metadata']['name']}-{v['name']}" for v in volumes if own and v.get("ephemeral")}
    return sorted(named | ephemeral)


def provisioner_directories(config_maps: Iterable[Object]) -> dict[str, tuple[str, ...]]:
    """Node directory -> the nodes where local-path-provisioner makes volumes in it, () for any node.

    Source: local-path-provisioner's config.json, where a nodePathMap or sharedFileSystemPath stands at the top, or
    per class in storageClassConfigs.
    """
    found: dict[str, set[str]] = {}
    anywhere: set[str] = set()
    for item in config_maps:
        if item["metadata"]["name"] != LOCAL_PATH_CONFIG:
            continue
        config = _config(item)
        for part in (config, *(config.get("storageClassConfigs") or {}).values()):
            if part.get("sharedFileSystemPath"):
                anywhere.add(posixpath.normpath(part["sharedFileSystemPath"]))
            for entry in part.get("nodePathMap") or ():
                node = entry.get("node", "")
                for path in map(posixpath.normpath, entry.get("paths") or ()):
                    found.setdefault(path, set()).add(node)
    for path in list(found):
        if "DEFAULT_PATH_FOR_NON_LISTED_NODES" in found[path]:
            anywhere.add(path)
    return {path: () if path in anywhere else tuple(sorted(found[path])) for path in sorted({*found, *anywhere})}


def watched_places(
    volumes: Iterable[Volume], config_maps: Iterable[Object], nodes: Iterable[Node]
) -> dict[str, list[Place]]:
    """Host directory -> the places it serves, for every directory that provisioners make volumes in.

    Those are the directories of local-path's configuration, and the parents of volumes that a provisioner made.
    """
    nodes = tuple(nodes)
    watched = [p for path, names in provisioner_directories(config_maps).items() for p in places(path, names, nodes)]
    for volume in volumes:
        if volume.provisioned_by and volume.node_directory:
            watched += places(posixpath.dirname(volume.node_directory), volume.nodes, nodes)
    serving: dict[str, list[Place]] = {}
    for place in sorted(set(watched), key=lambda p: (p.host_directory, p.node, p.node_directory)):
        if place.host_directory:
            serving.setdefault(place.host_directory, []).append(place)
    return serving


def orphans(
    watched: Mapping[str, list[Place]], found: Mapping[str, Iterable[str]], used: Iterable[str]
) -> list[Object]:
    """The directories that no volume has, each {host_directory, node_directory, nodes}.

    watched: as watched_places gives it; found: host directory -> names of the directories in it; used: the host
    directories of all volumes. A directory that lies above or below a volume's is not an orphan.
    """
    used = set(used)
    above = {ancestor for path in used for ancestor in _ancestors(path)}
    result = []
    for parent, serving in watched.items():
        for name in sorted(found.get(parent, ())):
            path = posixpath.join(parent, name)
            if path in used or path in above or used & set(_ancestors(path)):
                continue
            result.append(
                {
                    "host_directory": path,
                    "node_directory": posixpath.join(serving[0].node_directory, name),
                    "nodes": sorted({p.node for p in serving}),
                }
            )
    return result


def describe(volume: Volume, nodes: Iterable[Node], pods: Mapping[str, list[Object]]) -> Object:
    """A volume in the words of the modules' results. host_directory: '' where its nodes don't share one."""
    found = volume_places(volume, nodes)
    shared = {p.host_directory for p in found}
    return {
        "name": volume.name,
        "claim": volume.claim,
        "phase": volume.phase,
        "claim_phase": volume.claim_phase,
        "storage_class": volume.storage_class,
        "reclaim_policy": volume.reclaim_policy,
        "original_reclaim_policy": volume.original_policy,
        "capacity": volume.capacity,
        "access_modes": list(volume.access_modes),
        "source": volume.source,
        "provisioned_by": volume.provisioned_by,
        "nodes": list(volume.nodes),
        "node_directory": volume.node_directory,
        "host_directory": shared.pop() if len(shared) == 1 else "",
        "host_directories": {p.node: p.host_directory for p in found},
        "pods": pods.get(volume.claim, []) if volume.claim_phase == "Bound" else [],
    }


def _ancestors(path: str) -> list[str]:
    found = []
    while path != posixpath.dirname(path):
        path = posixpath.dirname(path)
        found.append(path)
    return found


def _config(config_map: Object) -> Object:
    try:
        config = json.loads((config_map.get("data") or {}).get("config.json", ""))
    except ValueError:
        return {}
    return config if isinstance(config, dict) else {}
