# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A directory of this host that is handed over with its data: what it is, and where mounts come from. Read only."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node, is_below
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.place import Looked

# Docker Desktop shows the host's paths below this directory of its virtual machine.
DESKTOP = "/host_mnt"
# Linux only; the same in all containers of one kernel.
BOOT = "/proc/sys/kernel/random/boot_id"


@dataclass(frozen=True)
class LocalPath:
    """The directory without symbolic links in its path, and what a look at it shows."""

    path: str
    looked: Looked


def look_at(path: str, root: str | None) -> LocalPath:
    """The directory that the data is in. Raises BadInput where it can't be used, or does not lie in the root."""
    status = _status(path, "The local data path")
    if not stat.S_ISDIR(status.st_mode):
        raise BadInput(f"The local data path {path} is not a directory.", next_step="Name the directory it lies in.")
    real = os.path.realpath(path)
    if root is not None:
        _status(root, "The root")
        real_root = os.path.realpath(root)
        if not is_below(real, real_root):
            way = f", as {real}," if real != os.path.normpath(path) else ""
            raise BadInput(
                f"The local data path {path} lies{way} outside of the root {root}.",
                tried=f"realpath {path}",
                next_step="Name a directory below the root, or the root that it is meant to lie in.",
            )
    return LocalPath(real, Looked(status.st_dev, status.st_ino, _boot()))


def resolved(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes with their mounts' host paths as this host's, without symbolic links."""
    return tuple(replace(node, mounts=tuple(map(_resolved, node.mounts))) for node in nodes)


def _resolved(mount: Mount) -> Mount:
    if mount.kind != "bind":
        return mount
    return replace(mount, host_path=os.path.realpath(mount.host_path.removeprefix(DESKTOP) or "/"))


def _boot() -> str:
    try:
        with open(BOOT, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _status(path: str, what: str) -> os.stat_result:
    try:
        return os.stat(path)
    except FileNotFoundError:
        raise BadInput(
            f"{what} {path} does not exist on this host.",
            tried=f"ls -ld {path}",
            next_step="Name a directory of the host that runs the cluster; nothing is made here.",
        ) from None
    except OSError as error:
        raise BadInput(
            f"{what} {path} can't be looked at by this user: {error.strerror}",
            tried=f"ls -ld {path}",
            next_step="Run as a user who may see it, e.g. with become: true.",
        ) from None
