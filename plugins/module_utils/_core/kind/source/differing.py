# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the kubeadm configuration of nodes differs from what kind generates: patches, and what no patch makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .patches import merge_patch

Object = Mapping[str, Any]
CLUSTER = "ClusterConfiguration"


def differences_of(base: Mapping[str, Object], actual: Mapping[str, Object]) -> dict[str, dict[str, Any]]:
    """Kind of document -> the merge patch from what kind generates to what there is, without empty ones."""
    found = {kind: merge_patch(base[kind], document) for kind, document in actual.items() if kind in base}
    return {kind: patch for kind, patch in found.items() if patch}


def inexpressible(node: str, base: Mapping[str, Object], actual: Mapping[str, Object]) -> Iterable[str]:
    """What kind does not make of any patch: it only adds documents of its own, and names of certificates."""
    for kind in sorted(actual.keys() - base.keys()):
        yield f"{node}: /kind/kubeadm.conf has a document {kind}, which no option adds"
    for kind in sorted(base.keys() - actual.keys()):
        yield f"{node}: /kind/kubeadm.conf has no {kind}, which kind writes"
    names = [((side.get(CLUSTER) or {}).get("apiServer") or {}).get("certSANs") or [] for side in (base, actual)]
    missing = sorted({*map(str, names[0])} - {*map(str, names[1])})
    if missing and CLUSTER in actual:
        yield f"{node}: the certificate of the API server is not for {', '.join(missing)}, but will be"


def grouped(
    differences: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> tuple[list[Object], dict[str, list[Object]]]:
    """(patches that all nodes have, those of single nodes). Each is without an apiVersion: it fits any version."""
    kinds = dict.fromkeys(kind for own in differences.values() for kind in own)
    common: list[Object] = []
    single: dict[str, list[Object]] = {}
    for kind in kinds:
        found = [own.get(kind) for own in differences.values()]
        if all(patch == found[0] for patch in found):
            common.append({"kind": kind, **(found[0] or {})})
            continue
        for name, own in differences.items():
            if kind in own:
                single.setdefault(name, []).append({"kind": kind, **own[kind]})
    return common, single
