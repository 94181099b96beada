#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kind_cluster_info
short_description: List kind clusters with their nodes, mounts and versions
version_added: 0.1.0
description:
  - Lists the kind clusters of this host, running or not, and regardless of the tool that created them. Those whose API
    server does not answer are described by their node containers.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
options:
  name:
    description: Name of one cluster. By default all clusters are listed.
    type: str
  kubeconfig:
    description: Path of the kubeconfig of the cluster O(name). The default is V(~/.kube/kind-NAME.yaml).
    type: path
attributes:
  diff_mode:
    support: none
    details: The module changes nothing.
requirements:
  - kubernetes (Python library) >= 30
seealso:
  - module: kindlab.volumes.kind_cluster
"""

EXAMPLES = r"""
- name: List all clusters
  kindlab.volumes.kind_cluster_info:
  register: kind

- name: Write the options of a cluster that kind create cluster made to a file
  ansible.builtin.copy:
    content: "{{ (kind.clusters | selectattr('name', 'eq', 'lab') | first).options | to_nice_yaml }}"
    dest: /srv/lab/options.yml
    mode: '0644'

- name: Write a configuration file of kind for each cluster
  ansible.builtin.copy:
    content: "{{ item.config | to_nice_yaml }}"
    dest: "/srv/lab/{{ item.name }}.yaml"
    mode: '0644'
  loop: "{{ kind.clusters }}"

- name: Print the names of clusters that do not answer
  ansible.builtin.debug:
    msg: "{{ kind.clusters | rejectattr('reachable') | map(attribute='name') }}"
"""

RETURN = r"""
clusters:
  description: The clusters, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the cluster.
      type: str
    state:
      description: V(running), V(partly running), V(stopped), or V(unfinished) if creation or deletion was interrupted.
      type: str
    nodes:
      description:
        - The nodes, each with C(name), C(role), C(state), C(exit_reason) (why its container has exited, otherwise
          empty), C(image), C(mounts) and C(ports). Mounts and ports that kind adds by itself are omitted.
      type: list
      elements: dict
    kubernetes_version:
      description: Version of the API server, or of the node image if it does not answer; empty if no node runs.
      type: str
    reachable:
      description: Whether the API server answers.
      type: bool
    kubeconfig:
      description: Path of the cluster's own kubeconfig; empty if it does not exist.
      type: str
    context:
      description: Kubeconfig context that kind writes for the cluster.
      type: str
    merged:
      description: Whether the user's own kubeconfig connects to the cluster as well.
      type: bool
    current_context:
      description: Whether the cluster is the current context of the user's own kubeconfig.
      type: bool
    options:
      description:
        - The options of M(kindlab.volumes.kind_cluster), except the name, that create the cluster again, as recorded
          when it created the cluster.
        - Those of a cluster that was created by other means are read from its containers, the kubeadm configuration of
          each node, and containerd's configuration. What differs from what kind generates is returned as patches, so
          that the same cluster comes out.
        - Empty if they are not known; RV(clusters[].doubts) says why.
      type: dict
    config:
      description:
        - RV(clusters[].options) as a configuration of kind, for O(kindlab.volumes.kind_cluster#module:config) or
          C(kind create cluster --config). Empty if the options are not known.
      type: dict
    doubts:
      description:
        - What RV(clusters[].options) do not say of a cluster that was created by other means, or what cannot be known -
          for example whether the port of the API server was requested, files that were copied into nodes, or flags that
          were changed after the creation.
        - Empty for a cluster whose options were recorded.
      type: list
      elements: str
  sample:
    - name: lab
      state: running
      nodes:
        - name: lab-control-plane
          role: control-plane
          state: running
          exit_reason: ''
          image: kindest/node:v1.34.4
          mounts: [{host_path: /srv/lab/volumes, node_path: /data, read_only: false}]
          ports: []
      kubernetes_version: v1.34.4
      reachable: true
      kubeconfig: /home/user/.kube/kind-lab.yaml
      context: kind-lab
      merged: false
      current_context: false
      options:
        nodes:
          - role: control-plane
            image: kindest/node:v1.34.4
            mounts: [{host_path: /srv/lab/volumes, node_path: /data, read_only: false, create: false}]
      config:
        kind: Cluster
        apiVersion: kind.x-k8s.io/v1alpha4
        name: lab
        nodes:
          - role: control-plane
            image: kindest/node:v1.34.4
            extraMounts: [{hostPath: /srv/lab/volumes, containerPath: /data, readOnly: false}]
      doubts: []
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import kind_cluster_info as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS, **action.RULES)


if __name__ == "__main__":
    main()
