# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where data on the host that a generation replaces is read and changed: there, or in a node that has it mounted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import Source
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.ways import (
    Ways,
    for_changing,
    for_reading,
    host_sources,
    may_everything,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate import survey
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context

__all__ = ["for_changing"]


def sources(context: Context, directories: Mapping[str, str], choose: Ways = for_reading) -> dict[str, Source]:
    """Name -> where a directory of the host is read, or changed. choose: for_reading, or for_changing."""
    return host_sources(directories, nodes(context), context.engine, choose)


def nodes(context: Context) -> Sequence[Node]:
    """The nodes that have directories of the host mounted, as far as this user needs one."""
    if may_everything():
        return ()
    try:
        return survey.current_nodes(context, context.connect())
    except Unreachable:
        return ()


def whole(context: Context) -> bool:
    """Whether the restore will compare data by content."""
    return bool(context.options["checksums"] == "full")
