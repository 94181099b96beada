# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a node is given: its mounts, the host directories behind them, and its ports."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .nodes import Mount, Port

# The engines' words for kind's.
PROPAGATION = {"None": "rprivate", "HostToContainer": "rslave", "Bidirectional": "rshared"}
# What kind and the engine mount in every node; a second mount on the same path would be refused or hide it.
KINDS_OWN_PATHS = frozenset(("/", "/dev/mapper", "/lib/modules", "/run", "/tmp", "/var"))  # noqa: S108


@dataclass(frozen=True)
class HostDirectory:
    """A directory or file of the host that is mounted; with create, a directory that is made where it is missing."""

    path: str
    create: bool = True
    mode: int = 0o755


def node_mounts(node_name: str, node: Mapping[str, Any], everywhere: Iterable[Mapping[str, Any]]) -> tuple[Mount, ...]:
    """The mounts of one node: those for all nodes or its role, and its own, ordered by their place in the node."""
    chosen = [m for m in everywhere if not m.get("roles") or node["role"] in m["roles"]]
    found: dict[str, Mount] = {}
    for given in [*chosen, *(node.get("mounts") or ())]:
        mount = Mount(
            node_path=_absolute("node_path", given["node_path"]),
            host_path=_absolute("host_path", given["host_path"]),
            read_only=bool(given.get("read_only")),
            propagation=PROPAGATION[given.get("propagation") or "None"],
        )
        if mount.node_path in KINDS_OWN_PATHS:
            raise BadInput(
                f"{mount.node_path} of {node_name} belongs to kind, which mounts something of its own there.",
                next_step="Mount a directory below it.",
            )
        other = found.setdefault(mount.node_path, mount)
        if other is not mount:
            raise BadInput(
                f"Two mounts lie on {mount.node_path} of {node_name}: {other.host_path} and {mount.host_path}.",
                next_step="Give each mount a node_path of its own, or limit them to different roles.",
            )
    return tuple(sorted(found.values(), key=lambda m: m.node_path))


def _absolute(option: str, path: str) -> str:
    if not path.startswith("/"):
        raise BadInput(f"{option} {path!r} is not an absolute path.", next_step="Write it from / on.")
    if ":" in path or "\n" in path:
        raise BadInput(f"{option} {path!r} holds a character that engines can't mount (a colon or a line's end).")
    return "/" + posixpath.normpath(path).lstrip("/")


def host_directories(mounts: Iterable[Mapping[str, Any]]) -> tuple[HostDirectory, ...]:
    """What is mounted from the host, each once."""
    found: dict[str, HostDirectory] = {}
    for mount in mounts:
        path = _absolute("host_path", mount["host_path"])
        create = mount.get("create")
        found.setdefault(path, HostDirectory(path, create is None or bool(create), _mode(mount.get("mode"))))
    return tuple(found.values())


def _mode(mode: Any) -> int:
    """Permission bits from octal text, or from a number as YAML has read it."""
    try:
        bits = 0o755 if mode is None else mode if isinstance(mode, int) else int(str(mode), 8)
    except ValueError:
        bits = -1
    if not 0 <= bits <= 0o7777:
        raise BadInput(f"The mode {mode!r} of a mount is not octal.", next_step="Write it in quotes, like '0755'.")
    return bits


def published_ports(given: Iterable[Mapping[str, Any]]) -> tuple[Port, ...]:
    """The ports of one node; host_port 0 leaves the choice to kind, listen '' is every address."""
    return tuple(
        Port(
            node_port=_number("node_port", port["node_port"], 1),
            host_port=_number("host_port", port.get("host_port") or 0, 0),
            listen=port.get("listen") or "",
            protocol=(port.get("protocol") or "TCP").upper(),
        )
        for port in given
    )


def _number(option: str, port: int, lowest: int) -> int:
    if not lowest <= port <= 65535:
        raise BadInput(f"{option} {port} is not a port.", next_step=f"Use {lowest} to 65535.")
    return port
