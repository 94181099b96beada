# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check and create the host directories that are mounted in nodes."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.mounts_and_ports import HostDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import answer


def missing(directories: Iterable[HostDirectory]) -> tuple[HostDirectory, ...]:
    """Those that have to be created. Raises BadInput for what cannot be mounted or created."""
    return tuple(d for d in directories if answer(functools.partial(_is_missing, d), d.path))


def refusals(directories: Iterable[HostDirectory]) -> Iterator[Refusal]:
    """What cannot be mounted or created, each with the reason."""
    for directory in directories:
        try:
            missing((directory,))
        except BadInput as error:
            why = error.message.partition(directory.path)[2].rstrip(".")
            yield Refusal(directory.path, f"it{why}", error.next_step)


def with_content(paths: Iterable[str]) -> set[str]:
    """Those that exist and are not empty, or cannot be looked at."""
    return {path for path in paths if os.path.lexists(path) and not _is_empty(path)}


def _is_empty(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def create(directory: HostDirectory) -> None:
    """Create the directory with its mode, and its parents. Raises BadInput."""
    try:
        os.makedirs(directory.path, exist_ok=True)
        os.chmod(directory.path, directory.mode)
    except OSError as error:
        raise BadInput(
            f"Host directory {directory.path} cannot be created: {error}",
            next_step=f"Create it: sudo mkdir -p {directory.path}",
        ) from None


def _is_missing(directory: HostDirectory) -> bool:
    path = directory.path
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise BadInput(
            f"Host path {path} cannot be looked at: {error.strerror}.",
            tried=f"ls -ld {path}",
            next_step="Use another path, or run this as root if this user may not enter a directory above it.",
        ) from None
    if os.path.isdir(path):
        return False
    if os.path.lexists(path):
        if os.path.exists(path) and (directory.file or not directory.create):
            return False
        raise BadInput(
            f"Host path {path} is not a directory.",
            next_step="Use a directory; to mount the file itself, set create: false.",
        )
    if not directory.create:
        raise BadInput(
            f"Host path {path} does not exist.",
            tried=f"ls -ld {path}",
            next_step=f"Mount the disk or restore the directory that belongs there. Only if there is no data of it: "
            f"sudo mkdir -p {path}",
        )
    parent = os.path.dirname(path)
    while not os.path.lexists(parent):
        parent = os.path.dirname(parent)
    if not os.path.isdir(parent):
        raise BadInput(
            f"Host directory {path} cannot be created: {parent} is not a directory.", next_step="Use another path."
        )
    if not os.access(parent, os.W_OK | os.X_OK):
        raise BadInput(
            f"Host directory {path} cannot be created: {parent} is not writable by this user.",
            next_step=f"Create it as root (sudo mkdir -p {path}), or use a directory of this user.",
        )
    return True
