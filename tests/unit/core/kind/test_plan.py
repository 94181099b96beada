"""The steps from an observed cluster to the requested one, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import config_text, kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import compare_record
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.plan import (
    Observed,
    Request,
    needs_blockers,
    plan,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.record import record
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal

OPTIONS: dict[str, Any] = {
    "name": "lab",
    "state": "present",
    "control_planes": 1,
    "workers": 1,
    "image": "node:1",
    "merge_kubeconfig": False,
    "retain_on_failure": False,
    "force": False,
}


def request(**options: Any) -> Request:
    return Request.from_options({**OPTIONS, **options})


def existing(**fields: Any) -> Observed:
    """The cluster of these options, running, with its record."""
    spec = request().spec
    seen = {
        "nodes": spec.as_created(),
        "named": True,
        "connects": True,
        "version": "v1",
        "record": record(config_text(kind_config(spec)), "0.32.0"),
    }
    return Observed("/k", **{**seen, **fields})


NODES = existing().nodes
STEPS = ("remove", "create", "start", "write_kubeconfig", "merge", "finish")
SILENT: dict[str, Any] = {"version": "", "record": None}


@pytest.mark.parametrize(
    ("options", "observed", "steps"),
    [
        ({}, existing(), []),
        ({}, Observed("/k"), ["create", "finish"]),
        ({"merge_kubeconfig": True}, Observed("/k", named=True), ["remove", "create", "merge", "finish"]),
        ({"merge_kubeconfig": True}, existing(), ["merge"]),
        ({"merge_kubeconfig": True}, existing(merged=True), []),
        ({}, existing(connects=False, named=False), ["write_kubeconfig"]),
        ({}, existing(nodes=(replace(NODES[0], state="exited"), NODES[1]), **SILENT), ["start"]),
        ({}, existing(unfinished=True), ["finish"]),
        ({}, Observed("/k", NODES, unfinished=True), ["remove", "create", "finish"]),
        ({}, existing(unfinished=True, named=False, connects=False, has_volumes=True), ["write_kubeconfig", "finish"]),
        (
            {},
            Observed("/k", NODES[:1], unfinished=True, removing=True, has_volumes=True),
            ["remove", "create", "finish"],
        ),
        ({"state": "absent"}, Observed("/k"), []),
        ({"state": "absent"}, Observed("/k", merged=True), ["remove"]),
        ({"state": "absent"}, Observed("/k", unfinished=True), ["remove"]),
        ({"state": "absent"}, existing(), ["remove"]),
        ({"state": "absent", "force": True}, existing(blockers=(Refusal("v", "in use"),)), ["remove"]),
    ],
)
def test_steps(options: dict[str, Any], observed: Observed, steps: list[str]) -> None:
    planned = plan(request(**options), observed)
    assert [step for step in STEPS if getattr(planned, step)] == steps
    assert planned.changes == bool(steps)
    before, after = planned.diff()
    assert before.keys() == after.keys() and (before == after or planned.changes)
    assert planned.result()["cluster"]["state"] == after["state"] == ("absent" if "state" in options else "running")


def test_drift_is_declined_by_node_and_field() -> None:
    with pytest.raises(Declined) as raised:
        plan(request(image="node:2", workers=0), existing())
    assert [(row["name"], row["field"], row["after"]) for row in raised.value.details] == [
        ("lab-control-plane", "image", "node:2"),
        ("lab-worker", "node", None),
    ]


def test_a_recorded_difference_is_declined() -> None:
    with pytest.raises(Declined, match="nothing was changed") as raised:
        plan(request(labels={"a": "b"}), existing())
    assert {row["field"] for row in raised.value.details} == {"labels"}
    with pytest.raises(Declined, match="nodes were started"):
        compare_record(request(labels={"a": "b"}).spec, existing().record, applied=True)


def test_an_edited_record_is_bad_input() -> None:
    with pytest.raises(BadInput):
        plan(request(), existing(record={"data": {"config": json.dumps([1])}}))


def test_without_a_record_options_are_named_in_a_warning() -> None:
    (warning,) = plan(request(labels={"a": "b"}), existing(record=None)).warnings
    assert "labels" in warning
    assert plan(request(labels={"a": "b"}), existing(record=None, unfinished=True)).warnings == ()


def test_nodes_of_unknown_origin_are_declined() -> None:
    with pytest.raises(Declined, match="kubeadm never ran") as raised:
        plan(request(), Observed("/k", NODES, has_credentials=False, engine="podman"))
    assert "KIND_EXPERIMENTAL_PROVIDER=podman kind delete cluster --name lab" in raised.value.next_step


def test_a_removal_that_loses_data_is_declined() -> None:
    blocked = existing(blockers=(Refusal("v", "it is in use", details={"claim": "a/b"}),))
    assert needs_blockers(request(state="absent"), blocked)
    with pytest.raises(Declined) as raised:
        plan(request(state="absent"), blocked)
    assert [(row["name"], row["claim"]) for row in raised.value.details] == [("v", "a/b")]
    assert "force=true" in raised.value.next_step


@pytest.mark.parametrize(
    ("options", "observed"),
    [
        ({"state": "present"}, existing()),
        ({"state": "absent", "force": True}, existing()),
        ({"state": "absent"}, Observed("/k")),
        ({"state": "absent"}, Observed("/k", NODES, unfinished=True)),
    ],
)
def test_blockers_are_only_read_for_a_cluster_that_may_be_in_use(options: dict[str, Any], observed: Observed) -> None:
    assert not needs_blockers(request(**options), observed)
