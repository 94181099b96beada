"""Outcomes and errors of actions as results of modules."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import module


class Ended(Exception):
    """The module ended with this result."""


class Fake:
    """AnsibleModule, as far as it is used."""

    check_mode = False

    def __init__(self, argument_spec: dict[str, Any], supports_check_mode: bool) -> None:
        assert supports_check_mode
        self.params = {name: option["default"] for name, option in argument_spec.items()}
        self.warnings: list[str] = []
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
