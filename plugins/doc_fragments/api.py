# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation fragment: how the API server is reached."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - The kubeconfig file that leads to the cluster.
      - Without it the cluster's own file is read, V(~/.kube/kind-NAME.yaml) as M(kindlab.volumes.kind_cluster) writes
        it; where there is none, E(KUBECONFIG) or the user's own, with the context V(kind-NAME).
    type: path
  context:
    description: The context of the kubeconfig; its current one without this.
    type: str
requirements:
  - kubernetes (Python library) >= 30
"""
