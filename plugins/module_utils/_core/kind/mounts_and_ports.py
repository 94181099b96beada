# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checked mounts, host directories and published ports of requested nodes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .nodes import Mount, Port
from .settings import check_address

# kind's name of a mount propagation -> the engines' name.
PROPAGATION = {"None": "rprivate", "HostToContainer": "rslave", "Bidirectional": "rshared"}
# What kind and the engine mount in every node; a second mount on the same path would be refused or hide it.
KIND_PATHS = frozenset(("/", "/dev/mapper", "/lib/modules", "/run", "/tmp", "/var"))  # noqa: S108


@dataclass(frozen=True)
class HostDirectory:
    """A mounted directory or file of the host.

    create: whether a missing directory is created; file: whether a file that exists is mounted nevertheless.
    """

    path: str
    create: bool = True
    mode: int = 0o755
    file: bool = False


def node_mounts(node_name: str, node: Mapping[str, Any], shared: Iterable[Mapping[str, Any]]) -> tuple[Mount, ...]:
    """The mounts of one node, by node path: its own, and the shared ones for all nodes or for its role."""
    for_role = [m for m in shared if not m.get("roles") or node["role"] in m["roles"]]
    mounts: dict[str, Mount] = {}
    for options in [*for_role, *(node.get("mounts") or ())]:
        mount = Mount(
            node_path=_absolute("node_path", options["node_path"]),
            host_path=_absolute("host_path", options["host_path"]),
            read_only=bool(options.get("read_only")),
            propagation=PROPAGATION[options.get("propagation") or "None"],
            kind_fields=options.get("kind_fields") or {},
        )
        if mount.node_path in KIND_PATHS:
            raise BadInput(
                f"node_path {mount.node_path} of node {node_name} is reserved: kind mounts it in every node.",
                next_step="Use a directory below it.",
            )
        other = mounts.setdefault(mount.node_path, mount)
        if other is not mount:
            raise BadInput(
                f"node_path {mount.node_path} of node {node_name} has two mounts: {other.host_path} and "
                f"{mount.host_path}.",
                next_step="Give each mount its own node_path, or limit them to different roles.",
            )
    return tuple(mount for _path, mount in sorted(mounts.items()))


def _absolute(option: str, path: str) -> str:
    if not path.startswith("/"):
        raise BadInput(f"{option} {path!r} is not an absolute path.", next_step="Use an absolute path.")
    if set(path) & set(":\n\0"):
        raise BadInput(
            f"{option} {path!r} contains ':' or a control character, which container engines cannot mount.",
            next_step="Use another path.",
        )
    return "/" + posixpath.normpath(path).lstrip("/")


def host_directories(mounts: Iterable[Mapping[str, Any]]) -> tuple[HostDirectory, ...]:
    """The host directories of these mounts, each once."""
    directories: dict[str, HostDirectory] = {}
    for mount in mounts:
        path = _absolute("host_path", mount["host_path"])
        create = mount.get("create")
        # A configuration of kind does not say: Docker creates what is missing, and mounts what is there.
        found = HostDirectory(path, create is None or bool(create), _mode(mount.get("mode")), file=create is None)
        directories.setdefault(path, found)
    return tuple(directories.values())


def _mode(mode: Any) -> int:
    """Permission bits from octal text, or from a number as YAML parses it."""
    try:
        bits = 0o755 if mode is None else mode if isinstance(mode, int) else int(str(mode), 8)
    except ValueError:
        bits = -1
    if not 0 <= bits <= 0o7777:
        raise BadInput(f"mode {mode!r} of a mount is not octal.", next_step="Write it in quotes, like '0755'.")
    return bits


def published_ports(ports: Iterable[Mapping[str, Any]]) -> tuple[Port, ...]:
    """The ports of one node. Raises BadInput.

    host_port 0 lets kind choose one, -1 the engine at each start; listen '' is every address.
    """
    ports = list(ports)
    for port in ports:
        check_address("listen", port.get("listen") or "")
    return tuple(
        Port(
            node_port=_number("node_port", port["node_port"], 1),
            host_port=_number("host_port", port.get("host_port") or 0, -1),
            listen=port.get("listen") or "",
            protocol=(port.get("protocol") or "TCP").upper(),
        )
        for port in ports
    )


def _number(option: str, port: int, lowest: int) -> int:
    if not lowest <= port <= 65535:
        raise BadInput(f"{option} {port} is not a valid port.", next_step=f"Use {lowest} to 65535.")
    return port
