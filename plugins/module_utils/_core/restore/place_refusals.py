# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reasons not to restore a volume that nodes give: none that fits its affinity, or no certain place for its data."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import naming_requirements
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place, volume_nodes

from .maps import likely_map
from .model import Observed, Request, SelectedVolume

_SAME_MOUNT = "Recreate the cluster with the same mount in all nodes."
_START = "Start the cluster's nodes: run kindlab.volumes.kind_cluster with state=present."


def node_refusal(selected: SelectedVolume, request: Request, observed: Observed) -> Refusal | None:
    """An affinity that no node of the cluster fits."""
    names = selected.volume.nodes
    if not names:
        return _label_refusal(selected, observed.nodes)
    if set(names) & observed.node_names:
        there = [node for node in observed.nodes if node.name in names]
        return _label_refusal(selected, there)
    backup = observed.generation.catalog.cluster
    missing = {*(node.name for node in backup.nodes), *selected.saved.nodes} - observed.node_names
    likely = likely_map(backup.name, missing, request.cluster, observed.node_names)
    node_map = ", ".join(f"{old}: {new}" for old, new in {**request.node_map, **likely}.items())
    return selected.refuse(
        f"its node {' or '.join(names)} is not in this cluster, which has {', '.join(sorted(observed.node_names))}",
        f"Set node_map{f', probably to {{{node_map}}}' if likely else ''}, or recreate the cluster under its old name.",
    )


def _label_refusal(selected: SelectedVolume, nodes: Sequence[Node]) -> Refusal | None:
    # A CSI driver labels the nodes itself, once it is installed.
    if not nodes or selected.volume.source == "csi" or volume_nodes(selected.volume, nodes):
        return None
    terms = (selected.volume.required or {}).get("nodeSelectorTerms") or ()
    required = [r for term in terms for r in (*(term.get("matchExpressions") or ()), *(term.get("matchFields") or ()))]
    naming = [r for term in terms for r in naming_requirements(term)] if selected.volume.nodes else []
    example = next((node.name for node in nodes if node.takes_pods), nodes[0].name)
    labels, texts = [_label(r) for r in required if r not in naming], " and ".join(map(_text, required))
    known = bool(labels) and all(labels)
    command = f"kubectl label node {example} {' '.join(labels)}" if known else "kubectl get nodes --show-labels"
    return selected.refuse(
        f"no node of this cluster fits its node affinity, which requires {texts or 'a node that cannot exist'}",
        f"Label the node that its pods run on: {command}",
    )


def _label(requirement: Object) -> str:
    """The label that fulfils a requirement, '' if none does."""
    values = requirement.get("values") or ("",)
    return f"{requirement['key']}={values[0]}" if requirement["operator"] in ("In", "Exists") else ""


def _text(requirement: Object) -> str:
    key, operator, values = requirement["key"], requirement["operator"], list(requirement.get("values") or [])
    if operator == "In" and len(values) == 1:
        return f"{key}={values[0]}"
    return f"{key} {operator} ({', '.join(values)})" if values else f"{key} {operator}"


def place_refusal(selected: SelectedVolume, places: Sequence[Place], observed: Observed) -> Refusal | None:
    """Data in several directories; data inside a node without an archive, or for more than one node."""
    path = selected.volume.node_directory
    if not path or selected.volume.is_block:
        return None
    if not places:
        return selected.refuse(f"its node {' or '.join(selected.volume.nodes)} has no container", _START)
    if differing := next((place for place in places if place.mismatch), None):
        return selected.refuse(differing.mismatch, differing.remedy)
    inside = [place.node for place in places if not place.host_directory]
    mounted = {place.node: place.host_directory for place in places if place.host_directory}
    if len(set(mounted.values())) > 1:
        named = ", ".join(f"{directory} in {node}" for node, directory in mounted.items())
        return selected.refuse(f"{path} is mounted from different host directories in its nodes: {named}", _SAME_MOUNT)
    if mounted and inside:
        return selected.refuse(
            f"{path} is mounted from the host in {', '.join(mounted)}, but not in {', '.join(inside)}, where its pods "
            "may run, too",
            _SAME_MOUNT,
        )
    return None if mounted else _inside_refusal(selected, inside, observed)


def _inside_refusal(selected: SelectedVolume, inside: Sequence[str], observed: Observed) -> Refusal | None:
    """A directory that is not mounted from the host in any of its nodes."""
    saved, path = selected.saved, selected.volume.node_directory
    if saved.archive is None:
        origin = f" (it was mounted from {saved.host_directory})" if saved.host_directory else ""
        return selected.refuse(
            f"{path} is not mounted from the host in this cluster{origin}, and the backup has no archive of it",
            "Recreate the cluster with the mount that its data needs, or use a backup that was made with data=archive.",
        )
    if len(inside) != 1:
        return selected.refuse(
            f"{path} is not mounted from the host, and its pods may run on several nodes: {', '.join(inside)}",
            "Recreate the cluster with a host directory mounted there in all nodes.",
        )
    state = next(node.state for node in observed.nodes if node.name == inside[0])
    if state != RUNNING:
        return selected.refuse(f"{path} is inside its node {inside[0]}, which is {state}", _START)
    return None
