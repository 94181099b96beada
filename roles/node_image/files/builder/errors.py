"""Errors of a build, with the next step."""

from __future__ import annotations

from pathlib import Path


class BuildError(Exception):
    """A step failed. `log` is the path of its output, `hint` the next step."""

    def __init__(self, reason: str, log: Path | None = None, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.log = log
        self.hint = hint

    def report(self, lines: int = 15) -> str:
        parts = [self.reason]
        if self.log is not None and self.log.exists():
            text = self.log.read_text(errors="replace").splitlines()
            parts += [f"last lines of {self.log}:", *(f"  | {line}" for line in text[-lines:])]
        if self.hint:
            parts.append(f"next step: {self.hint}")
        return "\n".join(parts)


def explain_os_error(error: OSError) -> BuildError:
    """Describe an error of the operating system, such as a full disk."""
    where = f" at {error.filename}" if error.filename else ""
    if error.errno == 28:
        return BuildError(
            f"no space left on the device{where}", hint="free some space, then run again; finished steps are kept"
        )
    return BuildError(f"{error.strerror}{where}")
