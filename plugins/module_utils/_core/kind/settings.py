# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checked settings that kind passes on to Kubernetes: labels, feature gates, networking and patches."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

# Key of the option networking -> kind's field and its type.
NETWORKING: dict[str, tuple[str, type]] = {
    "ip_family": ("ipFamily", str),
    "api_server_port": ("apiServerPort", int),
    "api_server_address": ("apiServerAddress", str),
    "pod_subnet": ("podSubnet", str),
    "service_subnet": ("serviceSubnet", str),
    "disable_default_cni": ("disableDefaultCNI", bool),
    "kube_proxy_mode": ("kubeProxyMode", str),
    "dns_search": ("dnsSearch", list),
}

_CHOICES = {"ipFamily": ("ipv4", "ipv6", "dual"), "kubeProxyMode": ("iptables", "ipvs", "nftables", "none")}

# Reserved label prefixes, and those of them that a kubelet may set (NodeRestriction).
_RESERVED = re.compile(r"(.*\.)?(kubernetes|k8s)\.io")
_ALLOWED = re.compile(r"((kubelet|node|topology|beta|failure-domain\.beta)\.)?kubernetes\.io")
_LABEL_PART = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_LABEL_PREFIX = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def node_labels(given: Mapping[str, Any]) -> dict[str, str]:
    """Labels that a kubelet accepts. Raises BadInput."""
    labels = text_map(given)
    for key, value in labels.items():
        prefix, slash, name = key.rpartition("/")
        valid = _LABEL_PART.fullmatch(name) and (not slash or _LABEL_PREFIX.fullmatch(prefix))
        if not valid or (value and not _LABEL_PART.fullmatch(value)):
            raise BadInput(
                f"Label {key}={value} is not valid in Kubernetes.",
                next_step="Use letters, digits, '-', '_' and '.', at most 63 characters in the name and in the value.",
            )
        if _RESERVED.fullmatch(prefix) and not _ALLOWED.fullmatch(prefix):
            raise BadInput(
                f"Label {key} has a prefix that is reserved for Kubernetes: the kubelet would not start.",
                next_step="Use your own prefix, or node.kubernetes.io/.",
            )
    return labels


def text_map(given: Mapping[str, Any]) -> dict[str, str]:
    """Values as text, booleans in lower case."""
    return {str(k): str(v).lower() if isinstance(v, bool) else str(v) for k, v in given.items()}


def feature_gates(given: Mapping[str, Any]) -> dict[str, bool]:
    """Feature gates by name."""
    return {name: boolean(f"feature_gates.{name}", value) for name, value in given.items()}


def patches(option: str, given: Iterable[str | Mapping[str, Any]] | None) -> tuple[str, ...]:
    """Patches as text. Raises BadInput for one without a kind: kind applies a patch by its kind and apiVersion."""
    texts = []
    for patch in given or ():
        text = patch if isinstance(patch, str) else json.dumps(patch, sort_keys=True)
        if not re.search(r"(^|[\s{,])[\"']?kind[\"']?\s*:", text):
            raise BadInput(
                f"An entry of {option} has no kind, so kind would ignore it: {text[:80]}",
                next_step="Add its kind, for example 'kind: ClusterConfiguration'.",
            )
        texts.append(text)
    return tuple(texts)


def request_rate(qps: int | None) -> tuple[str, ...]:
    """Patches that set how many requests per second the controller manager may send.

    One for each version of kubeadm's configuration: extraArgs is a map in v1beta3 and a list in v1beta4. kind applies
    only the patch whose apiVersion matches.
    """
    if qps is None:
        return ()
    arguments = {"kube-api-qps": str(qps), "kube-api-burst": str(2 * qps)}
    forms = {"v1beta3": arguments, "v1beta4": [{"name": k, "value": v} for k, v in arguments.items()]}
    return tuple(
        json.dumps(
            {
                "apiVersion": f"kubeadm.k8s.io/{version}",
                "kind": "ClusterConfiguration",
                "controllerManager": {"extraArgs": form},
            }
        )
        for version, form in forms.items()
    )


