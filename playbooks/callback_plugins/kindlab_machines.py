# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Callback plugin that ends the playbook provision with a table of its machines."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.machines import Machines
from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.progress import STDOUT_FOR_PEOPLE

DOCUMENTATION = r"""
name: kindlab_machines
type: aggregate
short_description: Show what became of each machine
version_added: 0.1.0
author: kindlab.volumes contributors (@kindlab)
description:
  - Ends the playbook C(kindlab.volumes.provision) with a table of its machines, if there are several. It has the result
    of each one, its clusters, and its seconds or its error, also of machines that were not reached.
  - Prints nothing where the standard output is written by a callback plugin for programs.
"""

PLAYBOOK = "provision"


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """A callback, not a play at the end: that would not be run if all machines fail."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kindlab_machines"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self) -> None:
        super().__init__()
        self._machines = Machines()

    def v2_playbook_on_start(self, playbook: Any) -> None:
        for_people = constants.DEFAULT_STDOUT_CALLBACK in STDOUT_FOR_PEOPLE
        self.disabled = not for_people or Path(playbook._file_name).stem != PLAYBOOK

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        del task
        self._machines.start(host.get_name(), time.monotonic())

    def v2_runner_on_ok(self, result: Any) -> None:
        self._machines.end(result.host.get_name(), result.result, time.monotonic())

    v2_runner_on_skipped = v2_runner_on_ok

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        told = self._machines.end if ignore_errors else self._machines.fail
        told(result.host.get_name(), result.result, time.monotonic())

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._machines.fail(result.host.get_name(), result.result, time.monotonic())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        lines = self._machines.table({host: _result(stats.summarize(host)) for host in sorted(stats.processed)})
        if lines and not self.disabled:
            self._display.display("\n".join(["", *lines]))


def _result(summary: dict[str, int]) -> str:
    if summary["unreachable"] or summary["failures"]:
        return "unreachable" if summary["unreachable"] else "failed"
    return "changed" if summary["changed"] else "unchanged"
