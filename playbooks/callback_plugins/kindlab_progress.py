# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Callback plugin that reports tasks that take long. Ansible loads it with each playbook beside it."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible.template import Templar

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.progress import STDOUT_FOR_PEOPLE, Progress
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.running.live import Live
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.journal import Journal

DOCUMENTATION = r"""
name: kindlab_progress
type: aggregate
short_description: Report tasks that take long
version_added: 0.1.0
author: kindlab.volumes contributors (@kindlab)
description:
  - Prints a line every five seconds for each task that is still running, with its seconds and the hosts it waits for.
  - Shows each step of a recreation on this machine with its number, seconds and what it did, from the journal, and how
    long applications were away. While a step runs, the line has the bytes that were moved, and what is waited for.
    Says how to resume if a recreation is interrupted.
  - Prints nothing where the standard output is written by a callback plugin for programs.
options:
  enabled:
    description: Whether to report tasks that take long.
    type: bool
    default: true
    env:
      - name: KINDLAB_PROGRESS
    ini:
      - section: callback_kindlab_progress
        key: enabled
"""

TICK = 1.0
RESUMABLE = "kind_cluster_recreate"
INTERRUPTED = (
    "Interrupted while a cluster was being recreated: run the same command again, it resumes. The last line of "
    "recreate.jsonl beside the backup is the last finished step; from 'deleting' on, the cluster may not exist."
)


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Records when tasks start and end; a daemon thread prints those that take long."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kindlab_progress"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[str, str] = {}
        self._progress = Progress()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._play: Any = None
        # Running recreations: (task, host), each with its journal if that is on this machine.
        self._recreations: dict[tuple[str, str], tuple[Live, Journal] | None] = {}
        atexit.register(self._report_interruption)

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        for_people = constants.DEFAULT_STDOUT_CALLBACK in STDOUT_FOR_PEOPLE
        self.disabled = not (for_people and self.get_option("enabled"))

    def v2_playbook_on_start(self, playbook: Any) -> None:
        del playbook
        self._ended.set()
        self._ended = threading.Event()
        threading.Thread(target=self._report, args=(self._ended,), daemon=True).start()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        del stats
        self._ended.set()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        del is_conditional
        # Only here the name has its variables filled in. With the strategy free, several tasks start at once.
        self._names[task._uuid] = task.name or task.action

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self.v2_playbook_on_task_start(task, False)

    def v2_playbook_on_cleanup_task_start(self, task: Any) -> None:
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        name = self._names.get(task._uuid) or task.name or task.action
        with self._lock:
            self._progress.start(task._uuid, name, host.get_name(), time.monotonic())
        if task.action.rpartition(".")[2] == RESUMABLE and not task.check_mode:
            self._recreations[task._uuid, host.get_name()] = self._watched(host, task)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        with self._lock:
            self._progress.item(result._task._uuid)

    v2_runner_item_on_failed = v2_runner_item_on_skipped = v2_runner_item_on_ok

    def v2_runner_on_ok(self, result: Any) -> None:
        key = (result._task._uuid, result._host.get_name())
        with self._lock:
            self._progress.end(*key)
            last = self._steps_of(key, time.monotonic())
            self._recreations.pop(key, None)
        if not self.disabled:
            self._show(last)

    v2_runner_on_skipped = v2_runner_on_unreachable = v2_runner_on_ok

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        del ignore_errors
        self.v2_runner_on_ok(result)

    def _report_interruption(self) -> None:
        """Ansible tells no plugin of an interruption, and prints nothing of a module that was interrupted."""
        if self._recreations and not self.disabled:
            self._display.display(INTERRUPTED, color=constants.COLOR_WARN)

    def _report(self, ended: threading.Event) -> None:
        while not ended.wait(TICK):
            now = time.monotonic()
            with self._lock:
                steps = [line for key in self._recreations for line in self._steps_of(key, now)]
                lines = [*steps, *self._progress.lines(now)]
            if not self._show(lines):
                return

    def _show(self, lines: list[str]) -> bool:
        """Print the lines; False if the output is closed."""
        try:
            for line in lines:
                self._display.display(line, color=constants.COLOR_SKIP)
            if lines:
                # Otherwise a pipe or a file gets the output in blocks of kilobytes.
                sys.stdout.flush()
        except (OSError, ValueError):
            return False
        return True

    def _watched(self, host: Any, task: Any) -> tuple[Live, Journal] | None:
        """The journal of a recreation; None if its path is not known, or it is on another machine."""
        try:
            variables = self._play.get_variable_manager().get_vars(play=self._play, host=host, task=task)
            if variables.get("ansible_connection", task.connection) != "local":
                return None
            path = Templar(loader=self._play.get_loader(), variables=variables).template(task.args["path"])
            journal = Journal(os.path.abspath(os.path.expanduser(os.path.expandvars(path))))
            return Live(len(journal.entries()), time.monotonic()), journal
        except Exception:  # noqa: BLE001 (whatever it is, the module runs and reports it)
            return None

    def _steps_of(self, key: tuple[str, str], now: float) -> list[str]:
        """A line for each step of a recreation that has ended since the last call; the lock must be held."""
        watched = self._recreations.get(key)
        if watched is None:
            return []
        live, journal = watched
        try:
            lines = live.lines(journal.entries(), now)
        except KindlabError:
            return []
        self._progress.note(key[0], live.doing(now, journal.activity()))
        return lines
