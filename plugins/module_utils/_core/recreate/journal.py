# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal of recreations: a line per finished step, and where a run that was interrupted goes on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

# In their order. 'deleting' stands before the first thing that can't be undone; each other one for what is finished.
STEPS = (
    "planned",
    "detached",
    "saved",
    "deleting",
    "deleted",
    "created",
    "provisioned",
    "restored",
    "verified",
    "attached",
    "done",
)
# An end, too: nothing was deleted, and what used the volumes has again what it had.
GIVEN_BACK = "given back"
_BEFORE_IT_WAS_GONE = STEPS[: STEPS.index("deleted")]


@dataclass(frozen=True)
class Line:
    """A step that was finished. at: the time, for people; facts: what later steps need of it."""

    step: str
    at: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Begun:
    """One recreation as far as it came; its facts together."""

    steps: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """True where nothing is left to do, or nothing was begun."""
        return not self.steps or self.steps[-1] in ("done", GIVEN_BACK)


def to_text(line: Line) -> str:
    """The line as it is written, its end included."""
    return json.dumps({"step": line.step, "at": line.at, **line.facts}) + "\n"


def read(text: str, where: str) -> tuple[Line, ...]:
    """The lines of a journal. where: its file, for errors. A line that was cut while it was written is left out.

    Raises BadInput where a whole line is none of a journal.
    """
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            data = json.loads(line) if line.strip() else None
        except ValueError:
            continue
        if data is None:
            continue
        if not isinstance(data, dict) or data.get("step") not in (*STEPS, GIVEN_BACK):
            raise BadInput(
                f"Line {number} of the journal {where} names no step.",
                next_step="Restore it from a copy. Without it (moved away), the cluster counts as never begun.",
            )
        found.append(Line(data.pop("step"), str(data.pop("at", "")), data))
    return tuple(found)


def last(lines: Iterable[Line]) -> Begun:
    """The last recreation. It begins with 'planned'; what came before that is forgotten.

    Once a cluster is gone it has to be made again: what followed an earlier 'deleted' counts no more.
    """
    steps: list[str] = []
    facts: dict[str, Any] = {}
    for line in lines:
        if line.step == "planned":
            steps, facts = [], {}
        elif line.step == "deleted":
            steps = [step for step in steps if step in _BEFORE_IT_WAS_GONE]
        steps.append(line.step)
        facts |= line.facts
    return Begun(tuple(steps), facts)
