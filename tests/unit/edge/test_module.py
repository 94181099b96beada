"""Outcomes and errors of actions as results of modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.error_text import AS_ROOT
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import module


class Ended(Exception):
    """The module ended with this result."""


GIVEN: dict[str, Any] = {}


class Fake:
    """AnsibleModule, as far as it is used."""

    check_mode = False

    def __init__(self, argument_spec: dict[str, Any], supports_check_mode: bool) -> None:
        assert supports_check_mode
        assert "variables" in argument_spec
        self.params = {name: option.get("default") for name, option in argument_spec.items()}
        self.warnings: list[str] = []
        self.params |= {"diff": False, **self.params, **GIVEN}
        self._diff = self.params["diff"]

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def exit_json(self, **result: Any) -> None:
        raise Ended({**result, "warnings": self.warnings})

    def fail_json(self, **result: Any) -> None:
        raise Ended({**result, "failed": True})


@pytest.fixture(autouse=True)
def ansible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AnsibleModule", Fake)


@pytest.mark.parametrize("requested", [False, True])
def test_a_diff_is_returned_on_request(requested: bool) -> None:
    outcome = Outcome(True, {"a": 1}, {"a": 2}, {"seen": "b"}, ("be warned",))
    with pytest.raises(Ended) as ended:
        module.run_module(lambda _options, _check: outcome, {"diff": {"default": requested}})
    diff = {"diff": {"before": {"a": 1}, "after": {"a": 2}}} if requested else {}
    assert ended.value.args[0] == {"changed": True, "seen": "b", "warnings": ["be warned"], **diff}


@pytest.mark.parametrize("details", [None, ["one"]])
def test_an_error_is_a_failure_with_its_class_and_details(details: list[str] | None) -> None:
    def fails(_options: object, _check: bool) -> Outcome:
        raise BadInput("No such thing.", next_step="Name another.", details=details)

    with pytest.raises(Ended) as ended:
        module.run_module(fails, {"diff": {"default": False}})
    result = ended.value.args[0]
    assert result["failed"] and result["reason"] == "BadInput"
    assert "No such thing." in result["msg"] and "Name another." in result["msg"]
    assert result.get("details") == details


SPEC = {name: {"default": None} for name in ("cluster", "kubeconfig", "context", "engine", "verify")}


def message(monkeypatch: pytest.MonkeyPatch, text: str, spec: dict[str, Any] | None = None, **given: Any) -> str:
    """What an error with this next step says."""

    def fails(options: Any, _check: bool) -> Outcome:
        assert "variables" not in options
        raise BadInput("No.", next_step=text)

    monkeypatch.setitem(globals(), "GIVEN", given)
    with pytest.raises(Ended) as ended:
        module.run_module(fails, spec or SPEC, others={"compression": ""})
    return str(ended.value.args[0]["msg"]).partition("Next: ")[2]


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({"kubeconfig": "/k/it.yaml"}, "--kubeconfig /k/it.yaml "),
        ({"kubeconfig": "/k/it.yaml", "context": "c"}, "--kubeconfig /k/it.yaml --context c "),
        ({}, "--context kind-lab "),
        ({"context": "c"}, "--context c "),
        ({"own": True}, "--kubeconfig {home}/.kube/kind-lab.yaml "),
        ({"own": True, "kubeconfig": "/k/it.yaml"}, "--kubeconfig /k/it.yaml "),
    ],
    ids=str,
)
def test_kubectl_is_given_the_kubeconfig_that_the_module_uses(
    given: dict[str, Any], options: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if given.get("own"):
        (tmp_path / ".kube").mkdir()
        (tmp_path / ".kube" / "kind-lab.yaml").write_text("")
    told = message(monkeypatch, "kubectl get pods", cluster="lab", **given)
    assert told == f"kubectl {options.replace('{home}', str(tmp_path))}get pods"


def test_kubectl_is_left_alone_without_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {"cluster": {"default": "lab"}}
    assert message(monkeypatch, "kubectl get pods", spec) == "kubectl get pods"


def test_a_role_is_told_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Set verify=none, or set compression: gzip."
    assert message(monkeypatch, text) == "Set verify=none."
    told = message(monkeypatch, text, variables={"prefix": "restore_", "names": {}})
    assert told == "Set restore_verify: none."


def test_warnings_are_told_likewise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "GIVEN", {"cluster": "lab", "context": "c"})
    with pytest.raises(Ended) as ended:
        module.run_module(lambda _options, _check: Outcome(False, warnings=("see kubectl get pods",)), SPEC)
    assert ended.value.args[0]["warnings"] == ["see kubectl --context c get pods"]


def test_kind_is_told_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert message(monkeypatch, "kind get clusters", engine="podman").startswith(
        "KIND_EXPERIMENTAL_PROVIDER=podman kind"
    )
    assert message(monkeypatch, "kind get clusters", engine="docker") == "kind get clusters"


@pytest.mark.parametrize(
    ("user", "engine", "host", "rootless"),
    [
        (0, "podman", "", False),
        (1000, "podman", "", True),
        (1000, "docker", "", False),
        (1000, "docker", "unix:///run/user/1000/docker.sock", True),
        (1000, "auto", "", False),
    ],
)
def test_root_is_suggested_only_if_it_sees_the_containers(
    user: int, engine: str, host: str, rootless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setenv("DOCKER_HOST", host)
    monkeypatch.delenv("KIND_EXPERIMENTAL_PROVIDER", raising=False)
    told = message(monkeypatch, f"Check that it is readable, or {AS_ROOT}.", engine=engine)
    assert ("become" not in told) == rootless
