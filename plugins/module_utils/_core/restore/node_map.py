# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes in a cluster whose nodes have other names: the affinity rewritten, and the names that may be meant."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import naming_requirements

# Where local-path-provisioner notes the node whose directory it empties when the volume is deleted.
SELECTED_NODE = "local.path.provisioner/selected-node"


def remapped(pv: Object, node_map: Mapping[str, str]) -> Object:
    """A PersistentVolume whose affinity names the new nodes.

    A PersistentVolume's affinity can't be changed where it is: this is for one that is created anew.
    """
    moved = copy.deepcopy(pv)
    required = (moved["spec"].get("nodeAffinity") or {}).get("required") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for requirement in naming_requirements(term):
            renamed = (node_map.get(name, name) for name in requirement["values"])
            requirement["values"] = list(dict.fromkeys(renamed))
    annotations = moved["metadata"].get("annotations") or {}
    if SELECTED_NODE in annotations:
        annotations[SELECTED_NODE] = node_map.get(annotations[SELECTED_NODE], annotations[SELECTED_NODE])
    return moved


def likely_map(
    old_cluster: str, old_nodes: Iterable[str], new_cluster: str, new_nodes: Iterable[str]
) -> dict[str, str]:
    """Old node -> the node of the same number and role in the new cluster, where there is one.

    kind names nodes CLUSTER-control-plane, CLUSTER-worker, CLUSTER-worker2 and so on.
    """
    present = set(new_nodes)
    found = {}
    for old in sorted(set(old_nodes)):
        new = f"{new_cluster}{old.removeprefix(old_cluster)}"
        if old.startswith(f"{old_cluster}-") and new in present:
            found[old] = new
    return found
