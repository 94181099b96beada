# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Describe the cluster that is backed up: its nodes, the pods that may write, and the options that create it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.cluster import (
    describe_cluster,
    running_pods,
    with_lost_nodes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import record_of
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.source.options import recorded_or_found
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation


def described(name: str, found: Observation, loaded_images: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Fields of backup.plan.Observed. The options of a cluster that others created are read from its nodes."""
    record = record_of(found.objects["ConfigMap"])
    shape = recorded_or_found(found.engine, name, found.nodes, record)
    return {
        "nodes": with_lost_nodes(name, found.nodes, found.objects),
        "pods": running_pods(found.nodes, found.objects),
        "cluster": describe_cluster(name, found.nodes, found.objects, shape, loaded_images),
    }
