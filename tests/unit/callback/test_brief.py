"""The brief output shows what changed, each failure once, and reports; with -v it shows everything."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.playbook.block import Block
from ansible.plugins.loader import callback_loader

from ansible_collections.kindlab.volumes.plugins.callback import brief

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks" / "callback_plugins"


class Screen:
    """What is displayed, without colours."""

    columns = 80

    def __init__(self, verbosity: int = 0) -> None:
        self.verbosity = verbosity
        self.lines: list[str] = []

    def display(self, line: str, **_how: Any) -> None:
        self.lines.append(line)

    def banner(self, line: str, **_how: Any) -> None:
        self.lines.append(f"## {line}")

    def _warning(self, warning: object) -> None:
        self.lines.append(f"warning {warning}")

    _error = _warning


def plugin(monkeypatch: pytest.MonkeyPatch, verbosity: int = 0) -> Any:
    """Loaded as Ansible does it for a playbook that this plugin lies beside."""
    callback_loader.add_directory(str(PLAYBOOKS))
    screen = Screen(verbosity)
    monkeypatch.setattr(brief.CallbackModule, "_is_verbose", property(lambda own: own._display.verbosity > 0))
    callback = callback_loader.get("default")
    callback._display = screen
    callback.set_options()
    callback.v2_playbook_on_play_start(SimpleNamespace(get_name=lambda: "Play", check_mode=False, strategy="linear"))
    screen.lines.clear()
    return callback


def task(name: str = "Do it", action: str = "kindlab.volumes.volume_backup", **more: Any) -> SimpleNamespace:
    own = {"action": action, "loop": None, "delegate_to": None, "_parent": None, "no_log": False, "check_mode": False}
    return SimpleNamespace(_uuid=name, get_name=lambda: name, ignore_unreachable=False, args={}, **{**own, **more})


def result(of: SimpleNamespace, host: str = "localhost", **facts: Any) -> SimpleNamespace:
    return SimpleNamespace(task=of, _task=of, host=SimpleNamespace(get_name=lambda: host), result=facts)


def ended(callback: Any, how: str, of: SimpleNamespace, **facts: Any) -> list[str]:
    """What is shown of a task that starts and ends like this."""
    callback._display.lines.clear()
    callback.v2_playbook_on_task_start(of, False)
    getattr(callback, f"v2_runner_on_{how}")(result(of, **facts))
    return list(callback._display.lines)


def test_it_takes_the_place_of_the_default_plugin_beside_playbooks(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = plugin(monkeypatch)
    assert isinstance(callback, brief.CallbackModule)
    assert type(callback).__mro__[1].__name__ == "CallbackModule" and callback.CALLBACK_TYPE == "stdout"


def test_only_what_changed_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = plugin(monkeypatch)
    assert ended(callback, "ok", task(), changed=False) == []
    assert ended(callback, "skipped", task(), skipped=True) == []
    assert ended(callback, "ok", task(), changed=True) == ["changed: [localhost] Do it"]


def test_everything_is_shown_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = plugin(monkeypatch, verbosity=1)
    assert ended(callback, "ok", task(), changed=False)[0] == "## TASK [Do it]"
    assert any(line.startswith("fatal: ") for line in ended(callback, "failed", task(), reason="Declined", msg="No."))


@pytest.mark.parametrize("message", ["a\nb", ["a", "b"]])
def test_a_report_is_text(monkeypatch: pytest.MonkeyPatch, message: object) -> None:
    callback = plugin(monkeypatch)
    shown = ended(callback, "ok", task(action="ansible.builtin.debug"), msg=message, _ansible_verbose_always=True)
    assert shown == ["\na\nb"]


def test_a_variable_is_shown_compactly(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = plugin(monkeypatch)
    shown = ended(callback, "ok", task(action="debug"), found={"name": "a", "claim": "b"}, changed=False)
    assert shown == ["\nfound:\n  name: a\n  claim: b"]


@pytest.mark.parametrize(
    ("action", "facts"),
    [
        ("kindlab.volumes.volume_backup", {"reason": "Declined", "details": [{"name": "a"}]}),
        ("ansible.builtin.fail", {}),
        ("ansible.builtin.assert", {"assertion": "false"}),
    ],
)
def test_a_failure_is_said_once(monkeypatch: pytest.MonkeyPatch, action: str, facts: dict[str, Any]) -> None:
    callback = plugin(monkeypatch)
    message = "Two volumes cannot be saved:\n- a\n- b\nNext: set data=archive"
    failing = task(action=action)
    assert ended(callback, "failed", failing, msg=message, **facts) == [f"\nfailed: [localhost] Do it:\n{message}"]
    assert ended(callback, "failed", failing, msg=message, **facts) == ["\nfailed: [localhost] Do it: as above"]


def test_other_failures_are_shown_completely(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = plugin(monkeypatch)
    shown = ended(callback, "failed", task(action="command"), msg="non-zero return code", stderr="why", rc=1)
    assert any(line.startswith("fatal: ") and "why" in line for line in shown)
    bare = ended(callback, "failed", task(action="assert"), msg="Assertion failed", assertion="a == b")
    assert any("a == b" in line for line in bare)


def test_a_failure_that_is_rescued_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = plugin(monkeypatch)
    block = Block()
    inner, handler = task("inner", _parent=block), task("handler", _parent=block)
    block.block, block.rescue = [inner], [handler]
    assert ended(callback, "failed", inner, reason="Declined", msg="No.") == []
    assert ended(callback, "failed", handler, reason="Declined", msg="No.") == ["\nfailed: [localhost] handler:\nNo."]


def test_items_are_shown_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = plugin(monkeypatch)
    looped = task(loop=[1])
    callback.v2_runner_item_on_ok(result(looped, changed=True, item="lab", ansible_loop_var="item"))
    assert callback._display.lines == ["changed: [localhost] Do it (lab)"]
    assert ended(callback, "ok", looped, changed=True, results=[{"changed": True}]) == []


@pytest.mark.parametrize(("hosts", "shown"), [(["a"], False), (["a", "b"], True)])
def test_the_recap_is_for_several_hosts(monkeypatch: pytest.MonkeyPatch, hosts: list[str], shown: bool) -> None:
    callback = plugin(monkeypatch)
    numbers = dict.fromkeys(("ok", "changed", "unreachable", "failures", "skipped", "rescued", "ignored"), 0)
    stats = SimpleNamespace(processed=dict.fromkeys(hosts, 1), custom={}, summarize=lambda _host: numbers)
    monkeypatch.setattr("ansible.context.CLIARGS", {"check": False}, raising=False)
    callback.v2_playbook_on_stats(stats)
    assert ("## PLAY RECAP" in callback._display.lines) is shown
