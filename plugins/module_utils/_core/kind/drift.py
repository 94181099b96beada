# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How an existing cluster differs from the one that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import plain_name

from .config import kind_config
from .nodes import CONTROL_PLANE, Mount, Node, Port, kubernetes_nodes, node_names
from .settings import split_rate
from .spec import ClusterSpec, WantedNode

API_SERVER_PORT = 6443
SAID_MAX = 120
# Mounted in every node by kind itself (runArgsForNode, commonArgs); the rest of kind's own are no bind mounts.
KINDS_OWN_MOUNTS = frozenset(("/lib/modules", "/dev/mapper"))

# Fields of kind's configuration that no container shows -> the options they come from.
_HIDDEN = {
    "networking": "networking",
    "featureGates": "feature_gates",
    "runtimeConfig": "runtime_config",
    "requestRate": "controller_manager_qps",
    "kubeadmConfigPatches": "kubeadm_patches",
    "containerdConfigPatches": "containerd_patches",
}
_HIDDEN_OF_NODES = {"labels": "labels", "kubeadmConfigPatches": "patches"}


@dataclass(frozen=True)
class Difference:
    """One thing that is not as asked: of which node ('' for the whole cluster), how it is, how it should be."""

    node: str
    field: str
    before: Any
    after: Any

    def text(self) -> str:
        """The difference as a line for people."""
        place = f"{self.node}: " if self.node else ""
        return f"{place}{self.field} is {_said(self.before, 'missing')}, asked for is {_said(self.after, 'none')}"

    def as_dict(self) -> dict[str, Any]:
        """The difference as a module returns it."""
        return asdict(self)


def container_drift(spec: ClusterSpec, nodes: Sequence[Node], image_ids: Mapping[str, str]) -> tuple[Difference, ...]:
    """What the node containers show. image_ids: the id of each wanted image that the engine has."""
    there = {node.name: node for node in kubernetes_nodes(nodes)}
    asked = {node.name: node for node in spec.nodes}
    found: list[Difference] = []
    for name in sorted(there.keys() | asked.keys()):
        if name not in there:
            found.append(Difference(name, "node", None, asked[name].role))
        elif name not in asked:
            found.append(Difference(name, "node", there[name].role, None))
        else:
            found.extend(_node_drift(asked[name], there[name], image_ids))
    return tuple(found)


def record_drift(spec: ClusterSpec, recorded: Mapping[str, Any]) -> tuple[Difference, ...]:
    """What only the configuration shows that was recorded when the cluster was created."""
    asked = kind_config(spec)
    found = list(_fields("", _rate_apart(recorded), _rate_apart(asked), _HIDDEN))
    before = recorded.get("nodes") or ()
    there = dict(zip(node_names(spec.name, [node["role"] for node in before]), before, strict=True))
    for wanted, after in zip(spec.nodes, asked["nodes"], strict=True):
        found.extend(_fields(wanted.name, there.get(wanted.name, after), after, _HIDDEN_OF_NODES))
    return tuple(found)


def unseen_options(spec: ClusterSpec) -> tuple[str, ...]:
    """The options that are asked for and can't be compared where no configuration was recorded."""
    asked = _rate_apart(kind_config(spec))
    names = [option for field, option in _HIDDEN.items() if field in asked]
    names += [o for f, o in _HIDDEN_OF_NODES.items() if any(f in node for node in asked["nodes"])]
    return tuple(names)


def _rate_apart(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with the controller manager's request rate in a field of its own, as the option has it."""
    rate, patches = split_rate(config.get("kubeadmConfigPatches") or ())
    apart = {"requestRate": rate, "kubeadmConfigPatches": patches}
    rest = {key: value for key, value in config.items() if key != "kubeadmConfigPatches"}
    return {**rest, **{key: value for key, value in apart.items() if value}}


def _fields(
    node: str, before: Mapping[str, Any], after: Mapping[str, Any], fields: Mapping[str, str]
) -> Iterator[Difference]:
    for field, option in fields.items():
        if before.get(field) != after.get(field):
            yield Difference(node, option, before.get(field), after.get(field))


def _node_drift(asked: WantedNode, there: Node, image_ids: Mapping[str, str]) -> Iterator[Difference]:
    same_image = (
        not asked.image
        or plain_name(asked.image) == plain_name(there.image)
        or image_ids.get(asked.image) == there.image_id
    )
    if not same_image:
        yield Difference(asked.name, "image", there.image, asked.image)
    yield from _mount_drift(asked, there)
    before = [_port(p) for p in there.ports if not is_api_server(there, p, asked.ports)]
    after = [_port(p) for p in asked.ports]
    if _ports_left(asked.ports, there):
        yield Difference(asked.name, "ports", sorted(before), sorted(after))


def _mount_drift(asked: WantedNode, there: Node) -> Iterator[Difference]:
    wanted = {m.node_path: m for m in asked.mounts}
    mounted = {m.node_path: m for m in there.mounts if m.kind == "bind" and m.node_path not in KINDS_OWN_MOUNTS}
    for path in sorted(wanted.keys() | mounted.keys()):
        before, after = (_mount(mounts.get(path)) for mounts in (mounted, wanted))
        if before != after:
            yield Difference(asked.name, f"mount {path}", before, after)


def _mount(mount: Mount | None) -> str | None:
    """host directory[, read-only][, propagation]; private, in whichever word, is what engines do unasked."""
    if mount is None:
        return None
    # Docker Desktop shows the host's paths below /host_mnt.
    words = [mount.host_path.removeprefix("/host_mnt")]
    words += ["read-only"] if mount.read_only else []
    words += [mount.propagation] if mount.propagation not in ("", "private", "rprivate") else []
    return ", ".join(words)


def _ports_left(asked: Iterable[Port], there: Node) -> bool:
    """True where the published ports are not the ones that are asked for, each matched once."""
    left = list(there.ports)
    for port in asked:
        match = next((p for p in left if _matches(port, p)), None)
        if match is None:
            return True
        left.remove(match)
    return any(not is_api_server(there, port) for port in left)


def _matches(asked: Port, there: Port) -> bool:
    return (
        (asked.node_port, asked.protocol) == (there.node_port, there.protocol)
        and asked.host_port in (0, there.host_port)
        and (asked.listen == there.listen or {asked.listen, there.listen} <= {"", "0.0.0.0", "::"})
    )


def is_api_server(node: Node, port: Port, asked: Iterable[Port] = ()) -> bool:
    """kind publishes the API server's port of every control plane, at a port of its choice."""
    if node.role != CONTROL_PLANE or (port.node_port, port.protocol) != (API_SERVER_PORT, "TCP"):
        return False
    return not any(_matches(wanted, port) for wanted in asked)


def _port(port: Port) -> str:
    listen = f"{port.listen}:" if port.listen else ""
    return f"{listen}{port.host_port or 'any'}->{port.node_port}/{port.protocol}"


def _said(value: Any, nothing: str) -> str:
    """A value for people, cut where it is long; the details have it in full."""
    words = ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
    return (words[:SAID_MAX] + "..." if len(words) > SAID_MAX else words) or nothing
