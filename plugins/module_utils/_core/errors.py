# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The family of errors: each names the thing, what was tried and the next step."""

from __future__ import annotations

from typing import Any


class KindlabError(Exception):
    """Something could not be done.

    message: one sentence that names the thing and what is wrong with it.
    tried: the command or request that showed it, as one can paste it.
    next_step: what the reader can do about it.
    details: the same in a form for programs, e.g. one entry per refused volume.
    """

    def __init__(self, message: str, *, tried: str = "", next_step: str = "", details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.tried = tried
        self.next_step = next_step
        self.details = details

    def text(self) -> str:
        """The whole error for people: message, command and next step, a line each."""
        lines = [self.message]
        if self.tried:
            lines.append(f"Tried: {self.tried}")
        if self.next_step:
            lines.append(f"Next: {self.next_step}")
        return "\n".join(lines)


class BadInput(KindlabError):
    """An option, file or directory that was handed over can't be used as it is."""


class Declined(KindlabError):
    """It could be done, but data might be lost or it wasn't clearly asked for."""


class CommandFailed(KindlabError):
    """A program ended with an error."""


class Unreachable(KindlabError):
    """The engine or the API server does not answer."""


class Conflict(KindlabError):
    """An object of that name exists already, or was changed meanwhile."""


class TimedOut(KindlabError):
    """What was waited for did not come in time."""
