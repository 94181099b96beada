# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Errors of reading a volume's data: no permission, missing, or changed while it was read."""

from __future__ import annotations

import errno
import os
import shlex

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.error_text import AS_ROOT
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import printable

DETACH = "Scale the workloads that use it to zero (kindlab.volumes.volume_detach), then run this again."


class Vanished(Conflict):
    """An entry was removed or replaced: what is there instead is known once its directory is read again."""


def changed_while_read(what: str, how: str = "") -> Conflict:
    """The error for data that somebody writes. how: the difference."""
    return Conflict(f"{what} was written to while it was read{f': {how}' if how else '.'}", next_step=DETACH)


def read_error(path: bytes, error: OSError, directory: str = "") -> KindlabError:
    """The error for an entry of a volume, or for the volume's directory itself, which existed from the start."""
    where = os.fsdecode(error.filename or path)
    name, tried = printable(where), shlex.join(["ls", "-ld", where]).encode("utf-8", "backslashreplace").decode()
    if error.errno in (errno.EACCES, errno.EPERM):
        return BadInput(f"This user cannot read {name}.", tried=tried, next_step=check_permissions())
    if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENOTDIR) and where != directory:
        return Vanished(f"{name} vanished or was replaced while it was read.", next_step=DETACH)
    return BadInput(f"Cannot read {name}: {error.strerror}.", tried=tried, next_step=check_permissions())


def check_permissions() -> str:
    """The next step where a file cannot be read."""
    return "Check that it exists and is readable" + ("." if os.geteuid() == 0 else f", or {AS_ROOT}.")
