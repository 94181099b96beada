"""The cluster in a backup: recorded options, or those that its nodes show."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import config_text, kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import record
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.described.cluster import described
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation
from ansible_collections.kindlab.volumes.tests.unit.edge.kind.source.test_node_files import NODES, Nodes
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster

KINDS = ("Node", "Pod", "StorageClass", "ConfigMap", "Deployment", "DaemonSet")


@pytest.mark.parametrize("recorded", [True, False])
def test_the_options_of_a_cluster_whoever_created_it(recorded: bool) -> None:
    nodes = Nodes()
    spec = ClusterSpec.from_options({"name": "lab", "control_planes": 1, "workers": 1, "feature_gates": {"A": True}})
    objects: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    objects["ConfigMap"] = [record(config_text(kind_config(spec)), "0.32.0")] if recorded else []
    found = Observation(Engine("docker", nodes), tuple(NODES), FakeCluster(), objects)  # type: ignore[arg-type]
    cluster = described("lab", found, ())["cluster"]
    assert [node["role"] for node in cluster["options"]["nodes"]] == ["control-plane", "worker"]
    assert ("feature_gates" in cluster["options"], "doubts" in cluster) == (recorded, not recorded)
    # A recorded one costs no command.
    assert bool(nodes.calls) is not recorded
