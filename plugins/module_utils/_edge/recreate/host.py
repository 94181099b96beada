# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What this host and its engine have for a new cluster: free ports, host directories, images and their version."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host import preflight
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.mounts_and_ports import HostDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, Port
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate import checks
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host import directories, machine

_KINDS = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}
_OBSTACLES = {
    errno.EADDRINUSE: "another program listens on it",
    errno.EADDRNOTAVAIL: "{} is not an address of this host",
}
VERSION_SECONDS = 60


def refusals(engine: Engine, spec: ClusterSpec, nodes: Sequence[Node]) -> Iterator[Refusal]:
    """What this host lacks for a new cluster. nodes: those of the cluster that is deleted before."""
    taken = unusable(checks.new_ports(spec, nodes))
    yield from checks.host_refusals(taken, missing(spec.directories), spec)
    yield from (Refusal("", error.message.rstrip("."), error.next_step) for error in uncreatable(spec.directories))
    seen = machine.look(engine, spec, "", nodes)
    told = {preflight.port_text(port) for port, _why in taken}
    ports = {port: why for port, why in seen.ports.items() if port not in told}
    yield from preflight.refusals(spec, replace(seen, ports=ports))


def unusable(ports: Iterable[Port]) -> list[tuple[Port, str]]:
    """The ports that cannot be published, each with the reason."""
    found = ((port, _obstacle(port)) for port in ports if port.protocol in _KINDS)
    return [(port, why) for port, why in found if why]


def missing(wanted: Iterable[HostDirectory]) -> list[str]:
    """The host directories that do not exist, except those that are to be created."""
    return [item.path for item in wanted if not item.create and not os.path.exists(item.path)]


def uncreatable(wanted: Iterable[HostDirectory]) -> list[BadInput]:
    """Why host directories that are to be created cannot be."""
    found = []
    for directory in wanted:
        try:
            directories.missing((directory,) if directory.create else ())
        except BadInput as error:
            found.append(error)
    return found


def missing_directories(paths: Iterable[str]) -> set[str]:
    """Those that do not exist."""
    return {path for path in paths if not os.path.exists(path)}


def occupied(paths: Iterable[str]) -> set[str]:
    """Those that exist and have content, or cannot be looked at."""
    return {path for path in paths if os.path.lexists(path) and not _is_empty(path)}


def _is_empty(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def image_version(engine: Engine, image: str) -> str:
    """The Kubernetes version in a node image, e.g. v1.34.4; '' if it cannot be read."""
    argv = [engine.name, "run", "--rm", "--network", "none", "--entrypoint", "cat", image, "/kind/version"]
    try:
        done = engine.runner.run(argv, check=False, timeout=VERSION_SECONDS)
    except KindlabError:
        return ""
    return done.out.strip() if done.code == 0 else ""


def _obstacle(port: Port) -> str:
    """Why a port cannot be published, '' if it can; what only root may find out is left to the engine."""
    family = socket.AF_INET6 if ":" in port.listen else socket.AF_INET
    try:
        with socket.socket(family, _KINDS[port.protocol]) as probe:
            if port.protocol == "TCP":
                # Connections of an earlier program that are still closing do not hold the port.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((port.listen or "0.0.0.0", port.host_port))
    except OSError as error:
        return _OBSTACLES.get(error.errno or 0, "").format(port.listen)
    return ""
