"""What people set on Nodes: read without what Kubernetes sets by itself, and set again with nothing else changed."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.node_settings import (
    node_settings,
    rows,
    settings_patch,
    taint_text,
    without_created,
    without_labels,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import merge

PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
GPU = {"key": "gpu", "value": "a", "effect": "NoExecute"}
NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}
OWN = {
    "kubernetes.io/hostname": "lab-worker",
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "beta.kubernetes.io/os": "linux",
    "beta.kubernetes.io/arch": "amd64",
    "node-role.kubernetes.io/control-plane": "",
    "node.kubernetes.io/exclude-from-external-load-balancers": "",
}


def node(labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "lab-worker", "resourceVersion": "7", "labels": {**OWN, **(labels or {})}},
        "spec": spec,
    }


def test_what_kubernetes_sets_is_left_out() -> None:
    found = node_settings([node({"zone": "a", "node-role.kubernetes.io/worker": ""}, taints=[NOT_READY, GPU])])
    assert found == {
        "lab-worker": {
            "labels": {"node-role.kubernetes.io/worker": "", "zone": "a"},
            "taints": [GPU],
            "cordoned": False,
        }
    }
    assert node_settings([{"metadata": {"name": "bare"}}]) == {"bare": {"labels": {}, "taints": [], "cordoned": False}}


def test_the_patch_sets_what_is_missing_and_nothing_else() -> None:
    settings = node_settings([node({"zone": "a"}, taints=[GPU], unschedulable=True)])["lab-worker"]
    patch = settings_patch(settings, node({"zone": "b", "new": "x"}, taints=[PLANE, NOT_READY]))
    assert patch == {
        "metadata": {"labels": {"zone": "a"}, "resourceVersion": "7"},
        "spec": {"taints": [NOT_READY, GPU], "unschedulable": True},
    }
    assert settings_patch(settings, node({"zone": "a"}, taints=[GPU, NOT_READY], unschedulable=True)) is None
    assert settings_patch({**settings, "cordoned": False, "taints": []}, node()) == {
        "metadata": {"labels": {"zone": "a"}}
    }


def test_a_taint_that_was_removed_stays_away() -> None:
    """Unless the nodes are others: kind keeps it off a control plane that is alone."""
    settings = node_settings([node()])["lab-worker"]
    assert settings_patch(settings, node(taints=[PLANE]))["spec"] == {"taints": []}  # type: ignore[index]
    assert settings_patch(settings, node(taints=[PLANE]), same_nodes=False) is None
    tainted = node_settings([node(taints=[PLANE])])["lab-worker"]
    assert settings_patch(tainted, node(), same_nodes=False) is None
    assert settings_patch(tainted, node())["spec"] == {"taints": [PLANE]}  # type: ignore[index]


def test_only_what_people_made_is_shown() -> None:
    settings = node_settings([node({"disk": "fast", "zone": "a"}, taints=[PLANE, GPU])])
    assert rows(settings, {"lab-worker": {"disk": "fast"}}) == [
        {"name": "lab-worker", "labels": {"zone": "a"}, "taints": ["gpu=a:NoExecute"], "cordoned": False}
    ]
    assert rows(node_settings([node({"disk": "fast"}, taints=[PLANE])]), {"lab-worker": {"disk": "fast"}}) == []
    assert without_labels(settings, ["zone"])["lab-worker"]["labels"] == {"disk": "fast"}
    for created, left in (({"disk": "fast"}, {"zone": "a"}), ({"disk": "slow"}, {"disk": "fast", "zone": "a"})):
        assert without_created(settings, {"lab-worker": created})["lab-worker"]["labels"] == left
    assert without_created(settings, {"lab-worker2": {"disk": "fast"}}) == settings


KEYS = st.sampled_from(["gpu", "zone", PLANE["key"], NOT_READY["key"]])
TAINTS = st.lists(
    st.fixed_dictionaries({"key": KEYS, "effect": st.sampled_from(["NoSchedule", "NoExecute"])}),
    unique_by=lambda taint: (taint["key"], taint["effect"]),
)
NODES = st.builds(
    lambda labels, taints, cordoned: node(labels, taints=taints, unschedulable=cordoned),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy")),
    TAINTS,
    st.booleans(),
)


@given(NODES, NODES)
def test_a_new_node_gets_what_the_old_one_had(old: dict[str, Any], new: dict[str, Any]) -> None:
    settings = node_settings([old])["lab-worker"]
    after = merge(new, settings_patch(settings, new) or {})
    found = node_settings([after])["lab-worker"]
    assert settings["labels"].items() <= found["labels"].items()
    assert sorted(map(taint_text, found["taints"])) == sorted(map(taint_text, settings["taints"]))
    assert found["cordoned"] or not settings["cordoned"]
    assert settings_patch(settings, after) is None
    conditions = [t for t in new["spec"]["taints"] if t["key"] == NOT_READY["key"]]
    assert [t for t in after["spec"]["taints"] if t["key"] == NOT_READY["key"]] == conditions
