"""Settings that nodes would not start with are known before they are created."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.cli import Kind
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host.trial import refusals
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner

FAILED = "failed to set feature gates from initial flags-based config:"


def tried(runner: ScriptedRunner, images: dict[str, str] | None = None, **options: Any) -> tuple[Refusal, ...]:
    spec = ClusterSpec.from_options({"name": "lab", "control_planes": 1, **options})
    return refusals(Engine("docker", runner), spec, {"n:1": ""} if images is None else images, Kind(runner, "docker"))


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("failed to load kubelet config file, path: /nonexistent", {}),
        (f"{FAILED} unrecognized feature gate: Bogus", {"feature gate Bogus": "does not know it"}),
        (
            f"{FAILED} cannot set feature gate Old to false, feature is locked to true",
            {"feature gate Old": "it cannot be false: it is locked to true"},
        ),
        (
            f"{FAILED} [unrecognized feature gate: A, unrecognized feature gate: B]",
            {"feature gate A": "does not know it", "feature gate B": "does not know it"},
        ),
    ],
)
def test_feature_gates_are_tried_by_the_kubelet(said: str, refused: dict[str, str]) -> None:
    runner = ScriptedRunner(
        script=[(["docker", "image", "inspect"], "id"), (["docker", "run", "--rm"], Completed(1, err=said))]
    )
    found = tried(runner, feature_gates={"A": True, "Old": False})
    assert {refusal.name for refusal in found} == refused.keys()
    assert all(refused[refusal.name] in refusal.why and refusal.next_step for refusal in found)
    assert "--feature-gates=A=true,Old=false" in runner.calls[-1]


def test_nothing_is_run_without_gates_or_for_images_that_are_not_here() -> None:
    assert tried(ScriptedRunner(script=[(["docker", "image", "inspect"], "id")])) == ()
    missing = ScriptedRunner(script=[(["docker", "image", "inspect"], Completed(1))])
    assert tried(missing, feature_gates={"A": True}) == ()
    assert tried(ScriptedRunner(script=[]), {"n:1": "it cannot be pulled"}, feature_gates={"A": True}) == ()


def test_an_engine_that_does_not_answer_proves_nothing() -> None:
    script: Any = [(["docker", "image", "inspect"], "id"), (["docker", "run", "--rm"], TimedOut("slow"))]
    assert tried(ScriptedRunner(script=script), feature_gates={"A": True}) == ()


def test_patches_have_to_be_valid() -> None:
    nodes = [{"role": "control-plane", "patches": ["kind: [}"]}]
    options = {"nodes": nodes, "kubeadm_patches": ["a: {kind: b}", "kind: A"], "containerd_patches": ["a =", "b = 1"]}
    found = {refusal.name: refusal.why for refusal in tried(ScriptedRunner(script=[]), {}, **options)}
    assert found.keys() == {"kubeadm_patches", "patches of lab-control-plane", "containerd_patches"}
    assert "it has no kind" in found["kubeadm_patches"] and "not valid TOML" in found["containerd_patches"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("'_' is not a valid cluster name", []),
        ("the engine does not answer", []),
        (
            "ERROR: unable to decode config: yaml: unmarshal errors:\n  line 9: field x not found",
            ["kind cannot read it: field x not found"],
        ),
    ],
)
def test_kind_is_asked_about_fields_that_only_it_knows(said: str, why: list[str]) -> None:
    runner = ScriptedRunner(script=[(["kind", "create", "cluster", "--name", "_"], Completed(1, err=said))])
    assert [refusal.why for refusal in tried(runner, {}, kind_fields={"x": 1})] == why
