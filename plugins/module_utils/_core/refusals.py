# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refusals: why a request is declined, and the error that lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import Declined
from .text import claimed, listed


@dataclass(frozen=True)
class Refusal:
    """One reason to decline a request.

    name: the object it concerns, as kubectl names it; next_step: what the user can do about it, '' for nothing.
    details: further fields for programs.
    """

    name: str
    why: str
    next_step: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """'name: why', or 'claim (name): why' for a volume."""
        return f"{claimed(self.name, self.details.get('claim') or '')}: {self.why}" if self.name else self.why

    def as_dict(self) -> dict[str, Any]:
        """The row in an error's details."""
        return {"name": self.name, "why": self.why, "next_step": self.next_step, **self.details}


def decline(subject: str, refusals: Sequence[Refusal], *next_steps: str, effect: str = "nothing was changed") -> None:
    """Raise Declined if there is any refusal. subject: the sentence before the list, without its full stop."""
    if not refusals:
        return
    steps = list(dict.fromkeys(step for step in (*(r.next_step for r in refusals), *next_steps) if step))
    raise Declined(
        f"{subject}; {effect}:\n- " + listed([r.text() for r in refusals], separator="\n- "),
        next_step="\n- ".join(["", *steps]) if len(steps) > 1 else "".join(steps),
        details=[refusal.as_dict() for refusal in refusals],
    )
