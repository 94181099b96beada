# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Errors: each names the object, a command and the next step."""

from __future__ import annotations

from typing import Any


class KindlabError(Exception):
    """An action failed.

    message: a sentence that names the object and the problem.
    tried: the command or request that failed, or a command that shows the problem, to paste.
    next_step: what the user can do about it.
    details: the same for programs, e.g. one entry per refused volume.
    """

    def __init__(self, message: str, *, tried: str = "", next_step: str = "", details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.tried = tried
        self.next_step = next_step
        self.details = details

    def text(self) -> str:
        """Message, command and next step, a line each."""
        lines = [self.message]
        if self.tried:
            lines.append(f"Command: {self.tried}")
        if self.next_step:
            lines.append(f"Next: {self.next_step}")
        return "\n".join(lines)


class BadInput(KindlabError):
    """An option, file or directory cannot be used as it is."""


class Declined(KindlabError):
    """The request is possible, but could lose data or does something that was not clearly requested."""


class CommandFailed(KindlabError):
    """A command failed."""


class Unreachable(KindlabError):
    """The engine or the API server does not answer."""


class Conflict(KindlabError):
    """An object of that name exists, or was changed meanwhile."""


class TimedOut(KindlabError):
    """A condition was not met in time."""
