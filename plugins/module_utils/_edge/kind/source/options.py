# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options that create a cluster once more: recorded ones, or those that its nodes show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import is_adopted, known_options
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.found import taken_over
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.model import Found
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from .node_files import find_options


def recorded_or_found(engine: Engine, cluster: str, nodes: Sequence[Node], record: Mapping[str, Any] | None) -> Found:
    """The recorded options; those of a cluster that others created are read from its nodes."""
    options = known_options(record, nodes)
    if options and not is_adopted(record or {}):
        return Found(options)
    if not any(node.role == CONTROL_PLANE and node.state == "running" for node in nodes):
        return Found(options, problem="" if options else "no control plane is running")
    found = find_options(engine, cluster, nodes)
    return taken_over(found, options) if options else found
