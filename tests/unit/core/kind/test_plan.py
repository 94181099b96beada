"""The steps from an observed cluster to the requested one, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import config_text, kind_config
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import compare_record
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.mark import CREATING, DELETING, Mark
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.observed import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.preflight import Machine
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.plan import (
    Request,
    needs_blockers,
    needs_machine,
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
NAMES = tuple(node.name for node in NODES)
STEPS = ("remove", "create", "start", "write_kubeconfig", "merge", "finish", "adopt")
SILENT: dict[str, Any] = {"version": "", "record": None}
MADE, GOING = Mark(CREATING, user="ann", pid=7, since="2026-11-30T01:00:00Z"), Mark(DELETING, nodes=NAMES)
LOST: dict[str, Any] = {"named": False, "connects": False}


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
        ({}, existing(mark=MADE), ["finish"]),
        ({}, existing(record=None), ["adopt"]),
        ({}, Observed("/k", NODES, mark=MADE, unused=True), ["remove", "create", "finish"]),
        ({}, existing(mark=MADE, **LOST), ["write_kubeconfig", "finish"]),
        ({}, existing(mark=GOING, **LOST), ["write_kubeconfig", "finish"]),
        ({}, Observed("/k", NODES[:1], mark=GOING), ["remove", "create", "finish"]),
        ({}, Observed("/k", NODES[1:], mark=GOING, blockers=(Refusal("v", "?"),)), ["remove", "create", "finish"]),
        ({"state": "absent"}, Observed("/k"), []),
        ({"state": "absent"}, Observed("/k", merged=True), ["remove"]),
        ({"state": "absent"}, Observed("/k", outdated=True), ["remove"]),
        ({"state": "absent"}, Observed("/k", mark=MADE), ["remove"]),
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


@pytest.mark.parametrize(
    ("options", "observed", "reachable"),
    [
        ({}, existing(), True),
        ({"merge_kubeconfig": True}, existing(), True),
        ({}, existing(record=None), True),
        ({}, existing(mark=MADE), True),
        ({}, existing(**LOST), False),
        ({}, existing(**SILENT), False),
        ({}, Observed("/k"), False),
        ({"state": "absent"}, existing(), False),
    ],
)
def test_the_next_task_in_check_mode_may_ask_the_cluster_as_it_is(
    options: dict[str, Any], observed: Observed, reachable: bool
) -> None:
    assert plan(request(**options), observed).result()["reachable"] is reachable


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
    assert plan(request(labels={"a": "b"}), existing(record=None, mark=MADE)).warnings == ()


def test_what_was_only_requested_of_a_cluster_of_others_may_be_requested_differently() -> None:
    adopted = record(config_text(kind_config(request(labels={"a": "b"}).spec)), "0.32.0", adopted=True)
    assert not plan(request(labels={"a": "b"}), existing(record=adopted)).changes
    corrected = plan(request(labels={"a": "c"}), existing(record=adopted))
    assert corrected.adopt and "labels" in corrected.warnings[0]


def test_a_cluster_that_may_be_unfinished_and_can_not_be_asked_is_declined() -> None:
    stopped = tuple(replace(node, state="exited") for node in NODES)
    with pytest.raises(Declined, match="may be unfinished, and may have volumes; nothing was changed") as raised:
        plan(request(), Observed("/k", stopped, mark=MADE, doubt="lab-control-plane is not running"))
    assert "process 7 of ann, since 2026-11-30T01:00:00Z" in raised.value.message
    assert f"docker start {' '.join(NAMES)}" in raised.value.next_step and "force=true" in raised.value.next_step


def test_one_node_more_does_not_make_a_cluster_look_half_deleted() -> None:
    """Its deletion failed before a node was gone; then the request has more nodes than there are."""
    with pytest.raises(Declined, match="differs"):
        plan(request(workers=2), Observed("/k", NODES, mark=GOING))


def test_the_rest_of_a_deletion_is_not_replaced_while_it_may_be_in_use() -> None:
    left = Observed("/k", NODES[:1], mark=GOING, blockers=(Refusal("v", "it is in use"),))
    assert needs_blockers(request(), left)
    with pytest.raises(Declined, match="its rest may be in use"):
        plan(request(), left)


def test_what_the_host_lacks_is_declined_before_anything_is_created() -> None:
    others = tuple(Node(f"other-{n}", "other", "control-plane") for n in range(4))
    lacking = Machine(
        images={"node:1": "docker does not have it"},
        containers=("lab-worker",),
        ports={"80/TCP": "another program of this host listens on it"},
        others=(*others, Node("stopped", "other", "worker", "exited")),
        instances=128,
        root="/var/lib/docker",
        free_bytes=1 << 20,
    )
    assert needs_machine(request(), Observed("/k"))
    with pytest.raises(Declined, match="cannot be created on this host; nothing was changed") as raised:
        plan(request(), Observed("/k", machine=lacking))
    assert [row["name"] for row in raised.value.details] == [
        "node:1",
        "lab-worker",
        "port 80/TCP",
        "inotify instances",
        "disk of /var/lib/docker",
    ]
    assert (
        "each user may have 128, the cluster needs about 45, and those of other use about 120" in raised.value.message
    )
    assert "sudo sysctl -w fs.inotify.max_user_instances=1024" in raised.value.next_step
    enough = replace(lacking, images={"node:1": ""}, containers=(), ports={}, instances=165, free_bytes=1 << 30)
    assert plan(request(), Observed("/k", machine=enough)).create


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
        ({"state": "absent"}, Observed("/k", NODES, mark=MADE, unused=True)),
        ({"state": "absent"}, Observed("/k", NODES[1:], mark=GOING)),
    ],
)
def test_blockers_are_only_read_for_a_cluster_that_may_be_in_use(options: dict[str, Any], observed: Observed) -> None:
    assert not needs_blockers(request(**options), observed)
