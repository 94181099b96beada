# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether this host can run a cluster that is about to be created: images, names, ports, limits and disk space."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import (
    CONTROL_PLANE,
    WORKER,
    Node,
    Port,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

# Measured in running clusters: inotify instances that the processes of a node use.
INSTANCES = {CONTROL_PLANE: 30, WORKER: 15}
RAISE_LIMITS = "sudo sysctl -w fs.inotify.max_user_instances=1024 fs.inotify.max_user_watches=524288"
# Below this kubelet and etcd do not start.
FREE_BYTES = 1 << 30
API_SERVER_ADDRESS = "127.0.0.1"
_PULL = (
    "{engine} pull {image}, or set image to a node image that {engine} has: the role kindlab.volumes.node_image "
    "provides one, from an archive or built on this host."
)
_FREE_PORT = (
    "Stop the program that has it (ss --listening --processes --numeric '( sport = :{number} )'), or set another "
    "host_port and listen (ports)."
)


@dataclass(frozen=True)
class Machine:
    """What a creation needs of this host; what does not apply, or cannot be known, is empty or None.

    images: why an image cannot be used, by image. containers: those that have a name of a requested node and are not
    its cluster's. ports: why a port cannot be published, by its text. others: the nodes of other clusters; own: those
    that are deleted before. instances: inotify instances that each user may have. root: the engine's directory, with
    free_bytes. faults: of host directories, and of settings that were tried.
    """

    engine: str = "docker"
    images: Mapping[str, str] = field(default_factory=dict)
    containers: tuple[str, ...] = ()
    ports: Mapping[str, str] = field(default_factory=dict)
    others: tuple[Node, ...] = ()
    own: tuple[Node, ...] = ()
    instances: int | None = None
    root: str = ""
    free_bytes: int | None = None
    faults: tuple[Refusal, ...] = ()


def refusals(spec: ClusterSpec, machine: Machine) -> tuple[Refusal, ...]:
    """Every reason why the cluster cannot be created on this host."""
    return (
        *(
            Refusal(image, why, _PULL.format(engine=machine.engine, image=image))
            for image, why in machine.images.items()
            if why
        ),
        *(
            Refusal(name, "a container that is no node of this cluster has this name", f"{machine.engine} rm {name}")
            for name in machine.containers
        ),
        *(
            Refusal(f"port {port}", why, _FREE_PORT.format(number=port.partition("/")[0].rpartition(":")[2]))
            for port, why in machine.ports.items()
        ),
        *machine.faults,
        *_too_few_instances(spec, machine),
        *_too_little_space(machine),
    )


def wanted_images(spec: ClusterSpec, default: str) -> tuple[str, ...]:
    """The images of the nodes. default: kind's own, '' if it is not known."""
    return tuple(dict.fromkeys(filter(None, (node.image or default for node in spec.nodes))))


def wanted_ports(spec: ClusterSpec) -> tuple[Port, ...]:
    """The ports of this host that the cluster publishes, without those that kind or the engine chooses."""
    ports = [port for node in spec.nodes for port in node.ports if port.host_port > 0]
    number = spec.networking.get("apiServerPort") or 0
    if isinstance(number, int) and number > 0:
        ports.append(Port(6443, number, spec.networking.get("apiServerAddress") or API_SERVER_ADDRESS))
    return tuple(ports)


def is_active(node: Node) -> bool:
    """True if a node holds its ports and inotify instances."""
    return node.state in ("running", "paused")


def port_text(port: Port) -> str:
    """'8080/TCP', or '127.0.0.1:8080/TCP'."""
    return f"{port.listen}:{port.host_port}/{port.protocol}" if port.listen else f"{port.host_port}/{port.protocol}"


def _too_few_instances(spec: ClusterSpec, machine: Machine) -> Iterator[Refusal]:
    running = [node for node in machine.others if is_active(node)]
    used, needed = _instances(node.role for node in running), _instances(node.role for node in spec.nodes)
    # What runs now fits, however little was expected to.
    freed = _instances(node.role for node in machine.own if is_active(node))
    if machine.instances is not None and used + needed > machine.instances and needed > freed:
        clusters = listed(sorted({node.cluster for node in running}))
        yield Refusal(
            "inotify instances",
            f"each user may have {machine.instances}, the cluster needs about {needed}"
            + (f", and those of {clusters} use about {used}" if used else ""),
            RAISE_LIMITS,
        )


def _instances(roles: Iterable[str]) -> int:
    return sum(INSTANCES.get(role, 0) for role in roles)


def _too_little_space(machine: Machine) -> Iterator[Refusal]:
    if machine.free_bytes is not None and machine.free_bytes < FREE_BYTES:
        yield Refusal(
            f"disk of {machine.root}",
            f"{machine.free_bytes >> 20} MiB are free, a cluster needs at least {FREE_BYTES >> 20}",
            f"Free disk space of the engine, e.g.: {machine.engine} system prune",
        )
