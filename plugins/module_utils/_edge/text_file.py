# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read a text file, and write it atomically."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput


def read(path: str) -> str:
    """The file's text, '' if it does not exist. Raises BadInput if it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}",
            next_step=f"Make it readable for this user, or use another path: ls -l {path}",
        ) from None


def replace(path: str, text: str) -> None:
    """Write an existing file by one rename; its mode, and if possible its owner, stay. Raises BadInput."""
    try:
        target = os.path.realpath(path)
        before = os.stat(target)
        _write(target, text, stat.S_IMODE(before.st_mode), (before.st_uid, before.st_gid))
    except OSError as error:
        raise _not_writable(path, error) from None


def write(path: str, text: str) -> None:
    """Write the file by one rename, with mode 0644; missing parent directories are created. Raises BadInput."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _write(path, text, 0o644)
    except OSError as error:
        raise _not_writable(path, error) from None


def _write(path: str, text: str, mode: int, owner: tuple[int, int] | None = None) -> None:
    handle, draft = tempfile.mkstemp(dir=os.path.dirname(path), prefix=f".{os.path.basename(path)}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            if owner:
                with suppress(OSError):
                    os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def _not_writable(path: str, error: OSError) -> BadInput:
    return BadInput(f"{path} cannot be written: {error}", next_step="Use a path that this user can write to.")
