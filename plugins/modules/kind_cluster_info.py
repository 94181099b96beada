#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kind_cluster_info
short_description: Show kind clusters with their nodes, mounts and versions
version_added: 0.1.0
description:
  - Shows the kind clusters of this host, whoever made them, running or not.
  - A cluster that does not answer is shown as far as its node containers tell.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
options:
  name:
    description: Only this cluster; all without this.
    type: str
  kubeconfig:
    description: The file that leads to the cluster O(name), V(~/.kube/kind-NAME.yaml) without this.
    type: path
attributes:
  diff_mode:
    support: none
    details: Nothing is changed.
requirements:
  - kubernetes (Python library) >= 30
seealso:
  - module: kindlab.volumes.kind_cluster
"""

EXAMPLES = r"""
- name: Show all clusters
  kindlab.volumes.kind_cluster_info:
  register: kind

- name: Name those that are stopped
  ansible.builtin.debug:
    msg: "{{ kind.clusters | rejectattr('reachable') | map(attribute='name') }}"
"""

RETURN = r"""
clusters:
  description: The clusters by name; an empty list where there is none.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    state:
      description:
        - V(running), V(partly running), V(stopped), or V(unfinished) where its creation was interrupted.
      type: str
    nodes:
      description:
        - The nodes, each with C(name), C(role), C(state), C(ended), C(image), C(mounts) and C(ports).
        - Mounts and ports that kind adds of its own are left out.
      type: list
      elements: dict
    kubernetes_version:
      description: The API server's version, or that of the node image; empty where no node runs.
      type: str
    reachable:
      description: Whether its API server answers.
      type: bool
    kubeconfig:
      description: The file of its own that leads to it, empty where there is none.
      type: str
    context:
      description: The context that kind writes.
      type: str
    options:
      description:
        - The options of M(kindlab.volumes.kind_cluster) that make such a cluster again, its name apart, as they were
          recorded when it was created.
        - Empty where it was made otherwise, or does not answer.
      type: dict
  sample:
    - name: lab
      state: running
      nodes:
        - name: lab-control-plane
          role: control-plane
          state: running
          ended: ''
          image: kindest/node:v1.34.4
          mounts:
            - {host_path: /srv/lab/volumes, node_path: /var/local-path-provisioner, read_only: false}
          ports: []
      kubernetes_version: v1.34.4
      reachable: true
      kubeconfig: /home/user/.kube/kind-lab.yaml
      context: kind-lab
      options:
        nodes:
          - role: control-plane
            image: kindest/node:v1.34.4
            mounts:
              - host_path: /srv/lab/volumes
                node_path: /var/local-path-provisioner
                read_only: false
                create: false
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import kind_cluster_info as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS, **action.RULES)


if __name__ == "__main__":
    main()
