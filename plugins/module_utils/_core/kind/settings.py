# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What kind hands on to Kubernetes: labels, feature gates, networking and patches."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

# Our words -> kind's name and type.
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

# Label prefixes that Kubernetes keeps for itself, and what a kubelet may set of them (NodeRestriction).
_RESERVED = re.compile(r"(.*\.)?(kubernetes|k8s)\.io")
_ALLOWED = re.compile(r"((kubelet|node|topology|beta|failure-domain\.beta)\.)?kubernetes\.io")
_LABEL_PART = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_LABEL_PREFIX = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def node_labels(given: Mapping[str, Any]) -> dict[str, str]:
    """Labels of a node, as a kubelet accepts them. Raises BadInput."""
    labels = text_map(given)
    for key, value in labels.items():
        prefix, slash, name = key.rpartition("/")
        valid = _LABEL_PART.fullmatch(name) and (not slash or _LABEL_PREFIX.fullmatch(prefix))
        if not valid or (value and not _LABEL_PART.fullmatch(value)):
            raise BadInput(
                f"The label {key}={value} is not one that Kubernetes accepts.",
                next_step="Use letters, digits, '-', '_' and '.', at most 63 of them in the name and in the value.",
            )
        if _RESERVED.fullmatch(prefix) and not _ALLOWED.fullmatch(prefix):
            raise BadInput(
                f"The label {key} lies in a namespace that Kubernetes keeps for itself: the kubelet would not start.",
                next_step="Use a prefix of your own, or node.kubernetes.io/.",
            )
    return labels


def text_map(given: Mapping[str, Any]) -> dict[str, str]:
    """Values as Kubernetes writes them: true and false in lower case, numbers as text."""
    return {str(k): str(v).lower() if isinstance(v, bool) else str(v) for k, v in given.items()}


def feature_gates(given: Mapping[str, Any]) -> dict[str, bool]:
    """Feature gates by name."""
    return {name: boolean(f"feature_gates.{name}", value) for name, value in given.items()}


def patches(option: str, given: Iterable[str | Mapping[str, Any]] | None) -> tuple[str, ...]:
    """Patches as text. kind matches them by kind, and by apiVersion where it is written; others do nothing."""
    texts = []
    for patch in given or ():
        text = patch if isinstance(patch, str) else json.dumps(patch, sort_keys=True)
        if not re.search(r"(^|[\s{,])[\"']?kind[\"']?\s*:", text):
            raise BadInput(
                f"An entry of {option} names no kind, so kind would skip it: {text[:80]}",
                next_step="Begin it with e.g. 'kind: ClusterConfiguration'.",
            )
        texts.append(text)
    return tuple(texts)


def request_rate(qps: int | None) -> tuple[str, ...]:
    """Patches that let the controller manager send more requests a second.

    One for each version of kubeadm's configuration: extraArgs is a map in v1beta3 and a list in v1beta4. kind applies
    a patch only where its apiVersion is that of the document, so both can be given.
    """
    if qps is None:
        return ()
    if qps < 1:
        raise BadInput(f"controller_manager_qps {qps} is not a rate.", next_step="Use e.g. 1000.")
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
    """(the rate that request_rate was given, the other patches); None where the patches are not its own."""
    found = re.search(r'"kube-api-qps": "(\d+)"', texts[0]) if texts else None
    own = request_rate(int(found[1])) if found else ()
    if own and tuple(texts[: len(own)]) == own:
        return int(found[1]) if found else None, list(texts[len(own) :])
    return None, list(texts)


def networking(given: Mapping[str, Any]) -> dict[str, Any]:
    """Networking in kind's names, from ours or from kind's own."""
    by_name = {**NETWORKING, **{kinds: (kinds, type_) for kinds, type_ in NETWORKING.values()}}
    unknown = sorted(set(given) - set(by_name))
    if unknown:
        raise BadInput(f"networking has no {unknown[0]}.", next_step=f"It has {', '.join(NETWORKING)}.")
    return {by_name[key][0]: _typed(f"networking.{key}", v, by_name[key][1]) for key, v in given.items()}


def _typed(option: str, value: Any, wanted: type) -> Any:
    if wanted is bool:
        return boolean(option, value)
    if wanted is int and str(value).lstrip("-").isdigit():
        return int(value)
    if wanted is list and isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    if wanted is str and isinstance(value, str):
        return value
    raise BadInput(f"{option} can't be {value!r}.", next_step=f"It is a {wanted.__name__}.")


def boolean(option: str, value: Any) -> bool:
    """True or false, also from the text that templates make of it."""
    if str(value).lower() not in ("true", "false", "yes", "no"):
        raise BadInput(f"{option} can't be {value!r}.", next_step="It is true or false.")
    return str(value).lower() in ("true", "yes")
