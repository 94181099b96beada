# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation fragment: access to the Kubernetes API. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cluster:
    description: Name of the kind cluster.
    type: str
    default: kind
  kubeconfig:
    description:
      - Path of the kubeconfig file of the cluster.
      - Defaults to V(~/.kube/kind-NAME.yaml), which M(kindlab.volumes.kind_cluster) writes. If that does not exist, the
        context V(kind-NAME) of E(KUBECONFIG) or of the default kubeconfig is used.
      - The module fails if it leads to another cluster than the node containers of O(cluster), whose CA certificate is
        compared with that of the API server.
    type: path
  context:
    description: Name of the context in the kubeconfig. Defaults to its current context.
    type: str
requirements:
  - kubernetes (Python library) >= 30
"""
