# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The new cluster: its nodes as they will be, and how they differ from those that there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.cluster import with_api_facts
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.node_settings import Settings
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import plain_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import (
    CLUSTER_FIELDS,
    OTHERS,
    kind_config,
)
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

from .requested import each_node

Options = Mapping[str, Any]
# Options of the whole cluster.
CLUSTER_OPTIONS = (*CLUSTER_FIELDS, "controller_manager_qps", OTHERS)

_CONTROL_PLANE_TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
# What a diff does not show: how host directories are created.
_CREATION = ("create", "mode")


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
    return [_change_text(difference) for difference in differences]


def _change_text(difference: Difference) -> str:
    if difference.field != "node":
        return f"{f'{difference.node}: ' if difference.node else ''}{difference.change()}"
    role = difference.before or difference.after
    return f"{difference.node} ({role}) is {'removed' if difference.before else 'added'}"


def shown(name: str, options: Options) -> dict[str, Any]:
    """The cluster as a diff shows it. options: as cluster_options() returns them."""
    nodes = each_node(options)
    names = node_names(name, [node["role"] for node in nodes])
    rest = {option: value for option, value in options.items() if value and option in CLUSTER_OPTIONS}
    return {"nodes": dict(zip(names, map(_shown_node, nodes))), **rest}


def _shown_node(node: Options) -> dict[str, Any]:
    mounts = [{k: v for k, v in mount.items() if v and k not in _CREATION} for mount in node.get("mounts") or ()]
    return {**node, **({"mounts": mounts} if mounts else {})}
