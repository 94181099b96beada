# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of kind_cluster for the new cluster: recorded ones, replaced by those that are given, each node's image."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.cluster import with_api_facts
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.node_settings import Settings
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import plain_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import (
    Difference,
    container_drift,
    record_drift,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import (
    CONTROL_PLANE,
    LOAD_BALANCER,
    Node,
    node_names,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import HOSTNAME

Options = Mapping[str, Any]

_CONTROL_PLANE_TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
# Options of kind_cluster that a recreation sets itself.
NOT_DESCRIBED = ("name", "state", "engine", "kind", "kubeconfig", "backup", "force")
# Options of all nodes that each node may have by itself; given for all, they replace those.
_OF_NODES = ("image", "mounts", "ports")


def cluster_options(
    name: str, requested: Options, recorded: Options, images: Mapping[str, str], known: Collection[str] = ()
) -> dict[str, Any]:
    """The options of kind_cluster for the new cluster; those that are requested replace recorded ones.

    images: node's name -> its image, for nodes without one; '' is the image of all others. known: the options of
    kind_cluster. Raises BadInput if they are incomplete, or if some are not for the user to set.
    """
    _check(requested, recorded, known)
    options = {**recorded, **requested}
    if "nodes" not in options:
        raise BadInput(
            f"Cluster {name} was not created by kindlab.volumes.kind_cluster, so its options are not recorded. "
            "Nothing was changed.",
            next_step="Describe the cluster in options: nodes, and everything else that it was created with.",
        )
    nodes = list(options["nodes"])
    if "nodes" not in requested:
        replaced = [option for option in _OF_NODES if option in requested]
        labels = requested.get("labels") or {}
        nodes = [_replaced(node, replaced, labels) for node in nodes]
    return {**options, "nodes": nodes if options.get("image") else _with_images(name, nodes, images)}


def cluster_spec(name: str, options: Options) -> ClusterSpec:
    """The cluster that these options describe. Raises BadInput."""
    return ClusterSpec.from_options({**options, "name": name})


def created_nodes(spec: ClusterSpec) -> list[str]:
    """The names of all node containers."""
    planes = sum(node.role == CONTROL_PLANE for node in spec.nodes)
    return sorted(
        [*(node.name for node in spec.nodes), *(node_names(spec.name, [LOAD_BALANCER]) if planes > 1 else [])]
    )


def expected_nodes(spec: ClusterSpec, settings: Settings) -> tuple[Node, ...]:
    """The nodes of the new cluster, with the labels and taints that they will have. settings: see node_settings."""
    alone = len(spec.nodes) == 1
    objects = []
    for node in spec.nodes:
        own = settings.get(node.name) or {}
        planned = [] if alone or node.role != CONTROL_PLANE else [_CONTROL_PLANE_TAINT]
        labels = {HOSTNAME: node.name, "kubernetes.io/os": "linux", **node.labels, **(own.get("labels") or {})}
        spec_of_node = {"taints": own.get("taints", planned)}
        objects.append({"metadata": {"name": node.name, "labels": labels}, "spec": spec_of_node})
    return with_api_facts(spec.as_created(), objects)


def images_of(spec: ClusterSpec) -> list[str]:
    """The images of the nodes."""
    return sorted({node.image for node in spec.nodes if node.image})


def are_images_of(ids: Mapping[str, str], images: Iterable[str], nodes: Iterable[Node]) -> bool:
    """True if images are those of a cluster. ids: their ids by name; images, nodes: of the cluster."""
    # A name may have been given to another image since.
    replaced = any(ids.get(node.image, node.image_id) != node.image_id for node in nodes if node.image_id)
    return not replaced and set(map(plain_name, ids)) <= set(map(plain_name, images))


def changes(name: str, before: Options, after: Options) -> tuple[Difference, ...]:
    """How the cluster that options describe differs from the one that others describe."""
    old, new = cluster_spec(name, before), cluster_spec(name, after)
    return (*container_drift(new, old.as_created(), {}), *record_drift(new, kind_config(old)))


def undescribed(spec: ClusterSpec, nodes: Sequence[Node]) -> tuple[Difference, ...]:
    """How node containers differ from what is described, other than by their image."""
    return tuple(difference for difference in container_drift(spec, nodes, {}) if difference.field != "image")


def change_texts(differences: Iterable[Difference]) -> list[str]:
    """A line for each difference."""
    return [f"{d.node}: {d.refusal().why}" if d.node else d.refusal().why for d in differences]


def requested_labels(requested: Options) -> set[str]:
    """The labels that are requested for all nodes, or for some."""
    owners = (requested, *(requested.get("nodes") or ()))
    return {str(label) for owner in owners for label in owner.get("labels") or {}}


def keeping_directories(options: Options) -> dict[str, Any]:
    """The options without the creation of host directories: an empty one would hide that its data is missing."""

    def kept(owner: Mapping[str, Any]) -> dict[str, Any]:
        mounts = owner.get("mounts")
        return {**owner, "mounts": [{**mount, "create": False} for mount in mounts]} if mounts else dict(owner)

    return {**kept(options), "nodes": [kept(node) for node in options["nodes"]]}


def _check(requested: Options, recorded: Options, known: Collection[str]) -> None:
    own = [option for option in NOT_DESCRIBED if option in requested]
    if own:
        raise BadInput(
            f"options must not contain {', '.join(own)}. Nothing was changed.",
            next_step="Set cluster, engine, kind and kubeconfig as options of this module.",
        )
    unknown = sorted(option for option in requested if known and option not in known)
    if unknown:
        raise BadInput(
            f"options contains {', '.join(unknown)}, which kindlab.volumes.kind_cluster does not have. "
            "Nothing was changed.",
            next_step="List its options: ansible-doc kindlab.volumes.kind_cluster",
        )
    counts = [option for option in ("control_planes", "workers") if option in requested]
    if counts and (recorded or "nodes" in requested):
        raise BadInput(
            f"options.{counts[0]} cannot change the nodes of an existing cluster. Nothing was changed.",
            next_step="Describe all nodes in options.nodes instead.",
        )


def _replaced(node: Options, left_out: Collection[str], labels: Mapping[str, Any]) -> dict[str, Any]:
    kept = {option: value for option, value in node.items() if option not in left_out}
    return {**kept, "labels": {**kept["labels"], **labels}} if labels and kept.get("labels") else kept


def _with_images(name: str, nodes: Sequence[Options], images: Mapping[str, str]) -> list[dict[str, Any]]:
    """Nodes in the order of ClusterSpec, each with an image if any is known."""
    ordered = sorted(({**node, "role": node.get("role") or CONTROL_PLANE} for node in nodes), key=lambda n: n["role"])
    names = node_names(name, [node["role"] for node in ordered])
    found = []
    for node_name, node in zip(names, ordered, strict=True):
        image = node.get("image") or images.get(node_name) or images.get("", "")
        found.append({**node, "image": image} if image else node)
    return found
