# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Table of the machines of a playbook: what became of each one, its clusters, and its seconds or its error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.report_table import MISSING, aligned

HEADER = ("machine", "result", "clusters", "seconds or error")
# The most characters of an error: the whole one is where its task failed.
ERROR = 200


@dataclass
class _Machine:
    started: float
    ended: float
    clusters: list[str] = field(default_factory=list)
    error: str = ""


class Machines:
    """What is known of each machine by its name. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._known: dict[str, _Machine] = {}

    def start(self, name: str, now: float) -> None:
        """A machine starts a task."""
        self._known.setdefault(name, _Machine(now, now))

    def end(self, name: str, result: Mapping[str, Any], now: float) -> None:
        """A machine has finished a task, with this result of it."""
        self.start(name, now)
        self._known[name].ended = now
        facts = result.get("ansible_facts")
        entries = facts.get("provision_result") if isinstance(facts, Mapping) else None
        if entries is not None:
            self._known[name].clusters = [_cluster(entry) for entry in entries]

    def fail(self, name: str, result: Mapping[str, Any], now: float) -> None:
        """A task of a machine has failed, or did not reach it. The last failure is the one that counts."""
        self.end(name, result, now)
        self._known[name].error = _error(result)

    def table(self, results: Mapping[str, str]) -> list[str]:
        """The lines of a table of these machines, each with its result: 'changed', 'unchanged', 'failed', ...

        The error of a task that was rescued is not shown. A single machine needs no table.
        """
        if len(results) < 2:
            return []
        return list(aligned([HEADER, *(self._row(name, result) for name, result in results.items())]))

    def _row(self, name: str, result: str) -> tuple[str, ...]:
        known = self._known.get(name, _Machine(0, 0))
        failed = result not in ("changed", "unchanged")
        last = (known.error or MISSING) if failed else f"{known.ended - known.started:.1f}"
        return (name, result, ", ".join(known.clusters) or MISSING, last)


def _cluster(entry: Mapping[str, Any]) -> str:
    """One entry of provision_result."""
    return f"{entry['name']}{' (absent)' if entry['state'] == 'absent' else ''}"


def _error(result: Mapping[str, Any]) -> str:
    """The message of a task's result on one line; of a loop those of the items that failed."""
    items = [item for item in result.get("results") or () if isinstance(item, Mapping) and item.get("failed")]
    messages = [_text(item.get("msg")) for item in items] or [_text(result.get("msg"))]
    text = "; ".join(dict.fromkeys(messages))
    return text if len(text) <= ERROR else f"{text[:ERROR]}..."


def _text(message: Any) -> str:
    lines: Iterable[Any] = message if isinstance(message, list) else [message or ""]
    return " ".join(" ".join(map(str, lines)).split())
