"""The callback tells of what Ansible begins and ends, on screens for people only, and never fails for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.playbooks.callback_plugins import kindlab_progress as progress

TASK = SimpleNamespace(_uuid="id", name="Create {{ what }}", action="command")
HOST = SimpleNamespace(get_name=lambda: "localhost")
RESULT = SimpleNamespace(_task=TASK, _host=HOST)


class Rounds:
    """An event that the thread finds unset for as many rounds."""

    def __init__(self, rounds: int) -> None:
        self.left = rounds

    def wait(self, timeout: float) -> bool:
        assert timeout == progress.TICK
        self.left -= 1
        return self.left < 0


class Screen:
    """Takes lines, until it is closed."""

    def __init__(self, closed: bool = False) -> None:
        self.lines: list[str] = []
        self.closed = closed

    def display(self, line: str, color: str) -> None:
        assert color
        if self.closed:
            raise BrokenPipeError
        self.lines.append(line)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock.now)
    return clock


def plugin(monkeypatch: pytest.MonkeyPatch, screen: Screen, stdout: str = "default") -> Any:
    monkeypatch.setattr(progress.constants, "DEFAULT_STDOUT_CALLBACK", stdout)
    made = progress.CallbackModule()
    made._display = screen
    return made


def begun(made: Any) -> None:
    made.v2_playbook_on_task_start(SimpleNamespace(_uuid="id", name="Create it", action="command"), False)
    made.v2_runner_on_start(HOST, TASK)


def test_a_task_that_takes_long_is_told_with_its_name_filled_in(
    monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    screen = Screen()
    made = plugin(monkeypatch, screen)
    begun(made)
    made._tell(Rounds(3))
    assert screen.lines == []
    clock.now = 7.0
    made.v2_runner_item_on_ok(RESULT)
    made._tell(Rounds(3))
    assert screen.lines == ["  ... 7 s: Create it (localhost), 1 done"]


@pytest.mark.parametrize("end", ["ok", "failed", "skipped", "unreachable"])
def test_what_has_ended_is_not_told(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace, end: str) -> None:
    screen = Screen()
    made = plugin(monkeypatch, screen)
    begun(made)
    getattr(made, f"v2_runner_on_{end}")(RESULT)
    clock.now = 100.0
    made._tell(Rounds(2))
    assert screen.lines == []


def test_a_screen_that_is_gone_ends_it(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> None:
    made = plugin(monkeypatch, Screen(closed=True))
    begun(made)
    clock.now = 7.0
    rounds = Rounds(5)
    made._tell(rounds)
    assert rounds.left == 4


@pytest.mark.parametrize(
    ("stdout", "disabled"),
    [("default", False), ("ansible.builtin.default", False), ("minimal", True), ("ansible.posix.json", True)],
)
def test_output_for_programs_is_left_alone(monkeypatch: pytest.MonkeyPatch, stdout: str, disabled: bool) -> None:
    assert plugin(monkeypatch, Screen(), stdout).disabled is disabled


def test_the_thread_ends_with_the_playbook(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def start(thread: Any) -> None:
        started.append(thread)

    monkeypatch.setattr(progress.threading.Thread, "start", start)
    made = plugin(monkeypatch, Screen())
    made.v2_playbook_on_start(None)
    first = made._ended
    made.v2_playbook_on_start(None)
    second = made._ended
    assert first.is_set() and not second.is_set()
    made.v2_playbook_on_stats(None)
    assert second.is_set()
    assert [thread.daemon for thread in started] == [True, True]
