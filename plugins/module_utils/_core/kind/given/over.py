# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of kind_cluster over those of a configuration of kind, and fields of kind within them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import (
    CLUSTER_FIELDS,
    HEAD,
    MOUNT_FIELDS,
    NODE_FIELDS,
    OTHERS,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.settings import NETWORKING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_numbers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .sizes import COUNTS, resized

Options = Mapping[str, Any]

_MERGED = ("networking", "feature_gates", "runtime_config", OTHERS)
_APPENDED = ("kubeadm_patches", "containerd_patches")
_NETWORKING = {field: option for option, (field, _type) in NETWORKING.items()}


def over(config: Options, given: Options) -> dict[str, Any]:
    """The options of a configuration with those that are given: these win, and what they do not mention stays.

    nodes takes the place of its nodes; the number of nodes changes theirs. A mount, label or port that a node has
    already is replaced. Raises BadInput.
    """
    given = {option: value for option, value in given.items() if value is not None}
    counts = {role: given.pop(option) for option, role in COUNTS.items() if option in given}
    check_numbers({option: counts[role] for option, role in COUNTS.items() if role in counts})
    if counts and "nodes" in given:
        raise BadInput("There are nodes and a number of nodes.", next_step="Use one of them.")
    if "networking" in given:
        given["networking"] = {_NETWORKING.get(key, key): value for key, value in given["networking"].items()}
    found = {**config, **given}
    for option in _MERGED:
        if option in config and option in given:
            found[option] = {**config[option], **given[option]}
    for option in _APPENDED:
        if option in config and option in given:
            found[option] = [*config[option], *given[option]]
    if "nodes" not in given:
        nodes = sorted(resized(config["nodes"], counts), key=lambda node: str(node["role"]))
        found["nodes"] = [_node(node, given, is_first=node is nodes[0]) for node in nodes]
    return found


def _node(node: Options, given: Options, *, is_first: bool) -> dict[str, Any]:
    """A node of the configuration without what all nodes, or the first control plane, get by the given options."""
    role = node["role"]
    paths = {m["node_path"] for m in given.get("mounts") or () if role in (m.get("roles") or [role])}
    ports = {_key(port) for port in given.get("ports") or ()} if is_first else set()
    own = {
        "labels": {**node.get("labels", {}), **(given.get("labels") or {})},
        "mounts": [mount for mount in node.get("mounts", ()) if mount["node_path"] not in paths],
        "ports": [port for port in node.get("ports", ()) if _key(port) not in ports],
    }
    rest = {option: value for option, value in node.items() if option not in own}
    return {**rest, **{option: value for option, value in own.items() if value}}


def _key(port: Options) -> tuple[int, str]:
    return int(port["node_port"]), (port.get("protocol") or "TCP").upper()


def check_fields(options: Options) -> None:
    """Raise BadInput for fields of kind within these options that have an option of their own."""
    nodes = options.get("nodes") or ()
    mounts = [mount for owner in (options, *nodes) for mount in owner.get("mounts") or ()]
    networking = (options.get(OTHERS) or {}).get("networking") or {}
    rows: list[tuple[Options, Iterable[str]]] = [
        (options, {*CLUSTER_FIELDS.values(), *HEAD} - {"networking"}),
        ({OTHERS: networking}, _NETWORKING),
        *((node, NODE_FIELDS.values()) for node in nodes),
        *((mount, MOUNT_FIELDS.values()) for mount in mounts),
    ]
    taken = {field for owner, names in rows for field in owner.get(OTHERS) or {} if field in names}
    if taken:
        raise BadInput(
            f"kind_fields has {listed(sorted(taken))}, which other options set.",
            next_step="Use these options, or write a configuration of kind and name it in config.",
        )
