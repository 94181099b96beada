# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare an existing cluster with the requested one, and decline if they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import plain_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline

from .config import CLUSTER_FIELDS, NODE_FIELDS, OTHERS, kind_config, other_fields, other_fields_of
from .nodes import CONTROL_PLANE, Mount, Node, Port, kubernetes_nodes, node_names
from .record import is_adopted, recorded_config
from .settings import split_rate
from .spec import ClusterSpec, NodeSpec

API_SERVER_PORT = 6443
VALUE_MAX = 120

# Fields of kind's configuration that no container shows, and the options they come from.
_HIDDEN = {**CLUSTER_FIELDS, "controller_manager_qps": "requestRate"}
_HIDDEN_OF_NODES = {option: NODE_FIELDS[option] for option in ("labels", "patches")}

_RECREATE = (
    "kind cannot change an existing cluster. Change the options to match it, or recreate it in this shape with its "
    "volumes: kindlab.volumes.kind_cluster_recreate."
)


@dataclass(frozen=True)
class Difference:
    """One difference: the node ('' for the whole cluster), the field, its value and the requested value."""

    node: str
    field: str
    before: Any
    after: Any

    def change(self) -> str:
        """The difference as a change."""
        return f"{self.field} {_text(self.before)} -> {_text(self.after)}"

    def refusal(self) -> Refusal:
        """The difference as a reason to decline."""
        why = f"{self.field} is {_text(self.before)}, but {_text(self.after)} was requested"
        return Refusal(self.node, why, details={"field": self.field, "before": self.before, "after": self.after})


def decline_drift(spec: ClusterSpec, drift: Iterable[Difference], **effect: str) -> None:
    """Raise Declined if there is any difference. effect: what was changed before."""
    subject = f"Cluster {spec.name} exists, but differs from the requested one"
    decline(subject, [difference.refusal() for difference in drift], _RECREATE, **effect)


def compare_record(
    spec: ClusterSpec, record: Mapping[str, Any] | None, *, unfinished: bool = False, applied: bool = False
) -> tuple[str, ...]:
    """Compare the recorded configuration with the requested one; warnings about what cannot be compared.

    unfinished: the configuration has not been recorded yet; applied: the plan has been carried out. Raises Declined for
    differences, BadInput if the record is unreadable.
    """
    if record is not None and not is_adopted(record):
        started = {"effect": "its nodes were started and its kubeconfig was written where necessary"}
        decline_drift(spec, record_drift(spec, recorded_config(record)), **(started if applied else {}))
        return ()
    if unfinished or not needs_adoption(spec, record):
        return ()
    options = unverifiable_options(spec)
    if not options:
        return ()
    text = f"was not created by kindlab.volumes.kind_cluster: {', '.join(options)} could not be compared."
    return (f"Cluster {spec.name} {text}",)


def needs_adoption(spec: ClusterSpec, record: Mapping[str, Any] | None) -> bool:
    """True if the cluster was created by other means, and what is requested of it has to be recorded.

    Raises BadInput if the record is unreadable.
    """
    return record is None or (is_adopted(record) and bool(record_drift(spec, recorded_config(record))))


def container_drift(spec: ClusterSpec, nodes: Sequence[Node], image_ids: Mapping[str, str]) -> tuple[Difference, ...]:
    """What the node containers show. image_ids: the id of each requested image that the engine has."""
    existing = {node.name: node for node in kubernetes_nodes(nodes)}
    requested = {node.name: node for node in spec.nodes}
    drift: list[Difference] = []
    for name in sorted(existing.keys() | requested.keys()):
        if name not in existing:
            drift.append(Difference(name, "node", None, requested[name].role))
        elif name not in requested:
            drift.append(Difference(name, "node", existing[name].role, None))
        else:
            drift.extend(_node_drift(requested[name], existing[name], image_ids))
    return tuple(drift)


def record_drift(spec: ClusterSpec, recorded: Mapping[str, Any]) -> tuple[Difference, ...]:
    """What only the configuration shows that was recorded when the cluster was created."""
    requested = kind_config(spec)
    drift = list(_fields("", _with_rate(recorded), _with_rate(requested), _HIDDEN))
    drift.extend(_others("", other_fields(recorded), other_fields(requested)))
    before = recorded.get("nodes") or ()
    existing = dict(zip(node_names(spec.name, [node["role"] for node in before]), before))
    for node, after in zip(spec.nodes, requested["nodes"]):
        known = existing.get(node.name, after)
        drift.extend(_fields(node.name, known, after, _HIDDEN_OF_NODES))
        drift.extend(_others(node.name, other_fields_of(known), other_fields_of(after)))
    return tuple(drift)


