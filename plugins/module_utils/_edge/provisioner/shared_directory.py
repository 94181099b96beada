# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check that a directory is the same in all nodes, by its device and inode."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import places
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.proof import compared_nodes

# Device and inode tell a directory: all nodes run on one kernel.
_LOOK = ("sh", "-c", 'test -d "$1" && test -w "$1" && stat -L -c "%d:%i" "$1"', "sh")


def check_mounts(engine: Engine, nodes: Sequence[Node], directory: str) -> None:
    """Raise Declined if the directory is no longer that of the host in all nodes; what is not mounted is not compared.

    Volumes that are created there could not be backed up, and would be gone after the nodes' next start.
    """
    shown = places(directory, (), compared_nodes(engine, nodes)) if nodes else ()
    decline(
        f"{directory} is not the host's directory in all nodes",
        [Refusal(place.node, place.mismatch, place.remedy) for place in shown if place.mismatch],
    )


def check_shared(engine: Engine, nodes: Sequence[Node], directory: str) -> tuple[str, ...]:
    """Check all nodes of the cluster. Raises BadInput; returns a warning if the engine does not show them."""
    names = [node.name for node in kubernetes_nodes(nodes)]
    if names:
        check_same_directory(engine, names, directory)
        return ()
    return (f"Whether {directory} is the same directory in all nodes was not checked: {engine.name} has none of them.",)


def check_same_directory(engine: Engine, nodes: Sequence[str], directory: str) -> None:
    """Raise BadInput, with the nodes that differ, unless the directory is the same in all of these nodes.

    Nothing is written, so that check mode gives the same answer.
    """
    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        done = list(pool.map(lambda node: engine.inside(node).run([*_LOOK, directory], check=False), nodes))
    found = {node: look.out.strip() if look.code == 0 else "" for node, look in zip(nodes, done)}
    missing = [node for node in nodes if not found[node]]
    if missing:
        raise _different(engine, directory, nodes[0], missing, "is not a writable directory")
    different = [node for node in nodes if found[node] != found[nodes[0]]]
    if different:
        raise _different(engine, directory, nodes[0], different, f"is not the same as on {nodes[0]}")


def _different(engine: Engine, directory: str, first: str, nodes: list[str], why: str) -> BadInput:
    return BadInput(
        f"{directory} {why} on {', '.join(nodes)}: a pod that moves there would not find its data.",
        tried="; ".join(f"{engine.name} exec {node} stat -c %d:%i {directory}" for node in (first, nodes[0])),
        next_step="Mount one host directory there in all nodes (mounts of kindlab.volumes.kind_cluster), or use the"
        " node_path that is mounted.",
        details=nodes,
    )
