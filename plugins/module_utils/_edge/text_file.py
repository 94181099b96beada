# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One file of text on this host: read, and written by one rename."""

from __future__ import annotations

import os
import tempfile

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput


def read(path: str) -> str:
    """The file's text, '' where there is none. Raises BadInput for what is no file or can't be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} can't be read: {error}", next_step="Name another file, or remove this one.") from None


def write(path: str, text: str) -> None:
    """Write the file, readable for everybody; it is seen whole or not at all. Directories above it are made."""
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
        raise BadInput(f"{path} can't be written: {error}", next_step="Name a file that this user may write.") from None
