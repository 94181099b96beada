# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a node or a claim can be what a volume goes to."""

from __future__ import annotations

import re

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import namespace_obstacle
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.names.forms import LABEL, SUBDOMAIN
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .ends import Refused
from .observed import Observed

OTHER = "Set another name in claim_map."
_CLAIM = re.compile(rf"{LABEL}/{SUBDOMAIN}")


def check_node(name: str, observed: Observed) -> None:
    """Raise Refused for a node that does not exist, or is not ready."""
    names = [node.name for node in kubernetes_nodes(observed.nodes)]
    if name not in names:
        raise Refused(f"the cluster has no node {name}", f"Set node to one of {listed(names)}.")
    if name in observed.not_ready:
        raise Refused(f"node {name} is {observed.not_ready[name]}", f"Find out why: kubectl describe node {name}")


def default_node(volume: Volume, observed: Observed) -> str:
    """The node of a volume, or the first that takes ordinary pods."""
    nodes = kubernetes_nodes(observed.nodes)
    own = [node.name for node in nodes if node.name in volume.nodes]
    taking = [node.name for node in nodes if node.takes_pods and node.name not in observed.not_ready]
    return next(iter(own or taking or [node.name for node in nodes]), "")


def check_claim(claim: str, observed: Observed, *, create_namespaces: bool) -> None:
    """Raise Refused for a claim that cannot be created. create_namespaces: whether its namespace may be."""
    if not _CLAIM.fullmatch(claim):
        raise Refused(f"{claim!r} is not NAMESPACE/NAME in the form of Kubernetes, or too long", OTHER)
    namespace = claim.partition("/")[0]
    why, step = namespace_obstacle(namespace, observed.namespaces.get(namespace), create=create_namespaces)
    if why:
        raise Refused(why, step)
    existing = observed.claims.get(claim)
    if existing is not None and existing["metadata"].get("deletionTimestamp"):
        raise Refused(f"claim {claim} is being deleted", "Wait until it is gone, and run this again.")
