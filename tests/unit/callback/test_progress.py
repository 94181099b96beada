"""The callback plugin tells people what takes long, can be switched off, and never makes a playbook fail."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ansible.template
import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import callback_loader

from ansible_collections.kindlab.volumes.playbooks.callback_plugins import kindlab_progress
from ansible_collections.kindlab.volumes.plugins.callback import progress
from ansible_collections.kindlab.volumes.plugins.module_utils._core.console import status_row
from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.activity import Activity
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import VARIABLE
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.journal import JOURNAL, NOW, Journal

TASK = SimpleNamespace(_uuid="id", name="Create {{ what }}", action="command")
HOST = SimpleNamespace(get_name=lambda: "localhost")
RESULT = SimpleNamespace(_task=TASK, _host=HOST)


class Rounds:
    """An event that is set after this number of rounds."""

    def __init__(self, rounds: int) -> None:
        self.left = rounds

    def wait(self, timeout: float) -> bool:
        assert timeout == progress.TICK
        self.left -= 1
        return self.left < 0


class Screen:
    """A screen, which may be closed."""

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


def plugin(screen: Screen) -> Any:
    callback = progress.CallbackModule()
    callback._display = screen
    return callback


def start(callback: Any) -> None:
    callback.v2_playbook_on_task_start(SimpleNamespace(_uuid="id", name="Create it", action="command"), False)
    callback.v2_runner_on_start(HOST, TASK)


def test_a_slow_task_is_reported_with_its_name_filled_in(clock: SimpleNamespace) -> None:
    screen = Screen()
    callback = plugin(screen)
    start(callback)
    callback._report(Rounds(3))
    assert screen.lines == []
    clock.now = 7.0
    callback.v2_runner_item_on_ok(RESULT)
    callback._report(Rounds(3))
    assert screen.lines == ["  ... 7 s: Create it (localhost), 1 done"]


@pytest.mark.parametrize("end", ["ok", "failed", "skipped", "unreachable"])
def test_a_finished_task_is_not_reported(clock: SimpleNamespace, end: str) -> None:
    screen = Screen()
    callback = plugin(screen)
    start(callback)
    getattr(callback, f"v2_runner_on_{end}")(RESULT)
    clock.now = 100.0
    callback._report(Rounds(2))
    assert screen.lines == []


def test_a_closed_screen_ends_the_thread(clock: SimpleNamespace) -> None:
    callback = plugin(Screen(closed=True))
    start(callback)
    clock.now = 7.0
    rounds = Rounds(5)
    callback._report(rounds)
    assert rounds.left == 4


@pytest.mark.parametrize(
    ("stdout", "option", "ci", "disabled"),
    [
        ("default", "", "", False),
        ("ansible.builtin.default", "1", "", False),
        ("default", "0", "", True),
        ("default", "", "true", True),
        ("default", "1", "true", False),
        ("minimal", "", "", True),
        ("ansible.posix.json", "1", "", True),
    ],
)
def test_prints_for_people_unless_switched_off(
    monkeypatch: pytest.MonkeyPatch, stdout: str, option: str, ci: str, disabled: bool
) -> None:
    """Loaded as Ansible does it, with the options of its documentation."""
    for name, value in (("KINDLAB_PROGRESS", option), ("CI", ci)):
        monkeypatch.setenv(name, value)
        if not value:
            monkeypatch.delenv(name)
    callback_loader.add_directory(str(Path(kindlab_progress.__file__).parent))
    callback = callback_loader.get("kindlab_progress")
    monkeypatch.setattr("ansible.constants.DEFAULT_STDOUT_CALLBACK", stdout)
    callback.set_options()
    assert callback.disabled is disabled


def test_the_plugin_beside_playbooks_gives_way_to_the_one_that_is_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    callback_loader.add_directory(str(Path(kindlab_progress.__file__).parent))
    callback = callback_loader.get("kindlab_progress")
    monkeypatch.setattr("ansible.constants.CALLBACKS_ENABLED", ["kindlab.volumes.progress"])
    callback.set_options()
    assert callback.disabled is True


def test_the_thread_ends_with_the_playbook(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def start(thread: Any) -> None:
        started.append(thread)

    monkeypatch.setattr(progress.threading.Thread, "start", start)
    callback = plugin(Screen())
    callback.v2_playbook_on_start(None)
    first, directory = callback._ended, callback._directory
    callback.v2_playbook_on_start(None)
    second = callback._ended
    assert first.is_set() and not second.is_set()
    assert not directory.exists() and os.environ[VARIABLE] == str(callback._directory)
    callback.v2_playbook_on_stats(None)
    assert second.is_set()
    assert VARIABLE not in os.environ and callback._directory is None
    assert [thread.daemon for thread in started] == [True, True]


def test_an_interrupted_recreation_says_how_to_resume() -> None:
    screen = Screen()
    callback = plugin(screen)
    callback.disabled = False
    what = {"_uuid": "r", "name": "Recreate", "action": "kindlab.volumes.kind_cluster_recreate"}
    task = SimpleNamespace(**what, check_mode=False)
    start(callback)
    callback.v2_runner_on_start(HOST, SimpleNamespace(**what, check_mode=True))
    callback._report_interruption()
    assert screen.lines == []
    callback.v2_runner_on_start(HOST, task)
    callback._report_interruption()
    (line,) = screen.lines
    assert "run the same command again, it resumes" in line
    callback.v2_runner_on_failed(SimpleNamespace(_task=task, _host=HOST))
    callback._report_interruption()
    assert screen.lines == [line]


def template(text: str) -> Any:
    """As Ansible reads it from a playbook; since 2.19 it fills in only what comes from there."""
    trust = getattr(ansible.template, "trust_as_template", str)
    return trust(text)


class Play:
    """A play whose variables name the backup directory."""

    def __init__(self, **variables: str) -> None:
        self.variables = variables

    def get_variable_manager(self) -> SimpleNamespace:
        return SimpleNamespace(get_vars=lambda **_where: self.variables)

    def get_loader(self) -> DataLoader:
        return DataLoader()


def recreation(path: str) -> SimpleNamespace:
    what = {"_uuid": "r", "name": "Recreate", "action": "kindlab.volumes.kind_cluster_recreate"}
    return SimpleNamespace(**what, check_mode=False, connection="ssh", args={"path": template(path)})


def watched(callback: Any, task: Any, **variables: str) -> None:
    callback.v2_playbook_on_play_start(Play(**variables))
    callback.v2_playbook_on_task_start(task, False)
    callback.v2_runner_on_start(HOST, task)


def test_the_steps_of_a_recreation_are_shown(clock: SimpleNamespace, tmp_path: Path) -> None:
    screen = Screen()
    callback = plugin(screen)
    task = recreation("{{ where }}")
    with Journal(str(tmp_path)).locked():
        Journal(str(tmp_path)).add("planned", steps=["planned"])
        watched(callback, task, where=str(tmp_path), ansible_connection="local")
        Journal(str(tmp_path)).add("planned", steps=["planned", "deleted", "created"])
        clock.now = 1.0
        callback._report(Rounds(1))
        assert screen.lines.pop().startswith("  step 1 of 3, planned")
        clock.now = 6.0
        callback._report(Rounds(1))
        assert screen.lines == ["  ... 6 s: Recreate (localhost): step 2 of 3, delete the cluster, 5 s"]
        (tmp_path / NOW).write_text(Activity(waits={"kind to delete the nodes": 1.0}, at=1.0).to_text())
        clock.now = 11.0
        callback._report(Rounds(1))
        assert screen.lines[-1].endswith("delete the cluster, 10 s; waits for kind to delete the nodes, 10 s")
        Journal(str(tmp_path)).add("deleted")
        callback.v2_runner_on_ok(SimpleNamespace(_task=task, _host=HOST))
    assert screen.lines[-1].startswith("  step 2 of 3, deleted")
    callback._report_interruption()
    assert len(screen.lines) == 3


@pytest.mark.parametrize(
    ("path", "variables"),
    [
        ("{{ where }}", {}),
        ("{{ where }}", {"ansible_connection": "local"}),
        ("/nowhere/at/all", {"ansible_connection": "ssh"}),
    ],
)
def test_a_journal_that_can_not_be_read_here_is_left_out(
    clock: SimpleNamespace, path: str, variables: dict[str, str]
) -> None:
    screen = Screen()
    callback = plugin(screen)
    watched(callback, recreation(path), **variables)
    clock.now = 7.0
    callback._report(Rounds(1))
    assert screen.lines == ["  ... 7 s: Recreate (localhost)"]


def test_a_damaged_journal_does_not_end_the_thread(clock: SimpleNamespace, tmp_path: Path) -> None:
    screen = Screen()
    callback = plugin(screen)
    watched(callback, recreation(str(tmp_path)), ansible_connection="local")
    (tmp_path / JOURNAL).write_text("[]\n")
    clock.now = 7.0
    callback._report(Rounds(1))
    assert screen.lines == ["  ... 7 s: Recreate (localhost)"]


def test_what_a_module_does_is_told_with_its_task(clock: SimpleNamespace, tmp_path: Path) -> None:
    screen = Screen()
    callback = plugin(screen)
    callback._directory = tmp_path
    what = {"_uuid": "b", "name": "Back up", "action": "kindlab.volumes.volume_backup"}
    task = SimpleNamespace(**what, check_mode=False)
    callback.v2_playbook_on_task_start(task, False)
    callback.v2_runner_on_start(HOST, task)
    (tmp_path / "volume_backup-7.json").write_text(Activity({"data read": (3, 6)}, step="read the data").to_text())
    (tmp_path / "volume_info-8.json").write_text(Activity(step="something else").to_text())
    (tmp_path / "damaged-9.json").write_text("{")
    clock.now = 7.0
    callback._report(Rounds(1))
    assert screen.lines == ["  ... 7 s: Back up (localhost): read the data, data read: 3 bytes of 6 bytes"]


class Terminal(io.StringIO):
    """A terminal that is written to."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_row_that_is_released(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> None:
    terminal, screen = Terminal(), Screen()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress.shutil, "get_terminal_size", lambda: os.terminal_size((40, 24)))
    callback = plugin(screen)
    start(callback)
    callback._report(Rounds(1))
    assert terminal.getvalue() == "" and screen.lines == []
    clock.now = 7.0
    callback._report(Rounds(2))
    assert terminal.getvalue() == status_row.reserve(24) + status_row.draw(24, 40, "7 s: Create it (localhost)")
    callback.v2_runner_on_ok(RESULT)
    callback._report(Rounds(2))
    callback.v2_playbook_on_stats(None)
    assert terminal.getvalue().endswith(status_row.draw(24, 40, "") + status_row.release(24))
    assert screen.lines == []


def test_a_terminal_without_control_sequences_gets_lines(
    monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    terminal, screen = Terminal(), Screen()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("TERM", "dumb")
    callback = plugin(screen)
    start(callback)
    clock.now = 7.0
    callback._report(Rounds(1))
    assert terminal.getvalue() == "" and len(screen.lines) == 1
