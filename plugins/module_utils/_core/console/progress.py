# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tasks take long, and the lines that say so while they run."""

from __future__ import annotations

from dataclasses import dataclass, field

# Seconds until a task's first line, and from each line to the next, whenever it was looked at.
PATIENCE = 5.0
# Hosts that a line names.
NAMED = 3


@dataclass
class _Running:
    name: str
    since: float
    told: float
    hosts: list[str] = field(default_factory=list)
    items: int = 0

    def line(self, now: float) -> str:
        more = len(self.hosts) - NAMED
        hosts = ", ".join(self.hosts[:NAMED]) + (f" and {more} more" if more > 0 else "")
        done = f", {self.items} done" if self.items else ""
        return f"  ... {now - self.since:.0f} s: {self.name} ({hosts}){done}"


class Waiting:
    """Tasks that hosts are at work on. Times are seconds of one clock; a task is known by any key."""

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}

    def begin(self, task: str, name: str, host: str, now: float) -> None:
        """A host begins a task."""
        running = self._running.setdefault(task, _Running(name, now, now))
        running.hosts.append(host)

    def item(self, task: str) -> None:
        """One item of a task's loop is done."""
        if task in self._running:
            self._running[task].items += 1

    def end(self, task: str, host: str) -> None:
        """A host has ended a task."""
        running = self._running.get(task)
        if running and host in running.hosts:
            running.hosts.remove(host)
            if not running.hosts:
                del self._running[task]

    def lines(self, now: float) -> list[str]:
        """A line for each task of which nothing was said for PATIENCE seconds; with the hosts that are waited for."""
        due = [running for running in self._running.values() if now - running.told >= PATIENCE]
        for running in due:
            running.told = now - (now - running.since) % PATIENCE
        return [running.line(now) for running in due]
