# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look into a cluster whose creation did not finish: whether it is proven that nobody uses it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import WORKLOAD_KINDS
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

# A network plugin writes it before the first ordinary pod of a node starts, and so before anything writes to a volume.
NETWORKS = "/etc/cni/net.d"
LIST_NETWORKS = ("sh", "-c", f"ls -A {NETWORKS} 2>/dev/null; :")
_MISSING = re.compile("no such file|could not find|could not be found", re.IGNORECASE)
# Namespaces that kind and Kubernetes create.
_OWN_NAMESPACES = {"default", "kube-node-lease", "kube-public", "kube-system", "local-path-storage"}
# What only people create, wherever it is, and what they create in the namespace default.
_PEOPLES = ("PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition")
_IN_DEFAULT = ("Pod", "Service", "ConfigMap", "Secret", *WORKLOAD_KINDS)
_OF_KUBERNETES = {("Service", "kubernetes"), ("ConfigMap", "kube-root-ca.crt")}


def look(
    engine: Engine, nodes: Sequence[Node], connect: Callable[[], AbstractContextManager[Cluster]]
) -> tuple[bool, str]:
    """(whether the cluster is proven to be unused, why that cannot be known). connect: opens its API."""
    own = kubernetes_nodes(nodes)
    with ThreadPoolExecutor(max(1, len(own))) as pool:
        ran = list(pool.map(lambda node: _ran_pods(engine, node), own))
    if True not in ran and None not in ran:
        return True, ""
    try:
        with connect() as api:
            found = [item for items in api.lists("Namespace", *_PEOPLES, *_IN_DEFAULT) for item in items]
    except KindlabError as error:
        stopped = [node.name for node in own if node.state != "running"]
        if stopped:
            return False, f"{', '.join(stopped)} {'is' if len(stopped) == 1 else 'are'} not running"
        return False, f"its API server cannot be asked: {error.message}"
    return not any(map(_is_of_people, found)), ""


def _is_of_people(item: Object) -> bool:
    kind, name = item["kind"], item["metadata"]["name"]
    if kind in _IN_DEFAULT:
        return item["metadata"]["namespace"] == "default" and (kind, name) not in _OF_KUBERNETES
    return kind in _PEOPLES or name not in _OWN_NAMESPACES


def _ran_pods(engine: Engine, node: Node) -> bool | None:
    """Whether a pod may have run in the node; None if that cannot be known."""
    try:
        if node.state == "running":
            done = engine.inside(node.name).run(LIST_NETWORKS, check=False)
            return bool(done.out.strip()) if done.code == 0 else None
        done = engine.query("cp", f"{node.name}:{NETWORKS}", "-")
    except KindlabError:
        return None
    if done.code != 0:
        return False if _MISSING.search(done.err) else None
    # An archive with nothing but the directory has one header; all other blocks are empty.
    return done.out[512:].strip("\0") != ""
