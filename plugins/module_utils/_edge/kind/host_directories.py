# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""This host's directories that are mounted in nodes: checked, and made where they are missing."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.mounts_and_ports import HostDirectory


def missing(directories: Iterable[HostDirectory]) -> tuple[HostDirectory, ...]:
    """Those that have to be made. Raises BadInput for what can't be mounted or made."""
    return tuple(directory for directory in directories if _is_missing(directory))


def create(directory: HostDirectory) -> None:
    """Make the directory with its mode, and the ones above it. Raises BadInput."""
    try:
        os.makedirs(directory.path, exist_ok=True)
        os.chmod(directory.path, directory.mode)
    except OSError as error:
        raise BadInput(f"The host path {directory.path} can't be made: {error}") from None


def _is_missing(directory: HostDirectory) -> bool:
    path = directory.path
    if os.path.isdir(path):
        return False
    if os.path.lexists(path):
        if os.path.exists(path) and not directory.create:
            return False
        raise BadInput(
            f"The host path {path} is not a directory.",
            next_step="Name a directory; to mount that file itself, set create: false.",
        )
    if not directory.create:
        raise BadInput(f"The host path {path} does not exist.", next_step="Make it, or set create: true.")
    above = os.path.dirname(path)
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    if not os.path.isdir(above):
        raise BadInput(f"The host path {path} can't be made: {above} is not a directory.")
    if not os.access(above, os.W_OK | os.X_OK):
        raise BadInput(
            f"The host path {path} can't be made: this user may not write to {above}.",
            next_step="Make it as root, or name a directory of this user.",
        )
    return True
