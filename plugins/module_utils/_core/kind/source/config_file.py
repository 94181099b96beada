# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A configuration file of kind (kind.x-k8s.io/v1alpha4) as options of kind_cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import API_VERSION, options_from
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.mounts_and_ports import PROPAGATION
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE, WORKER
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.settings import NETWORKING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

PROTOCOLS = ("TCP", "UDP", "SCTP")

# Type of each field, and of the items of lists. kind checks those that are not here.
_SCHEMA: dict[str, Any] = {
    "kind": str,
    "apiVersion": str,
    "name": str,
    "nodes": [
        {
            "role": {CONTROL_PLANE, WORKER},
            "image": str,
            "labels": dict,
            "extraMounts": [{"hostPath": str, "containerPath": str, "readOnly": bool, "propagation": {*PROPAGATION}}],
            "extraPortMappings": [
                {"containerPort": int, "hostPort": int, "listenAddress": str, "protocol": {*PROTOCOLS}}
            ],
            "kubeadmConfigPatches": [str],
        }
    ],
    "networking": {field: [str] if kind is list else kind for field, kind in NETWORKING.values()},
    "featureGates": dict,
    "runtimeConfig": dict,
    "kubeadmConfigPatches": [str],
    "containerdConfigPatches": [str],
}
# Ports have nothing but what there are options for.
_CLOSED = "extraPortMappings"
_TYPES = {str: "text", bool: "true or false", int: "a number", dict: "a mapping"}
_REQUIRED = {"extraMounts": ("hostPath", "containerPath"), "extraPortMappings": ("containerPort",)}


def options_of(config: Any, where: str, name: str) -> dict[str, Any]:
    """The options that make the same cluster. where: the file, for errors; name: of the cluster.

    Raises BadInput, which names every field that is wrong.
    """
    _check_kind(config, where)
    problems = list(_problems(config, _SCHEMA, ""))
    if problems:
        raise BadInput(
            f"{where} is not a configuration that can be used: {listed(problems, separator='; ')}.",
            next_step="Correct these fields: https://kind.sigs.k8s.io/docs/user/configuration",
        )
    if config.get("name", name) != name:
        raise BadInput(
            f"{where} describes cluster {config['name']}, not {name}.",
            next_step=f"Correct the name there, or the name of the cluster here ({config['name']}).",
        )
    return options_from(config)


def _check_kind(config: Any, where: str) -> None:
    found = (config.get("kind"), config.get("apiVersion")) if isinstance(config, dict) else (None, None)
    if found != ("Cluster", API_VERSION):
        is_other = isinstance(config, dict) and any(found)
        what = f"has kind {found[0]} and apiVersion {found[1]}" if is_other else "has no kind and apiVersion"
        raise BadInput(
            f"{where} is not a configuration of kind: it {what}.",
            next_step=f"It must begin with 'kind: Cluster' and 'apiVersion: {API_VERSION}'.",
        )


def _problems(value: Any, schema: Any, path: str) -> Iterator[str]:
    """What is wrong with a value, each with its path."""
    if value is None:
        return
    if isinstance(schema, set):
        if str(value) not in schema and str(value).upper() not in schema:
            yield f"value of {path} must be one of: {', '.join(sorted(schema))}, got: {value}"
    elif isinstance(schema, type):
        # True is a number in Python, but not in YAML.
        if not isinstance(value, schema) or (schema is int and isinstance(value, bool)):
            yield f"{path} is not {_TYPES[schema]}"
    elif isinstance(schema, list):
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from [f"{path}[{index}] is empty"] if item is None else ()
                yield from _problems(item, schema[0], f"{path}[{index}]")
        else:
            yield f"{path} is not a list"
    elif not isinstance(value, dict):
        yield f"{path} is not a mapping"
    else:
        yield from _field_problems(value, schema, path)


def _field_problems(value: Mapping[Any, Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    for field, item in value.items():
        if field in schema:
            yield from _problems(item, schema[field], f"{prefix}{field}")
        elif _CLOSED in path:
            yield f"{prefix}{field} is not a field of {API_VERSION}"
    required = _REQUIRED.get(path.rpartition(".")[2].partition("[")[0], ())
    yield from (f"{prefix}{field} is missing" for field in required if value.get(field) is None)
