# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data that is set aside where it is used: on the host, or in a node."""

from __future__ import annotations

from types import ModuleType

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import Source

from . import in_node, on_host


def data_in(source: Source) -> ModuleType:
    """The module whose functions set such data aside: both have the same, of their own directories."""
    return on_host if isinstance(source, str) else in_node
