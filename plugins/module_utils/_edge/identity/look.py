# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at each running node by one command, and at the host: CA, kernel, mounts and directories. Read only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.host import bind_paths
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import (
    Look,
    Mounted,
    parse_look,
    parse_mounts,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import (
    Node,
    is_below,
    kubernetes_nodes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import answer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import ANSWER_SECONDS, Engine

# Arguments: the paths of mounts in the node.
LOOK = r"""
cat /proc/sys/kernel/random/boot_id
printf '\0'
cat /etc/kubernetes/pki/ca.crt 2>/dev/null
printf '\0'
for path do stat -c '%d %i' -- "$path" 2>/dev/null; printf '\0'; done
test $# = 0 || realpath -mz -- "$@" || exit
cat /proc/self/mountinfo
printf '\0end\0'
"""
# Linux only; the same in all containers of a kernel.
BOOT = "/proc/sys/kernel/random/boot_id"
MOUNTS = "/proc/self/mountinfo"
# Docker Desktop mounts the host's paths below this directory of its virtual machine.
DESKTOP = "/host_mnt"
# For a path on a network file system whose server may be gone, and how many are asked at the same time.
HOST_SECONDS = 10.0
AT_ONCE = 8


def look_at_nodes(engine: Engine, nodes: Iterable[Node]) -> dict[str, Look]:
    """Node's name -> what a look at it shows, for those that run Kubernetes and are running, all at the same time."""
    running = [node for node in kubernetes_nodes(nodes) if node.state == RUNNING]
    with ThreadPoolExecutor(max(1, len(running))) as pool:
        looks = pool.map(lambda node: _look_at_node(engine, node), running)
        return {node.name: look for node, look in zip(running, looks)}


def look_at_host(nodes: Iterable[Node]) -> Look:
    """What a look at this host shows of the host paths of these nodes' mounts."""
    paths, mounts = bind_paths(nodes), mounts_of_host()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = dict(zip(paths, pool.map(_host_path, paths)))
        tops = {shown[0] for shown in found.values() if shown}
        points = {path: _point_of(path, mounts) for path, shown in found.items() if shown is None}
        below = {point for point in mounts if point not in tops and any(is_below(point, top) for top in tops)}
        asked = sorted(below.union(points.values()))
        silent = {point for point, answers in zip(asked, pool.map(_answers, asked)) if not answers}
    return Look(
        boot=_content(BOOT).strip(),
        stats={path: stat for path, shown in found.items() for stat in (shown[1] if shown else ())},
        real={path: shown[0] if shown else path for path, shown in found.items()},
        mounts=mounts,
        # A path whose mount point answers leads to another by a symbolic link.
        silent=frozenset(silent.union(path for path, point in points.items() if point not in silent)),
    )


def real_path(host: Look, path: str) -> str:
    """A path of the host without symbolic links, as it is if its file system does not answer. Raises TimedOut."""
    silent = any(is_below(path, point) for point in host.silent)
    return path if silent else answer(lambda: os.path.realpath(path), path)


def mounts_of_host() -> dict[str, Mounted]:
    """The mount points of this host at this moment, {} where that cannot be known."""
    return parse_mounts(_content(MOUNTS))


def _look_at_node(engine: Engine, node: Node) -> Look:
    paths = [mount.node_path for mount in node.mounts if mount.kind == "bind"]
    try:
        done = engine.inside(node.name).run(["sh", "-c", LOOK, "sh", *paths], timeout=ANSWER_SECONDS)
        return parse_look(node.name, done.out, paths)
    except (CommandFailed, TimedOut) as error:
        return Look(error=error.message.rstrip("."))


def _point_of(path: str, mounts: Iterable[str]) -> str:
    """The mount point that a path lies in by its name."""
    return max((point for point in mounts if is_below(path, point)), key=len, default=path)


def _host_path(path: str) -> tuple[str, tuple[tuple[int, int] | None, ...]] | None:
    """Its real path, and what _stats yields; None if its file system does not answer."""

    def look() -> tuple[str, tuple[tuple[int, int] | None, ...]]:
        real = _real(path)
        _ask(real)
        return real, tuple(_stats(real))

    try:
        return answer(look, path, HOST_SECONDS)
    except TimedOut:
        return None


def _answers(path: str) -> bool:
    try:
        answer(lambda: _ask(path), path, HOST_SECONDS)
    except TimedOut:
        return False
    return True


def _ask(path: str) -> None:
    """Wait for the answer of a file system: what is known of a path may be kept here, what is free is not."""
    with suppress(OSError):
        os.statvfs(path)


def _real(path: str) -> str:
    shorter = path.removeprefix(DESKTOP) or "/"
    return os.path.realpath(shorter if shorter != path and not os.path.lexists(path) else path)


def _stats(path: str) -> Iterable[tuple[int, int] | None]:
    """Device and inode, None for no such path; none for a path that this user may not reach."""
    try:
        status = os.stat(path)
        yield status.st_dev, status.st_ino
    except (FileNotFoundError, NotADirectoryError):
        yield None
    except OSError:
        return


def _content(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
