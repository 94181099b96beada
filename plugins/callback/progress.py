# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Callback plugin that tells what modules do while they run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: aggregate
short_description: Tell what tasks do while they run
version_added: 0.1.0
author: kindlab.volumes contributors (@kindlab)
description:
  - Tells of each task that takes long for how many seconds it has been running, and which hosts it waits for.
  - Of modules of this collection that run on the controller itself, it also tells the step, how many bytes, files and
    volumes are done and how many there are, how fast, how long the rest takes, and what is waited for since when. With
    C(become) to another user, or on another machine, only the seconds are known.
  - On a terminal this is one row at the bottom with a bar, which is written again every second, and the output scrolls
    above it. Elsewhere it is a line every five seconds.
  - Shows each step of a recreation on this machine with its number, seconds and what it did, from the journal, and how
    long applications were away. Says how to resume if a recreation is interrupted.
  - Prints nothing where the standard output is written by a callback plugin for programs, and nothing where E(CI) is
    set, unless O(enabled=true).
  - The playbooks of this collection have it enabled. For your own ones, add C(kindlab.volumes.progress) to
    C(callbacks_enabled).
options:
  enabled:
    description: Whether to tell it. V(auto) is everywhere except where E(CI) is set.
    type: str
    default: auto
    env:
      - name: KINDLAB_PROGRESS
    ini:
      - section: callback_kindlab_progress
        key: enabled
"""

import atexit
import os
import shutil
import sys
import tempfile
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.callback import CallbackBase
from ansible.template import Templar

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console import status_row
from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.activity import Activity, read_activity
from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.progress import STDOUT_FOR_PEOPLE, Progress
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.running.live import Live
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import VARIABLE
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.journal import Journal

TICK = 1.0
RESUMABLE = "kind_cluster_recreate"
INTERRUPTED = (
    "Interrupted while a cluster was being recreated: run the same command again, it resumes. The last line of "
    "recreate.jsonl beside the backup is the last finished step; from 'deleting' on, the cluster may not exist."
)


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Records when tasks start and end; a daemon thread tells of those that take long."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kindlab.volumes.progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[str, str] = {}
        # The modules of running tasks, and where those of this collection tell what they do.
        self._modules: dict[str, str] = {}
        self._directory: Path | None = None
        # Rows of the terminal whose last one is taken, 0 for none, and what is in that one.
        self._rows = 0
        self._status = ""
        self._progress = Progress()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._play: Any = None
        # Running recreations: (task, host), each with its journal if that is on this machine.
        self._recreations: dict[tuple[str, str], tuple[Live, Journal] | None] = {}
        atexit.register(self._leave)

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        for_people = constants.DEFAULT_STDOUT_CALLBACK in STDOUT_FOR_PEOPLE
        asked = str(self.get_option("enabled")).lower()
        wanted = not os.environ.get("CI") if asked == "auto" else boolean(asked, strict=False)
        self.disabled = not (for_people and wanted)

    def v2_playbook_on_start(self, playbook: Any) -> None:
        del playbook
        self._end()
        self._directory = Path(tempfile.mkdtemp(prefix="kindlab-"))
        os.environ[VARIABLE] = str(self._directory)
        self._ended = threading.Event()
        threading.Thread(target=self._report, args=(self._ended,), daemon=True).start()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        del stats
        self._end()

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
            self._modules[task._uuid] = task.action.rpartition(".")[2]
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
            if not self._progress.runs(key[0]):
                self._modules.pop(key[0], None)
            last = self._steps_of(key, time.monotonic(), self._activities())
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

    def _end(self) -> None:
        """End the thread, and remove what is there for it."""
        self._ended.set()
        if self._rows:
            self._write(status_row.release(self._rows))
            self._rows, self._status = 0, ""
        if self._directory:
            os.environ.pop(VARIABLE, None)
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def _leave(self) -> None:
        self._end()
        self._report_interruption()

    def _report(self, ended: threading.Event) -> None:
        while not ended.wait(TICK):
            now = time.monotonic()
            with self._lock:
                found = self._activities()
                for task, module in self._modules.items():
                    if activity := found.get(module):
                        self._progress.note(task, activity.text(now), activity.share())
                lines = [line for key in self._recreations for line in self._steps_of(key, now, found)]
                status = self._progress.status(now)
                if not _is_terminal():
                    lines += self._progress.lines(now)
            if not self._show(lines) or not self._draw(status):
                return

    def _activities(self) -> dict[str, Activity]:
        """What modules do that run on this machine, by module; one that runs several times tells for all."""
        found: dict[str, Activity] = {}
        for path in self._directory.glob("*.json") if self._directory else ():
            try:
                found[path.stem.rpartition("-")[0]] = read_activity(path.read_text("utf-8"))
            except (OSError, ValueError):
                continue
        return found

    def _draw(self, text: str) -> bool:
        """Write a text into the last row of the terminal; False if the output is closed."""
        if text == self._status or not _is_terminal():
            return True
        columns, rows = shutil.get_terminal_size()
        if rows < status_row.LEAST:
            return True
        reserved = "" if self._rows == rows else status_row.reserve(rows)
        self._rows, self._status = rows, text
        return self._write(reserved + status_row.draw(rows, columns, text))

    def _write(self, sequence: str) -> bool:
        try:
            # Ansible has this lock while it writes, and while it forks.
            with getattr(self._display, "_lock", nullcontext()):
                sys.stdout.write(sequence)
                sys.stdout.flush()
        except (OSError, ValueError):
            return False
        return True

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

    def _steps_of(self, key: tuple[str, str], now: float, found: dict[str, Activity]) -> list[str]:
        """A line for each step of a recreation that has ended since the last call; the lock must be held."""
        watched = self._recreations.get(key)
        if watched is None:
            return []
        live, journal = watched
        try:
            lines = live.lines(journal.entries(), now)
        except KindlabError:
            return []
        activity = found.get(RESUMABLE) or journal.activity()
        self._progress.note(key[0], live.doing(now, activity), activity.share())
        return lines


def _is_terminal() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
