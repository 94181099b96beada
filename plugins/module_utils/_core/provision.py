# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the clusters of a lab can be made on one machine: all that is wrong with them, before anything is made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import default_kubeconfig
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import (
    ClusterSpec,
    checked_name,
    cluster_spec,
    refuse_shared_ports,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import PROVISIONERS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.request import (
    STORAGE_DEFAULTS,
    check_nodes,
    read_request,
)

from .errors import BadInput

Object = Mapping[str, Any]

_STORAGE_NAMES = {"provisioner": "name", "class": "storage_class"}


def lab_problems(clusters: Sequence[Object], state: str = "present") -> list[str]:
    """Why these clusters, as the role provision takes them, can't be made on one machine; [] where they can.

    Their keys and types have been checked. state: of those that have none of their own.
    """
    if not clusters:
        return ["No cluster is asked for."]
    problems = [
        *_twice("clusters are called", (cluster["name"] for cluster in clusters)),
        *_twice("clusters have the kubeconfig", (_kubeconfig(cluster) for cluster in clusters)),
    ]
    specs: list[ClusterSpec] = []
    for cluster in clusters:
        try:
            if (cluster.get("state") or state) == "present":
                specs.append(_spec(cluster))
                _check_storage(cluster.get("storage") or {}, specs[-1])
            else:
                checked_name(cluster["name"])
        except BadInput as error:
            problems.append(_line(cluster["name"], error))
    try:
        refuse_shared_ports(node for spec in specs for node in spec.nodes)
    except BadInput as error:
        problems.append(_line("between clusters", error))
    return problems


def _twice(what: str, values: Iterable[str]) -> Iterator[str]:
    found = list(values)
    yield from (f"{found.count(value)} {what} {value}." for value in dict.fromkeys(found) if found.count(value) > 1)


def _kubeconfig(cluster: Object) -> str:
    return str(cluster.get("kubeconfig") or default_kubeconfig(cluster["name"]))


def _line(place: str, error: BadInput) -> str:
    return f"{place}: {error.message} {error.next_step}".rstrip()


def _spec(cluster: Object) -> ClusterSpec:
    counts = [key for key in ("control_planes", "workers") if cluster.get(key) is not None]
    if cluster.get("nodes") is not None and counts:
        raise BadInput(f"nodes and {' and '.join(counts)} say the same.", next_step="Use one of them.")
    options = cluster.get("options") or {}
    rate = options.get("controller_manager_qps")
    return cluster_spec(
        {
            "control_planes": 1,
            **options,
            **cluster,
            "nodes": _nodes(cluster.get("nodes")),
            "mounts": _mounts(cluster.get("mounts")),
            "ports": _ports(options.get("ports")),
            "controller_manager_qps": None if rate is None else int(rate),
        }
    )


def _check_storage(storage: Object, spec: ClusterSpec) -> None:
    """As storage_provisioner checks its options; what it would see in the cluster is left to it."""
    further = storage.get("options") or {}
    asked: dict[str, Any] = defaultdict(lambda: None, STORAGE_DEFAULTS)
    asked |= {_STORAGE_NAMES.get(key, key): value for key, value in storage.items() if key != "options"}
    asked |= {key: int(value) if str(value).isdigit() else value for key, value in further.items()}
    if asked["name"] not in PROVISIONERS:
        raise BadInput(f"There is no provisioner {asked['name']}.", next_step=f"Use one of {', '.join(PROVISIONERS)}.")
    request = read_request(asked)
    PROVISIONERS[request.name].check(request)
    check_nodes(request, (node.name for node in spec.nodes))


def _nodes(nodes: Iterable[Object] | None) -> list[Object] | None:
    if nodes is None:
        return None
    return [{**node, "mounts": _mounts(node.get("mounts")), "ports": _ports(node.get("ports"))} for node in nodes]


def _mounts(mounts: Iterable[Object] | None) -> list[Object]:
    """Mounts with paths that are absolute where ~ or a variable begins them: only the machine knows what it means."""
    return [{**mount, "host_path": _known_there(mount["host_path"])} for mount in mounts or ()]


def _known_there(path: str) -> str:
    return f"/{path}" if path.startswith(("~", "$")) else path


def _ports(ports: Iterable[Object] | None) -> list[Object]:
    """Ports with numbers, also where templates have made text of them."""
    return [
        {key: int(value) if key.endswith("_port") else value for key, value in port.items()} for port in ports or ()
    ]
