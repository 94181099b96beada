# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the entries of kubeconfigs are those of a cluster, whose containers need not run."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.cluster import CA
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import certificates, certificates_in
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.cluster import KindCluster


def unproved_files(cluster: KindCluster, nodes: Sequence[Node]) -> tuple[str, ...]:
    """The kubeconfigs with an entry of the cluster's name that is not proved to be of these nodes.

    Each cluster has a certificate authority of its own, which stopped containers still have.
    """
    files = {file.path: file for file in (cluster.own, cluster.users) if file.seems_to_have(cluster.name)}
    own = _certificates(cluster.engine, nodes) if files else frozenset()
    authorities = {
        path: str(file.credentials(cluster.name).get("certificate-authority-data", "")) for path, file in files.items()
    }
    return tuple(path for path, authority in authorities.items() if not own & certificates_in(authority))


def _certificates(engine: Engine, nodes: Sequence[Node]) -> frozenset[str]:
    """Those of the nodes' certificate authority, as the engine copies them; none if no container has any."""
    for node in (node for node in nodes if node.role == CONTROL_PLANE):
        try:
            if found := certificates(engine.query("cp", f"{node.name}:{CA}", "-").out):
                return found
        except KindlabError:
            continue
    return frozenset()
