"""Which directories the volumes of a cluster have."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.lost import MISSING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.prune.own import Own
from ansible_collections.kindlab.volumes.tests.unit.support.backups import volume


def test_a_volume_whose_node_is_gone_with_its_mounts_has_the_directory_of_the_others() -> None:
    nodes = (
        Node("k-worker", "k", "worker", mounts=(Mount("/data", "/srv/lab"),)),
        Node("k-worker2", "k", "worker", state=MISSING),
    )
    own = Own(nodes=nodes, volumes=read_volumes([volume(7, node="k-worker2")], []))
    assert [path for path, _owner, _who in own.owned()] == ["/srv/lab/v7"]