def unverifiable_options(spec: ClusterSpec) -> tuple[str, ...]:
    """The requested options that cannot be compared if no configuration was recorded."""
    config = kind_config(spec)
    requested = _with_rate(config)
    of_nodes = [o for o, field in _HIDDEN_OF_NODES.items() if any(field in node for node in requested["nodes"])]
    others = other_fields(config) or any(map(other_fields_of, config["nodes"]))
    return (*(o for o, field in _HIDDEN.items() if field in requested), *of_nodes, *([OTHERS] if others else []))


def _with_rate(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with the request rate of the controller manager apart from the other patches."""
    rate, patches = split_rate(config.get("kubeadmConfigPatches") or ())
    rest = {field: value for field, value in config.items() if field != "kubeadmConfigPatches"}
    return {**rest, **({"requestRate": rate} if rate else {}), **({"kubeadmConfigPatches": patches} if patches else {})}


def _fields(
    node: str, before: Mapping[str, Any], after: Mapping[str, Any], fields: Mapping[str, str]
) -> Iterator[Difference]:
    for option, field in fields.items():
        if before.get(field) != after.get(field):
            yield Difference(node, option, before.get(field), after.get(field))


def _others(node: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    return _fields(node, before, after, {field: field for field in sorted(before.keys() | after.keys())})


def _node_drift(requested: NodeSpec, node: Node, image_ids: Mapping[str, str]) -> Iterator[Difference]:
    same_image = (
        not requested.image
        or "image" in node.unknown
        or plain_name(requested.image) == plain_name(node.image)
        or image_ids.get(requested.image) == node.image_id
    )
    if not same_image:
        yield Difference(requested.name, "image", node.image, requested.image)
    yield from _mount_drift(requested, node)
    if "ports" not in node.unknown and _ports_differ(requested.ports, node):
        before = [_port_text(port) for port in node.ports if not is_api_server(node, port, requested.ports)]
        yield Difference(requested.name, "ports", sorted(before), sorted(map(_port_text, requested.ports)))


def _mount_drift(requested: NodeSpec, node: Node) -> Iterator[Difference]:
    after = {m.node_path: _mount_text(m) for m in requested.mounts}
    before = {m.node_path: _mount_text(m) for m in host_mounts(node)}
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            yield Difference(requested.name, f"mount {path}", before.get(path), after.get(path))


def host_mounts(node: Node) -> list[Mount]:
    """The bind mounts of a node, without those that kind adds to every node (runArgsForNode, commonArgs)."""
    return [m for m in node.mounts if m.kind == "bind" and m.node_path not in ("/lib/modules", "/dev/mapper")]


def _mount_text(mount: Mount) -> str:
    """host directory[, read-only][, propagation]; private, under either of its names, is the engines' default."""
    # Docker Desktop shows the host's paths below /host_mnt.
    path, access = mount.host_path.removeprefix("/host_mnt"), "read-only" if mount.read_only else ""
    propagation = "" if mount.propagation in ("private", "rprivate") else mount.propagation
    return ", ".join(filter(None, (path, access, propagation)))


def _ports_differ(requested: Iterable[Port], node: Node) -> bool:
    """True unless each requested port matches one published port, and no other one is published."""
    left = list(node.ports)
    for port in requested:
        match = next((p for p in left if _matches(port, p)), None)
        if match is None:
            return True
        left.remove(match)
    return any(not is_api_server(node, port) for port in left)


def _matches(requested: Port, published: Port) -> bool:
    return (
        (requested.node_port, requested.protocol) == (published.node_port, published.protocol)
        and (requested.host_port <= 0 or requested.host_port == published.host_port)
        and (requested.listen == published.listen or {requested.listen, published.listen} <= {"", "0.0.0.0", "::"})
    )


def is_api_server(node: Node, port: Port, requested: Iterable[Port] = ()) -> bool:
    """True for the API server port that kind publishes on every control plane, unless it was requested."""
    if node.role != CONTROL_PLANE or (port.node_port, port.protocol) != (API_SERVER_PORT, "TCP"):
        return False
    return not any(_matches(own, port) for own in requested)


def _port_text(port: Port) -> str:
    listen = f"{port.listen}:" if port.listen else ""
    return f"{listen}{port.host_port if port.host_port > 0 else 'any'}->{port.node_port}/{port.protocol}"


def _text(value: Any) -> str:
    """A value in one line, shortened if it is long; the details have it in full."""
    text = " ".join((", ".join(map(str, value)) if isinstance(value, list) else str(value or "none")).split())
    return f"{text[:VALUE_MAX]}..." if len(text) > VALUE_MAX else text or "none"
