#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_info
short_description: Show volumes with their claims, pods, nodes and directories on the host
version_added: 0.1.0
description:
  - Reads the PersistentVolumes of a kind cluster and joins them with their claims, the pods that use them, and the
    directories on the host that hold their data.
  - Shows the directories on the host that a provisioner made, or may have made, and that no volume has any more.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
  - kindlab.volumes._selection
attributes:
  diff_mode:
    support: none
    details: Nothing is changed.
seealso:
  - module: kindlab.volumes.volume_backup
  - module: kindlab.volumes.volume_restore
"""

EXAMPLES = r"""
- name: Show every volume of the cluster
  kindlab.volumes.volume_info:
    cluster: lab
  register: lab

- name: Show where the data of one claim lies on the host
  kindlab.volumes.volume_info:
    cluster: lab
    names: [default/database]
  register: database

- name: Refuse to go on while a pod uses it
  ansible.builtin.assert:
    that: database.volumes[0].pods | length == 0

- name: Name the directories that no volume has any more
  ansible.builtin.debug:
    msg: "{{ lab.orphan_directories | map(attribute='host_directory') }}"
"""

RETURN = r"""
volumes:
  description: The volumes by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The PersistentVolume's name.
      type: str
    claim:
      description: Its claim as V(namespace/name), empty where it has none.
      type: str
    phase:
      description: The PersistentVolume's phase.
      type: str
    claim_phase:
      description: The claim's phase; empty where there is no such claim, or where it has another volume.
      type: str
    storage_class:
      description: The storage class, empty for none.
      type: str
    reclaim_policy:
      description: What happens to the data when the claim is deleted.
      type: str
    original_reclaim_policy:
      description: The reclaim policy before a backup made it V(Retain); empty where none did.
      type: str
    capacity:
      description: The size as Kubernetes writes it.
      type: str
    access_modes:
      description: How nodes and pods may mount it.
      type: list
      elements: str
    source:
      description: The kind of its source, for example V(hostPath) or V(local).
      type: str
    provisioned_by:
      description: The provisioner that made it, empty where a person did.
      type: str
    nodes:
      description: The nodes that its affinity names; empty for any node.
      type: list
      elements: str
    node_directory:
      description: Its directory in the node; empty where its source has none.
      type: str
    host_directory:
      description: Its directory on the host; empty where it has none, or where its nodes don't share one.
      type: str
    host_directories:
      description: The directory on the host by node, empty for nodes that keep it inside themselves.
      type: dict
    pods:
      description: The pods that name its claim, each with C(namespace), C(name), C(node) and C(phase).
      type: list
      elements: dict
  sample:
    - name: pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1
      claim: default/database
      phase: Bound
      claim_phase: Bound
      storage_class: standard
      reclaim_policy: Retain
      original_reclaim_policy: Delete
      capacity: 1Gi
      access_modes: [ReadWriteOnce]
      source: hostPath
      provisioned_by: rancher.io/local-path
      nodes: [lab-worker]
      node_directory: /var/local-path-provisioner/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
      host_directory: /srv/lab/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
      host_directories:
        lab-worker: /srv/lab/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
      pods:
        - {namespace: default, name: database-0, node: lab-worker, phase: Running}
released:
  description: The names of those whose claim is gone and whose data was kept.
  returned: success
  type: list
  elements: str
  sample: []
orphan_directories:
  description:
    - Directories on the host, where provisioners make volumes, that belong to no PersistentVolume of this cluster.
    - Whatever is selected, all volumes of the cluster are looked at for this.
  returned: success
  type: list
  elements: dict
  contains:
    host_directory:
      description: The directory on the host.
      type: str
    node_directory:
      description: The same directory as a node sees it.
      type: str
    nodes:
      description: The nodes that see it.
      type: list
      elements: str
  sample:
    - host_directory: /srv/lab/pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_default_old
      node_directory: /var/local-path-provisioner/pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_default_old
      nodes: [lab-control-plane, lab-worker, lab-worker2]
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_info as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS)


if __name__ == "__main__":
    main()
