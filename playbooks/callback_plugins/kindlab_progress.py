# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says every few seconds which task is waited for. Ansible loads it with each playbook beside it, unasked."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.progress import Waiting

# Screens for people, where a line more does no harm; the output of others is read by programs.
SCREENS = ("ansible.builtin.default", "community.general.yaml", "debug", "default", "yaml")
TICK = 1.0


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Notes what is begun and ended; a thread beside it, which never holds up the end, tells what takes long."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kindlab_progress"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self) -> None:
        super().__init__()
        self.disabled = constants.DEFAULT_STDOUT_CALLBACK not in SCREENS
        self._names: dict[str, str] = {}
        self._waiting = Waiting()
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def v2_playbook_on_start(self, playbook: Any) -> None:
        del playbook
        self._ended.set()
        self._ended = threading.Event()
        threading.Thread(target=self._tell, args=(self._ended,), daemon=True).start()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        del stats
        self._ended.set()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        del is_conditional
        # Only here are the name's variables filled in.
        self._names = {task._uuid: task.name or task.action}

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self.v2_playbook_on_task_start(task, False)

    def v2_playbook_on_cleanup_task_start(self, task: Any) -> None:
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        name = self._names.get(task._uuid) or task.name or task.action
        with self._lock:
            self._waiting.begin(task._uuid, name, host.get_name(), time.monotonic())

    def v2_runner_item_on_ok(self, result: Any) -> None:
        with self._lock:
            self._waiting.item(result._task._uuid)

    v2_runner_item_on_failed = v2_runner_item_on_skipped = v2_runner_item_on_ok

    def v2_runner_on_ok(self, result: Any) -> None:
        with self._lock:
            self._waiting.end(result._task._uuid, result._host.get_name())

    v2_runner_on_skipped = v2_runner_on_unreachable = v2_runner_on_ok

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        del ignore_errors
        self.v2_runner_on_ok(result)

    def _tell(self, ended: threading.Event) -> None:
        while not ended.wait(TICK):
            with self._lock:
                lines = self._waiting.lines(time.monotonic())
            try:
                for line in lines:
                    self._display.display(line, color=constants.COLOR_SKIP)
                if lines:
                    # A pipe or a file would get it, and all before it, only when kilobytes have come together.
                    sys.stdout.flush()
            except (OSError, ValueError):
                return
