"""The number of nodes of each role, made of those that are described."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.given.sizes import resized

PLANE = {"role": "control-plane", "ports": [{"node_port": 80}]}
ONE = {"role": "worker", "labels": {"a": "1", "b": "1"}, "kind_fields": {"gpus": "all", "x": 1}, "patches": ["kind: A"]}
TWO = {"role": "worker", "labels": {"a": "1", "b": "2"}, "kind_fields": {"gpus": "all", "x": 2}, "patches": ["kind: A"]}


def test_the_last_ones_go() -> None:
    assert resized([PLANE, ONE, TWO], {"worker": 1}) == [PLANE, ONE]
    assert resized([PLANE, ONE, TWO], {}) == [PLANE, ONE, TWO]


def test_new_ones_have_what_all_of_their_role_have() -> None:
    common = {"role": "worker", "labels": {"a": "1"}, "kind_fields": {"gpus": "all"}, "patches": ["kind: A"]}
    assert resized([PLANE, ONE, TWO], {"worker": 3}) == [PLANE, ONE, TWO, common]
    assert resized([PLANE], {"worker": 1, "control-plane": 2}) == [{"role": "worker"}, PLANE, {"role": "control-plane"}]
