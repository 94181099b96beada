# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Callback plugin for the standard output: what changed, what failed and why, and reports."""

from __future__ import annotations

DOCUMENTATION = r"""
name: brief
type: stdout
short_description: Show what changed, what failed and why, and reports
version_added: 0.1.0
author: kindlab.volumes contributors (@kindlab)
description:
  - Shows one line for each task and host that changed something, the messages of C(debug) as text, and warnings. A
    variable is shown as a paragraph for each row of its lists, claims first, without empty values. Tasks that changed
    nothing or were skipped are not shown, and the recap only for several hosts.
  - Shows a failure once, as its message. A failure that a C(rescue) handles is not shown.
  - With C(-v) it shows everything that P(ansible.builtin.default#callback) does.
  - The playbooks of this collection use it unless C(stdout_callback) names another plugin, also
    C(ansible.builtin.default). For your own ones, set C(stdout_callback) to C(kindlab.volumes.brief).
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.playbook.block import Block
from ansible.playbook.task_include import TaskInclude
from ansible.plugins import callback

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.compact import compact

# Columns of a screen at least: Ansible takes something that is no terminal for a narrow one.
MIN_WIDTH = 100
_DEBUG = ("ansible.builtin.debug", "ansible.legacy.debug", "debug")
# Of modules whose message is a text for people.
_UNTOLD = "Assertion failed"
_FAIL = ("ansible.builtin.assert", "ansible.builtin.fail", "assert", "fail")


def _default() -> Any:
    """The class of ansible.builtin.default. Where this plugin replaces that one, its module has the other's name."""
    name = "kindlab_volumes_default_callback"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(callback.__file__).with_name("default.py"))
        if spec is None or spec.loader is None:
            raise ImportError("The callback plugin ansible.builtin.default cannot be loaded.")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name].CallbackModule


class CallbackModule(_default()):  # type: ignore[misc]
    """Without -v, less than the default plugin."""

    CALLBACK_NAME = "kindlab.volumes.brief"

    def __init__(self) -> None:
        super().__init__()
        # Messages of failures that were shown.
        self._said: set[str] = set()

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        for option in () if self._is_verbose else ("display_ok_hosts", "display_skipped_hosts"):
            self.set_option(option, False)

    @property
    def _is_verbose(self) -> bool:
        return bool(self._display.verbosity > 0)

    def v2_runner_on_ok(self, result: Any) -> None:
        if self._is_verbose:
            super().v2_runner_on_ok(result)
        elif not isinstance(result.task, TaskInclude):
            self._show(result, self._name(result.task))

    def v2_runner_item_on_ok(self, result: Any) -> None:
        if self._is_verbose:
            super().v2_runner_item_on_ok(result)
        elif not isinstance(result.task, TaskInclude):
            self._show(result, f"{self._name(result.task)} ({self._get_item_label(result.result)})")

    def v2_playbook_on_include(self, included_file: Any) -> None:
        if self._is_verbose:
            super().v2_playbook_on_include(included_file)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if self._is_verbose or not self._is_told(result):
            super().v2_runner_on_failed(result, ignore_errors)
        elif ignore_errors or not _is_rescued(result.task):
            self._fail(result, "...ignoring" if ignore_errors else "")

    def v2_runner_item_on_failed(self, result: Any) -> None:
        if self._is_verbose or not self._is_told(result):
            super().v2_runner_item_on_failed(result)
        elif not _is_rescued(result.task):
            self._fail(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self._is_verbose or len(stats.processed) > 1:
            super().v2_playbook_on_stats(stats)

    def _show(self, result: Any, name: str) -> None:
        """What changed, and what a task says."""
        self._handle_warnings_and_exception(result)
        if _is_loop(result):
            return
        if result.task.action in _DEBUG:
            self._display.display(f"\n{self._said_by(result)}")
        elif result.result.get("changed"):
            self._display.display(f"changed: [{self.host_label(result)}] {name}", color=constants.COLOR_CHANGED)

    def _said_by(self, result: Any) -> str:
        self._clean_results(result.result, result.task.action)
        message = result.result.get("msg")
        if isinstance(message, list) and all(isinstance(line, str) for line in message):
            return "\n".join(message)
        if isinstance(message, str):
            return message
        return compact(self._dump_results(result.result, serialize=False), max(MIN_WIDTH, self._display.columns))

    def _is_told(self, result: Any) -> bool:
        """Whether the message of a failure says all that people need."""
        if _is_loop(result):
            # Each item has been shown.
            return True
        told = result.task.action in _FAIL and result.result.get("msg") != _UNTOLD
        return "reason" in result.result or told

    def _fail(self, result: Any, note: str = "") -> None:
        self._handle_warnings(result.result)
        message = result.result.get("msg", "")
        text = "\n".join(map(str, message)) if isinstance(message, list) else str(message)
        if not _is_loop(result):
            shown = " as above" if text in self._said else f"\n{text}"
            self._said.add(text)
            self._display.display(
                f"\nfailed: [{self.host_label(result)}] {self._name(result.task)}:{shown}",
                color=constants.COLOR_ERROR,
                stderr=self.get_option("display_failed_stderr"),
            )
        if note:
            self._display.display(note, color=constants.COLOR_SKIP)

    def _name(self, task: Any) -> str:
        """Its name, with its variables filled in if it is the one that began last."""
        return str(self._last_task_name or task.get_name().strip())


def _is_loop(result: Any) -> bool:
    """Whether it has the results of items, each of which is shown by itself."""
    return bool(result.task.loop) and "results" in result.result


def _is_rescued(task: Any) -> bool:
    """Whether a rescue handles the failure of a task."""
    child, parent = task, task._parent
    while parent is not None:
        if isinstance(parent, Block) and parent.rescue:
            handled = [*parent.rescue, *parent.always]
            if child._uuid not in {one._uuid for one in handled}:
                return True
        child, parent = parent, parent._parent
    return False
