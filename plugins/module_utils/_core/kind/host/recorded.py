# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the form of a recorded configuration, which anybody may have edited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]


def _is(*types: type) -> Check:
    # True is a number in Python, but not in JSON.
    return lambda value: isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(check(item) for item in value)


def _map_of(check: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(check(item) for item in value.values())


def _fields(required: Mapping[str, Check], optional: Mapping[str, Check], *, closed: bool = False) -> Check:
    """A mapping with these fields. closed: it has no others."""
    known = {**required, **optional}

    def check(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and required.keys() <= value.keys()
            and all(known[name](item) if name in known else not closed for name, item in value.items())
        )

    return check


_TEXT, _NUMBER, _BOOL = _is(str), _is(int), _is(bool)
_MOUNT = _fields(
    {"hostPath": _TEXT, "containerPath": _TEXT},
    {
        "readOnly": _BOOL,
        "propagation": lambda value: value in ("None", "HostToContainer", "Bidirectional"),
    },
)
_PORT = _fields({"containerPort": _NUMBER}, {"hostPort": _NUMBER, "listenAddress": _TEXT, "protocol": _TEXT})
_NODE = _fields(
    {"role": lambda value: value in ("control-plane", "worker")},
    {
        "image": _TEXT,
        "labels": _map_of(_TEXT),
        "extraMounts": _list_of(_MOUNT),
        "extraPortMappings": _list_of(_PORT),
        "kubeadmConfigPatches": _list_of(_TEXT),
    },
)
_NETWORKING = _fields(
    {},
    {
        **dict.fromkeys(("ipFamily", "apiServerAddress", "podSubnet", "serviceSubnet", "kubeProxyMode"), _TEXT),
        "apiServerPort": _NUMBER,
        "disableDefaultCNI": _BOOL,
        "dnsSearch": _list_of(_TEXT),
    },
    closed=True,
)
is_configuration: Check = _fields(
    {"name": _TEXT, "nodes": lambda value: _list_of(_NODE)(value) and bool(value)},
    {
        "networking": _NETWORKING,
        "featureGates": _map_of(_BOOL),
        "runtimeConfig": _map_of(_TEXT),
        "kubeadmConfigPatches": _list_of(_TEXT),
        "containerdConfigPatches": _list_of(_TEXT),
    },
)
