"""A cluster that was created as requested has no drift, and every change is found."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import config_text, kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import (
    Difference,
    container_drift,
    record_drift,
    unverifiable_options,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.tests.unit.support.cluster_options import OPTIONS
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import KindHost, containers


def created(spec: ClusterSpec) -> tuple[Node, ...]:
    """The nodes as the engine shows them after kind created them."""
    host = KindHost()
    host.nodes = containers(json.loads(config_text(kind_config(spec))))
    return Engine("docker", host).nodes(spec.name)


def differences(asked: ClusterSpec, there: ClusterSpec) -> list[Difference]:
    return [
        *container_drift(asked, created(there), {}),
        *record_drift(asked, json.loads(config_text(kind_config(there)))),
    ]


@given(OPTIONS)
def test_a_cluster_that_was_created_as_requested_has_none(options: dict[str, Any]) -> None:
    spec = ClusterSpec.from_options(options)
    assert differences(spec, spec) == []


@given(OPTIONS)
def test_check_mode_predicts_the_nodes(options: dict[str, Any]) -> None:
    spec = ClusterSpec.from_options({**options, "image": "node:1"})
    shown = {n.name: (n.role, n.state, n.image) for n in spec.as_created()}
    assert {n.name: (n.role, n.state, n.image) for n in created(spec) if n.role != "external-load-balancer"} == shown
    assert container_drift(spec, spec.as_created(), {}) == ()


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@given(OPTIONS, OPTIONS)
def test_seen_from_both_sides_it_is_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Ports that kind chooses and images that nobody names match everything on one side only: they are left out."""
    fixed = {"image": "node:1", "ports": []}
    a, b = ClusterSpec.from_options({**one, **fixed}), ClusterSpec.from_options({**other, **fixed})
    there = {(d.node, d.field, text(d.before), text(d.after)) for d in differences(a, b)}
    back = {(d.node, d.field, text(d.after), text(d.before)) for d in differences(b, a)}
    assert there == back
    same = (kind_config(a), {n.name: n.mounts for n in a.nodes}) == (
        kind_config(b),
        {n.name: n.mounts for n in b.nodes},
    )
    assert (not there) == same


BASE: dict[str, Any] = {
    "name": "lab",
    "control_planes": 1,
    "workers": 1,
    "image": "kindest/node:v1",
    "mounts": [{"host_path": "/h", "node_path": "/n"}],
    "ports": [{"node_port": 80, "host_port": 8080, "listen": "127.0.0.1"}],
}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"workers": 0}, [("lab-worker", "node", "worker", None)]),
        ({"control_planes": 2}, [("lab-control-plane2", "node", None, "control-plane")]),
        (
            {"mounts": [{"host_path": "/other", "node_path": "/n", "roles": ["worker"], "read_only": True}]},
            [
                ("lab-control-plane", "mount /n", "/h", None),
                ("lab-worker", "mount /n", "/h", "/other, read-only"),
            ],
        ),
        (
            {"mounts": [{"host_path": "/h", "node_path": "/n", "propagation": "Bidirectional"}], "workers": 1},
            [(f"lab-{role}", "mount /n", "/h", "/h, rshared") for role in ("control-plane", "worker")],
        ),
        ({"ports": []}, [("lab-control-plane", "ports", ["127.0.0.1:8080->80/TCP"], [])]),
        (
            {"ports": [{"node_port": 80, "host_port": 8080, "listen": "127.0.0.1", "protocol": "UDP"}]},
            [("lab-control-plane", "ports", ["127.0.0.1:8080->80/TCP"], ["127.0.0.1:8080->80/UDP"])],
        ),
        ({"ports": [{"node_port": 80}]}, [("lab-control-plane", "ports", ["127.0.0.1:8080->80/TCP"], ["any->80/TCP"])]),
        ({"ports": [{"node_port": 80, "listen": "127.0.0.1"}]}, []),
        ({"image": None}, []),
        ({"image": "registry.example/kindest/node:v1"}, []),
        (
            {"image": "kindest/node:v2", "workers": 0},
            [
                ("lab-control-plane", "image", "kindest/node:v1", "kindest/node:v2"),
                ("lab-worker", "node", "worker", None),
            ],
        ),
    ],
)
def test_what_containers_show(change: dict[str, Any], found: list[Any]) -> None:
    drift = container_drift(ClusterSpec.from_options({**BASE, **change}), created(ClusterSpec.from_options(BASE)), {})
    assert [dataclasses.astuple(d) for d in drift] == found


def test_an_image_is_known_by_its_content_too() -> None:
    nodes = created(ClusterSpec.from_options(BASE))
    asked = ClusterSpec.from_options({**BASE, "image": "mirror/node:x"})
    assert container_drift(asked, nodes, {"mirror/node:x": nodes[0].image_id}) == ()
    assert len(container_drift(asked, nodes, {"mirror/node:x": "another"})) == 2


def test_paths_as_docker_desktop_shows_them() -> None:
    nodes = [
        dataclasses.replace(
            n, mounts=tuple(dataclasses.replace(m, host_path=f"/host_mnt{m.host_path}") for m in n.mounts)
        )
        for n in created(ClusterSpec.from_options(BASE))
    ]
    assert container_drift(ClusterSpec.from_options(BASE), nodes, {}) == ()


def test_the_engines_word_for_private_does_not_matter() -> None:
    nodes = [
        dataclasses.replace(n, mounts=tuple(dataclasses.replace(m, propagation="") for m in n.mounts))
        for n in created(ClusterSpec.from_options(BASE))
    ]
    assert container_drift(ClusterSpec.from_options(BASE), nodes, {}) == ()


def test_a_published_api_server_port_of_ones_own() -> None:
    own = {**BASE, "ports": [{"node_port": 6443, "host_port": 7443}]}
    assert container_drift(ClusterSpec.from_options(own), created(ClusterSpec.from_options(own)), {}) == ()
    assert len(container_drift(ClusterSpec.from_options(own), created(ClusterSpec.from_options(BASE)), {})) == 1


def test_text_is_for_people() -> None:
    assert Difference("n", "image", "a", "b").refusal().text() == "n: image is a, but b was requested"
    assert Difference("", "labels", None, ["x", "y"]).refusal().text() == "labels is none, but x, y was requested"
    long = Difference("", "patches", "x" * 500, None).refusal()
    assert len(long.text()) < 200 and long.text().endswith("but none was requested")
    assert long.as_dict()["before"] == "x" * 500


def test_options_that_only_a_record_shows() -> None:
    assert unverifiable_options(ClusterSpec.from_options(BASE)) == ()
    asked = {**BASE, "labels": {"a": "b"}, "controller_manager_qps": 5, "feature_gates": {"A": True}}
    assert unverifiable_options(ClusterSpec.from_options(asked)) == (
        "feature_gates",
        "controller_manager_qps",
        "labels",
    )
