# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read a text file, and write it atomically."""

from __future__ import annotations

import os
import tempfile

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput


def read(path: str) -> str:
    """The file's text, '' if it does not exist. Raises BadInput if it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}",
            next_step=f"Make it readable for this user, or use another path: ls -l {path}",
        ) from None


def write(path: str, text: str) -> None:
    """Write the file by one rename, with mode 0644; missing parent directories are created. Raises BadInput."""
    directory = os.path.dirname(path)
    try:
        os.makedirs(directory, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=directory, prefix=f".{os.path.basename(path)}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                os.fchmod(file.fileno(), 0o644)
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error}", next_step="Use a path that this user can write to."
        ) from None
