# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directory of this host that holds the data. Nothing is written."""

from __future__ import annotations

import os
import stat
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.error_text import AS_ROOT
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import is_below
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import answer


def host_directory(path: str, root: str | None) -> str:
    """The directory of the data, without symbolic links. Raises BadInput if it is unusable, or outside of the root."""
    status = _status(path, "The local data path")
    if not stat.S_ISDIR(status.st_mode):
        raise BadInput(
            f"The local data path {path} is not a directory.", next_step="Name the directory that contains it."
        )
    real = os.path.realpath(path)
    if root is not None:
        _status(root, "The root")
        real_root = os.path.realpath(root)
        if not is_below(real, real_root):
            target = f" ({real})" if real != os.path.normpath(path) else ""
            raise BadInput(
                f"The local data path {path}{target} is outside of the root {root}.",
                tried=f"realpath {path}",
                next_step="Use a directory below the root, or another root.",
            )
    return real


def _status(path: str, what: str) -> os.stat_result:
    try:
        return answer(partial(os.stat, path), path)
    except FileNotFoundError:
        raise BadInput(
            f"{what} {path} does not exist on this host.",
            tried=f"ls -ld {path}",
            next_step="Use an existing directory of the host that runs the cluster.",
        ) from None
    except OSError as error:
        raise BadInput(
            f"{what} {path} cannot be accessed by this user: {error.strerror}",
            tried=f"ls -ld {path}",
            next_step=f"Make it accessible for this user, or {AS_ROOT}.",
        ) from None
