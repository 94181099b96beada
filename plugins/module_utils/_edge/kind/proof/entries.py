# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the entries of kubeconfigs are those of a cluster, whose containers need not run."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.cluster import CA
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import certificates, certificates_in
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine, nodes_of_others
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.cluster import KindCluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.kubeconfig import Kubeconfig


def unproved_files(cluster: KindCluster, nodes: Sequence[Node]) -> tuple[str, ...]:
    """The kubeconfigs with an entry of the cluster's name that is not proved to be of these nodes.

    Each cluster has a certificate authority of its own, which stopped containers still have.
    """
    files = [file for file in (cluster.own, cluster.users) if file.seems_to_have(cluster.name)]
    return tuple(file.path for file in _unproved(cluster, nodes, files))


def used_files(cluster: KindCluster, nodes: Sequence[Node], *, own: bool, users: bool) -> tuple[str, ...]:
    """Of the cluster's own kubeconfig and the user's, those whose entry may be in use by another cluster of the name.

    That is one that answers, on another host behind a tunnel, or one of another engine. Other entries that are not
    proved to be of these nodes are those of an earlier cluster.
    """
    files = [file for file, doubted in ((cluster.own, own), (cluster.users, users)) if doubted]
    unproved = _unproved(cluster, nodes, files)
    elsewhere = bool(unproved) and _is_elsewhere(cluster, nodes)
    return tuple(file.path for file in unproved if elsewhere or cluster.answers(file))


def _unproved(cluster: KindCluster, nodes: Sequence[Node], files: Sequence[Kubeconfig]) -> list[Kubeconfig]:
    own = _certificates(cluster.engine, nodes) if files else frozenset()

    def authority(file: Kubeconfig) -> str:
        return str(file.credentials(cluster.name).get("certificate-authority-data", ""))

    return [file for file in files if not own & certificates_in(authority(file))]


def _is_elsewhere(cluster: KindCluster, nodes: Sequence[Node]) -> bool:
    """Whether another engine has a cluster of the name, or may have one. It may be a name of the same engine."""
    return any(
        isinstance(found, str) or any(node.cluster == cluster.name and node not in nodes for node in found)
        for _name, found in nodes_of_others(cluster.engine)
    )


def _certificates(engine: Engine, nodes: Sequence[Node]) -> frozenset[str]:
    """Those of the nodes' certificate authority, as the engine copies them; none if no container has any."""
    for node in (node for node in nodes if node.role == CONTROL_PLANE):
        try:
            if found := certificates(engine.query("cp", f"{node.name}:{CA}", "-").out):
                return found
        except KindlabError:
            continue
    return frozenset()
