"""The callback plugin shows a table at the end of provision, to people only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.executor.stats import AggregateStats

from ansible_collections.kindlab.volumes.playbooks.callback_plugins import kindlab_machines


class Screen:
    def __init__(self) -> None:
        self.text = ""

    def display(self, text: str) -> None:
        self.text += text


def result(host: str, **values: Any) -> SimpleNamespace:
    return SimpleNamespace(host=SimpleNamespace(get_name=lambda: host), result=values)


def stats(**counts: str) -> AggregateStats:
    found = AggregateStats()
    for host, what in counts.items():
        found.increment(what, host)
    return found


def shown(monkeypatch: pytest.MonkeyPatch, playbook: str, stdout: str = "default") -> tuple[bool, str]:
    """Whether the plugin is disabled, and what it would print."""
    monkeypatch.setattr(kindlab_machines.constants, "DEFAULT_STDOUT_CALLBACK", stdout)
    callback = kindlab_machines.CallbackModule()
    callback._display = Screen()
    callback.v2_playbook_on_start(SimpleNamespace(_file_name=playbook))
    callback.v2_runner_on_start(SimpleNamespace(get_name=lambda: "a"), None)
    callback.v2_runner_on_ok(result("a", ansible_facts={"provision_result": [{"name": "lab", "state": "present"}]}))
    callback.v2_runner_on_failed(result("b", msg="ignored"), ignore_errors=True)
    callback.v2_runner_on_failed(result("b", msg="no space"))
    callback.v2_runner_on_unreachable(result("c", msg="refused"))
    callback.v2_playbook_on_stats(stats(a="changed", b="failures", c="dark", d="ok"))
    return callback.disabled, callback._display.text


def test_the_table_tells_of_each_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    disabled, text = shown(monkeypatch, "/collections/playbooks/provision.yml")
    assert not disabled
    assert [line.split()[:3] for line in text.splitlines()[2:]] == [
        ["a", "changed", "lab"],
        ["b", "failed", "-"],
        ["c", "unreachable", "-"],
        ["d", "unchanged", "-"],
    ]
    assert "no space" in text and "refused" in text and "ignored" not in text


@pytest.mark.parametrize(
    ("playbook", "stdout"), [("/p/recreate.yml", "default"), ("/p/provision.yml", "ansible.posix.json")]
)
def test_other_playbooks_and_programs_get_no_table(monkeypatch: pytest.MonkeyPatch, playbook: str, stdout: str) -> None:
    assert shown(monkeypatch, playbook, stdout) == (True, "")
