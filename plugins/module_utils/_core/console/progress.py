# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Progress of running tasks: find slow tasks and format progress lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

# Seconds from a task's start to its first line, and from each line to the next.
INTERVAL = 5.0
# Seconds from a task's start until a terminal shows it.
SOON = 2.0
# Maximum number of hosts in a line.
HOSTS = 3
# Callback plugins that write the standard output for people. Programs read the output of the others.
STDOUT_FOR_PEOPLE = (
    "ansible.builtin.default",
    "community.general.yaml",
    "debug",
    "default",
    "kindlab.volumes.brief",
    "yaml",
)
# Characters of a bar.
BAR = 20


@dataclass
class _Task:
    name: str
    started: float
    reported: float
    hosts: list[str] = field(default_factory=list)
    items: int = 0
    note: str = ""
    share: float | None = None

    def line(self, now: float) -> str:
        done = f", {self.items} done" if self.items else ""
        note = f": {self.note}" if self.note else ""
        return f"{now - self.started:.0f} s: {self.name} ({listed(self.hosts, HOSTS)}){done}{note}"

    def gauge(self) -> str:
        """'[##########----------]  50 % ', '' if nothing is known."""
        if self.share is None:
            return ""
        full = round(BAR * self.share)
        return f"[{'#' * full}{'-' * (BAR - full)}] {self.share:4.0%} "


class Progress:
    """Running tasks, each known by a key. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._running: dict[str, _Task] = {}

    def start(self, task: str, name: str, host: str, now: float) -> None:
        """A host starts a task."""
        self._running.setdefault(task, _Task(name, now, now)).hosts.append(host)

    def item(self, task: str) -> None:
        """One item of a task's loop is done."""
        if task in self._running:
            self._running[task].items += 1

    def note(self, task: str, text: str, share: float | None = None) -> None:
        """What a task is doing, and how much of it is done, from 0 to 1."""
        if task in self._running:
            self._running[task].note, self._running[task].share = text, share

    def end(self, task: str, host: str) -> None:
        """A host has finished a task."""
        running = self._running.get(task)
        if running and host in running.hosts:
            running.hosts.remove(host)
            if not running.hosts:
                del self._running[task]

    def runs(self, task: str) -> bool:
        """Whether any host runs a task."""
        return task in self._running

    def lines(self, now: float) -> list[str]:
        """A line for each task that was not reported for INTERVAL seconds, with the hosts that still run it."""
        due = [task for task in self._running.values() if now - task.reported >= INTERVAL]
        for task in due:
            task.reported = now - (now - task.started) % INTERVAL
        return [f"  ... {task.line(now)}" for task in due]

    def status(self, now: float) -> str:
        """What runs longest, with a bar, and how many others there are; '' for nothing that takes long."""
        long = [task for task in self._running.values() if now - task.started >= SOON]
        if not long:
            return ""
        others = f" (and {len(long) - 1} more)" if len(long) > 1 else ""
        return f"{long[0].gauge()}{long[0].line(now)}{others}"