def split_rate(texts: Sequence[str]) -> tuple[int | None, list[str]]:
    """(the rate of request_rate(), the other patches); the rate is None if the patches do not begin with its own."""
    match = re.search(r'"kube-api-qps": "([1-9]\d{0,8})"', texts[0]) if texts else None
    rate = int(match[1]) if match else None
    own = request_rate(rate)
    if own and tuple(texts[: len(own)]) == own:
        return rate, list(texts[len(own) :])
    return None, list(texts)


def networking(given: Mapping[str, Any]) -> dict[str, Any]:
    """Networking under kind's field names; keys may be the option's or kind's."""
    by_name = {**NETWORKING, **{field: (field, type_) for field, type_ in NETWORKING.values()}}
    unknown = sorted(set(given) - set(by_name))
    if unknown:
        raise BadInput(f"networking has no key {unknown[0]}.", next_step=f"Use one of {', '.join(NETWORKING)}.")
    found = {by_name[key][0]: _typed(f"networking.{key}", v, by_name[key][1]) for key, v in given.items()}
    _check_networking(found)
    return found


def _check_networking(fields: Mapping[str, Any]) -> None:
    """Raise BadInput for values that kind refuses. fields: under kind's names."""
    ours = {field: name for name, (field, _type) in NETWORKING.items()}
    family = fields.get("ipFamily", "ipv4")
    for field, choices in _CHOICES.items():
        if fields.get(field, choices[0]) not in choices:
            option = f"networking.{ours[field]}"
            raise BadInput(
                f"value of {option} must be one of: {', '.join(choices)}, got: {fields[field]}.",
                next_step=f"Correct {option}.",
            )
    if not -1 <= fields.get("apiServerPort", 0) <= 65535:
        raise BadInput(
            f"networking.api_server_port {fields['apiServerPort']} is not a valid port.",
            next_step="Use 1 to 65535, or 0 to let kind choose one.",
        )
    check_address("networking.api_server_address", fields.get("apiServerAddress") or "")
    for field in ("podSubnet", "serviceSubnet"):
        if fields.get(field):
            _check_subnets(f"networking.{ours[field]}", fields[field], family)


def check_address(option: str, address: str) -> None:
    """Raise BadInput unless it is an IP address, or empty."""
    try:
        ipaddress.ip_address(address or "::")
    except ValueError:
        raise BadInput(f"{option} {address!r} is not an IP address.", next_step="Use an IP address.") from None


def _check_subnets(option: str, text: str, family: str) -> None:
    """Raise BadInput unless these are the networks that an IP family of kind needs."""
    try:
        versions = [ipaddress.ip_network(part, strict=False).version for part in text.split(",")]
    except ValueError as error:
        raise BadInput(f"{option} {text!r} is not a network: {error}.", next_step="Use CIDR notation.") from None
    fitting = {"ipv4": ([4],), "ipv6": ([6],), "dual": ([4], [6], [4, 6])}[family]
    if sorted(versions) not in fitting:
        raise BadInput(
            f"{option} {text!r} does not fit networking.ip_family {family}.",
            next_step="Use one network of that family, for dual one of each, separated by a comma.",
        )


def _typed(option: str, value: Any, required: type) -> Any:
    if required is bool:
        return boolean(option, value)
    if required is int and re.fullmatch(r"-?[0-9]{1,9}", str(value)):
        return int(value)
    if required is list and isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    if required is str and isinstance(value, str):
        return value
    raise BadInput(f"{option} {value!r} is not valid.", next_step=f"Use a value of type {required.__name__}.")


def boolean(option: str, value: Any) -> bool:
    """True or false, also from text, as templates render it."""
    if str(value).lower() not in ("true", "false", "yes", "no"):
        raise BadInput(f"{option} {value!r} is not valid.", next_step="Use true or false.")
    return str(value).lower() in ("true", "yes")
