"""Node names are rewritten where an affinity names nodes, and nowhere else."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import affinity_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.node_map import likely_map, renamed

names = st.sampled_from(["a-worker", "a-worker2", "b-worker", "zone"])


@st.composite
def pvs(draw):
    keys = ["metadata.name", "kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    terms = [
        {
            "matchFields" if key == "metadata.name" else "matchExpressions": [
                {"key": key, "operator": "In", "values": draw(st.lists(names, min_size=1, max_size=2, unique=True))}
            ]
        }
        for key in draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3))
    ]
    metadata = {"name": "v", "annotations": {"local.path.provisioner/selected-node": "a-worker", "other": "a-worker"}}
    return {
        "metadata": metadata,
        "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}, "hostPath": {"path": "/a-worker"}},
    }


@given(pvs(), st.dictionaries(names, names))
def test_every_named_node_is_renamed_and_nothing_else(pv, node_map):
    before = copy.deepcopy(pv)
    moved = renamed(pv, node_map)
    assert pv == before
    assert affinity_nodes(moved) == tuple(sorted({node_map.get(n, n) for n in affinity_nodes(pv)}))
    assert moved["spec"]["hostPath"] == pv["spec"]["hostPath"]
    annotations = {"local.path.provisioner/selected-node": node_map.get("a-worker", "a-worker"), "other": "a-worker"}
    assert moved["metadata"] == {"name": "v", "annotations": annotations}


def test_a_volume_for_any_node_stays_as_it_is():
    pv = {"metadata": {"name": "v"}, "spec": {"hostPath": {"path": "/x"}}}
    assert renamed(pv, {"a": "b"}) == pv


def test_nodes_of_the_same_number_and_role_are_suggested():
    assert likely_map("old", ["old-worker2", "old-worker", "stranger"], "new", ["new-worker", "new-control-plane"]) == {
        "old-worker": "new-worker"
    }
