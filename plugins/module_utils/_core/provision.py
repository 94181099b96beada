# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the clusters of a lab before any of them is created: each by itself, and all of them together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.given.over import check_fields, over
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.given.sizes import COUNTS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import default_kubeconfig
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.config_file import options_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import (
    ClusterSpec,
    check_host_ports,
    checked_name,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.request import ARGUMENTS, Request

from .errors import BadInput
from .options import defaults
from .text import is_number

Object = Mapping[str, Any]

# Key of a cluster's storage -> option of storage_provisioner, if it has another name.
_STORAGE_OPTIONS = {"provisioner": "name", "class": "storage_class"}


def lab_problems(clusters: Sequence[Object], state: str = "present") -> list[str]:
    """Why these clusters cannot be created on one machine, [] if they can.

    clusters: the role provision's option, with checked keys and types. state: of clusters that have no state.
    """
    if not clusters:
        return ["provision_clusters is empty."]
    problems = [
        *_duplicates("clusters are named", (cluster["name"] for cluster in clusters)),
        *_duplicates(
            "clusters have the kubeconfig", (c.get("kubeconfig") or default_kubeconfig(c["name"]) for c in clusters)
        ),
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
        check_host_ports(node for spec in specs for node in spec.nodes)
    except BadInput as error:
        problems.append(_line("several clusters", error))
    return problems


def _duplicates(subject: str, values: Iterable[str]) -> Iterator[str]:
    yield from (f"{number} {subject} {value}." for value, number in Counter(values).items() if number > 1)


def _line(subject: str, error: BadInput) -> str:
    return f"{subject}: {error.message} {error.next_step}".rstrip()


def _spec(cluster: Object) -> ClusterSpec:
    """The cluster; without nodes if a configuration file on the host describes it."""
    counts = [key for key in COUNTS if cluster.get(key) is not None]
    nodes = cluster.get("nodes")
    if nodes is not None and counts:
        raise BadInput(f"nodes and {' and '.join(counts)} are mutually exclusive.", next_step="Use one of them.")
    config = cluster.get("config")
    if config and not isinstance(config, Mapping):
        return ClusterSpec(checked_name(cluster["name"]))
    given = _typed({**(cluster.get("options") or {}), **cluster})
    options = over(_typed(options_of(config, "config", cluster["name"])), given) if config else given
    check_fields(options)
    return ClusterSpec.from_options({**options, "name": cluster["name"]})


def _typed(options: Object) -> dict[str, Any]:
    """Options with numbers, which templates may have turned into text, and with paths that count as absolute."""
    nodes, rate = options.get("nodes"), options.get("controller_manager_qps")
    return {
        **options,
        "nodes": nodes and [{**n, "mounts": _mounts(n.get("mounts")), "ports": _ports(n.get("ports"))} for n in nodes],
        "mounts": _mounts(options.get("mounts")),
        "ports": _ports(options.get("ports")),
        "controller_manager_qps": None if rate is None else int(rate),
        **{option: int(options[option]) for option in COUNTS if options.get(option) is not None},
    }


def _check_storage(storage: Object, spec: ClusterSpec) -> None:
    """The checks of storage_provisioner that need no cluster."""
    options = {_STORAGE_OPTIONS.get(key, key): value for key, value in storage.items() if key != "options"}
    more = {
        key: int(value) if is_number(str(value)) else value for key, value in (storage.get("options") or {}).items()
    }
    request = Request.from_options({**defaults(ARGUMENTS), **options, **more})
    if spec.nodes:
        request.check_nodes(node.name for node in spec.nodes)


def _mounts(mounts: Iterable[Object] | None) -> list[Object]:
    """Mounts whose paths count as absolute if they begin with ~ or a variable, which only the machine can expand."""
    return [{**mount, "host_path": re.sub("^(?=[~$])", "/", mount["host_path"])} for mount in mounts or ()]


def _ports(ports: Iterable[Object] | None) -> list[Object]:
    """Ports with numbers, which templates may have turned into text."""
    return [
        {key: int(value) if key.endswith("_port") else value for key, value in port.items()} for port in ports or ()
    ]
