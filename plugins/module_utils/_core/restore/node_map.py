# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore into a cluster with other node names: rewrite the affinity, and suggest a node_map."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import renamed_affinity
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import node_annotations


def renamed(pv: Object, node_map: Mapping[str, str]) -> Object:
    """A PersistentVolume to create whose affinity names the new nodes; that of an existing one is immutable."""
    moved = copy.deepcopy(pv)
    affinity = moved["spec"].get("nodeAffinity") or {}
    if affinity.get("required"):
        affinity["required"] = renamed_affinity(affinity["required"], node_map)
    annotations = moved["metadata"].get("annotations") or {}
    for name in node_annotations():
        if name in annotations:
            annotations[name] = node_map.get(annotations[name], annotations[name])
    return moved


def likely_map(
    old_cluster: str, old_nodes: Iterable[str], new_cluster: str, new_nodes: Iterable[str]
) -> dict[str, str]:
    """Old node -> the new cluster's node of the same role and number, if there is one.

    kind names nodes CLUSTER-control-plane, CLUSTER-worker, CLUSTER-worker2 and so on.
    """
    existing = set(new_nodes)
    likely = {}
    for old in sorted(set(old_nodes)):
        new = f"{new_cluster}{old.removeprefix(old_cluster)}"
        if old.startswith(f"{old_cluster}-") and new in existing:
            likely[old] = new
    return likely
