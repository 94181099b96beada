# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of kind_cluster for the new cluster: recorded ones, replaced by those that are given, each node complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import OTHERS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.given.sizes import COUNTS, resized
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import (
    CONTROL_PLANE,
    WORKER,
    node_names,
)

Options = Mapping[str, Any]

# Options of kind_cluster that a recreation sets itself.
NOT_DESCRIBED = (
    *("name", "state", "engine", "kind", "kubeconfig", "backup", "force"),
    *("assume_unused", "assume_saved", "assume_image", "accept_loss"),
)
# Options of all nodes that each node may have by itself; given for all, they replace those.
_REPLACED = ("image", "mounts", "ports")
_SHARED = (*_REPLACED, "labels")


def cluster_options(
    name: str, requested: Options, recorded: Options, images: Mapping[str, str], problem: str = ""
) -> dict[str, Any]:
    """The options for the new cluster: nodes, each with all that is its own, and those of the whole cluster.

    requested: replaces recorded options, see the module's documentation. images: node's name -> its image, for nodes
    without one; '' is the image of all others. problem: why nothing is recorded. Raises BadInput if the options are
    incomplete.
    """
    if not recorded and not {"nodes", *COUNTS} & requested.keys():
        raise BadInput(
            f"Cluster {name} was not created by kindlab.volumes.kind_cluster, so its options are not recorded"
            f"{f', and they cannot be read from it: {problem}' if problem else ''}. Nothing was changed.",
            next_step="Describe the cluster in options: nodes, and everything else that it was created with.",
        )
    counts = {role: int(requested[option]) for option, role in COUNTS.items() if option in requested}
    if counts and "nodes" in requested:
        raise BadInput(
            "options contains nodes and a number of nodes. Nothing was changed.",
            next_step="Describe the nodes in options.nodes, or their number in options.control_planes and "
            "options.workers.",
        )
    if counts.get(CONTROL_PLANE, 1) < 1 or counts.get(WORKER, 0) < 0:
        raise BadInput(
            "options.control_planes must be at least 1, and options.workers at least 0. Nothing was changed.",
            next_step="Correct them.",
        )
    if "nodes" in requested:
        nodes = list(requested["nodes"])
    else:
        nodes = resized(_renewed(each_node(recorded), requested), {**({} if recorded else _ALONE), **counts})
    rest = {option: value for option, value in {**recorded, **requested}.items() if option not in (*_SHARED, *COUNTS)}
    shared = {option: requested[option] for option in _SHARED if option in requested}
    return {**rest, "nodes": _with_images(name, each_node({"nodes": nodes, **shared}), images)}


_ALONE = {CONTROL_PLANE: 1, WORKER: 0}


def each_node(options: Options) -> list[dict[str, Any]]:
    """The nodes, control planes first, each with what it gets of the options of all nodes."""
    found: list[dict[str, Any]] = []
    nodes = ({**node, "role": node.get("role") or CONTROL_PLANE} for node in options.get("nodes") or ())
    for node in sorted(nodes, key=lambda n: str(n["role"])):
        mounts = [m for m in options.get("mounts") or () if not m.get("roles") or node["role"] in m["roles"]]
        own = {
            "image": node.get("image") or options.get("image"),
            "labels": {**(options.get("labels") or {}), **(node.get("labels") or {})},
            "mounts": [_without_roles(mount) for mount in (*mounts, *(node.get("mounts") or ()))],
            "ports": [*(node.get("ports") or ()), *((options.get("ports") or ()) if not found else ())],
            "patches": list(node.get("patches") or ()),
            OTHERS: dict(node.get(OTHERS) or {}),
        }
        found.append({"role": node["role"], **{option: value for option, value in own.items() if value}})
    return found


def host_paths(options: Options) -> set[str]:
    """The host paths that the nodes have mounted."""
    return {str(mount["host_path"]) for node in each_node(options) for mount in node.get("mounts", ())}


def keeping_directories(options: Options, paths: set[str] | None = None) -> dict[str, Any]:
    """The options without the creation of host directories: an empty one would hide that its data is missing.

    paths: those that the cluster had; None for all.
    """

    def kept(mount: Options) -> dict[str, Any]:
        return {**mount, **({"create": False} if paths is None or mount["host_path"] in paths else {})}

    nodes = [
        {**node, **({"mounts": [kept(mount) for mount in node["mounts"]]} if node.get("mounts") else {})}
        for node in options["nodes"]
    ]
    return {**options, "nodes": nodes}


def requested_labels(requested: Options) -> set[str]:
    """The labels that are requested for all nodes, or for some."""
    owners = (requested, *(requested.get("nodes") or ()))
    return {str(label) for owner in owners for label in owner.get("labels") or {}}


def created_labels(name: str, options: Options) -> dict[str, dict[str, str]]:
    """Node's name -> the labels that it is created with."""
    nodes = each_node(options)
    names = node_names(name, [node["role"] for node in nodes])
    return {node_name: dict(node.get("labels") or {}) for node_name, node in zip(names, nodes)}


def check_own(requested: Options) -> None:
    """Raise BadInput for options that a recreation sets itself."""
    own = [option for option in NOT_DESCRIBED if option in requested]
    if own:
        raise BadInput(
            f"options must not contain {', '.join(own)}. Nothing was changed.",
            next_step="Set cluster, engine, kind and kubeconfig as options of this module.",
        )


def _without_roles(mount: Options) -> dict[str, Any]:
    return {option: value for option, value in mount.items() if option != "roles"}


def _renewed(nodes: Sequence[Options], requested: Options) -> list[dict[str, Any]]:
    """Recorded nodes without what is requested for all nodes now."""
    labels = requested.get("labels") or {}
    left_out = [option for option in _REPLACED if option in requested]
    kept = [{option: value for option, value in node.items() if option not in left_out} for node in nodes]
    return [{**node, "labels": {**node["labels"], **labels}} if node.get("labels") else node for node in kept]


def _with_images(name: str, nodes: Sequence[Options], images: Mapping[str, str]) -> list[dict[str, Any]]:
    """Nodes in the order of ClusterSpec, each with an image if any is known."""
    found = []
    for node_name, node in zip(node_names(name, [node["role"] for node in nodes]), nodes):
        image = node.get("image") or images.get(node_name) or images.get("", "")
        found.append({**node, "image": image} if image else dict(node))
    return found
