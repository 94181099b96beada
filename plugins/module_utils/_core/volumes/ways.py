# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the data in a directory of the host is reached: there, or through a node that has the directory mounted."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed

from .places import Place


def through(directory: str, nodes: Iterable[Node], *, changing: bool = False, beside: bool = False) -> Place | None:
    """The directory in a running node that has it mounted, and nothing else; None if no node has.

    changing: not where it is mounted read-only. beside: the directory above is mounted with it, so that it can be
    renamed.
    """
    path = posixpath.normpath(directory)
    for node in kubernetes_nodes(nodes):
        for inside in node.paths_of(path) if node.state == RUNNING else ():
            mount = node.mount_of(inside)
            if mount is None or node.host_directory(inside) != path or mount.fault_of(inside):
                continue
            # A mount point cannot be renamed, and nothing can be renamed from one mount into another.
            above = node.mount_of(posixpath.dirname(inside)) is mount
            if not (changing and mount.read_only) and (above or not beside):
                return Place(node.name, inside, path)
    return None


def through_text(ways: Mapping[str, Place]) -> str:
    """One line for people, '' if there is nothing to say. ways: volume's name -> its directory in a node."""
    if not ways:
        return ""
    where = listed(f"{name} ({place.node_directory} in {place.node})" for name, place in ways.items())
    return (
        f"The data of {count(len(ways), 'volume')} is read and written through nodes, because this user may not do "
        f"so on this host: {where}"
    )
