#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_info
short_description: List PersistentVolumes with their claims, pods, nodes and host directories
version_added: 0.1.0
description:
  - Lists the PersistentVolumes of a kind cluster with their claims, the pods that use them, and the directories on the
    host that contain their data.
  - Lists orphan directories, which are directories on the host that provisioners made, as their names say, without a
    volume of this cluster or of another one that has them mounted. A warning names directories for which that is not
    known. M(kindlab.volumes.volume_prune) shows their size and age and removes them.
  - Says of each volume whether its data outlives the cluster if that goes now, by what decides whether
    M(kindlab.volumes.kind_cluster) deletes a cluster. M(kindlab.volumes.lab_map) draws all of this.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
  - kindlab.volumes._selection
options:
  backup_path:
    description:
      - Directory of the backup of the volumes, as M(kindlab.volumes.volume_backup) wrote it. Its newest generation
        counts.
      - Without it, data inside nodes counts as lost.
    type: path
  verify:
    description:
      - V(fast) reads the backup without its archives, and no data. Whether data inside a node is in its archive as it
        is now remains unknown.
      - V(full) reads and compares what a deletion does; with data inside nodes that takes as long as backing it up.
    type: str
    choices: [fast, full]
    default: fast
attributes:
  diff_mode:
    support: none
    details: Nothing is changed.
seealso:
  - module: kindlab.volumes.volume_backup
  - module: kindlab.volumes.volume_prune
  - module: kindlab.volumes.volume_restore
"""

EXAMPLES = r"""
- name: List all volumes of the cluster
  kindlab.volumes.volume_info:
    cluster: lab
  register: lab

- name: Find the host directory of a claim
  kindlab.volumes.volume_info:
    cluster: lab
    names: [default/database]
  register: database

- name: Show what would be lost with the cluster
  kindlab.volumes.volume_info:
    cluster: lab
    backup_path: /srv/backups/lab
    verify: full
  register: checked
  failed_when: checked.volumes | selectattr('survives', 'equalto', 'no') | length > 0

- name: Assert that no pod uses the claim
  ansible.builtin.assert:
    that: database.volumes[0].pods | length == 0

- name: Show the orphan directories
  ansible.builtin.debug:
    msg: "{{ lab.orphan_directories | map(attribute='host_directory') }}"
"""

RETURN = r"""
volumes:
  description: The volumes, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the PersistentVolume.
      type: str
    claim:
      description: Its claim as V(namespace/name); empty if it has none.
      type: str
    phase:
      description: Phase of the PersistentVolume.
      type: str
    claim_phase:
      description: Phase of the claim; empty if the claim does not exist or has another volume.
      type: str
    terminating:
      description: Whether the volume or its claim is being deleted.
      type: bool
    ephemeral:
      description: Whether it is a generic ephemeral volume, which is deleted with its pod.
      type: bool
    storage_class:
      description: Name of the storage class; empty if it has none.
      type: str
    reclaim_policy:
      description: The reclaim policy.
      type: str
    original_reclaim_policy:
      description: The reclaim policy before a backup set it to V(Retain); empty if none did.
      type: str
    capacity:
      description: The capacity as a Kubernetes quantity.
      type: str
    access_modes:
      description: The access modes.
      type: list
      elements: str
    volume_mode:
      description: V(Filesystem) or V(Block).
      type: str
    source:
      description: The type of its source, for example V(hostPath) or V(local).
      type: str
    location:
      description: Its source with where it is, for example V(nfs files.example:/exports/db).
      type: str
    data:
      description:
        - Where its data is. V(host) is a directory of the host, V(node) a directory inside a node.
        - V(elsewhere) is what M(kindlab.volumes.volume_backup) does not read, for example network storage, a block
          device, or data of M(kindlab.volumes.local_data).
        - Empty if it is not the same for all of its nodes, or if no node fits its node affinity.
      type: str
    provisioned_by:
      description: The provisioner that created it; empty if it was created by hand.
      type: str
    nodes:
      description: The nodes that its node affinity names; empty for any node.
      type: list
      elements: str
    node_directory:
      description: Its directory in the node; empty if its source has none.
      type: str
    host_directory:
      description: Its directory on the host; empty if it has none, or not the same one for all of its nodes.
      type: str
    host_directories:
      description: Its directory on the host by node; empty for a node where it is not mounted from the host.
      type: dict
    mismatch:
      description:
        - Why the directory on the host is not the one that a node has mounted, for example because it was replaced
          after the node had started, or because its file system does not answer. Other modules refuse to read or write
          such a directory.
        - Empty if it is the same, or if they could not be compared because the node is not running.
      type: str
    pods:
      description: The pods that use its claim, each with C(namespace), C(name), C(node) and C(phase).
      type: list
      elements: dict
    survives:
      description:
        - Whether its data outlives the cluster if that is deleted now, V(yes), V(no) or V(unknown).
        - Of what is V(no), M(kindlab.volumes.kind_cluster) refuses the deletion, except generic ephemeral volumes. It
          also refuses to delete volumes that are in use, and whose objects no backup contains.
        - A bound volume with the reclaim policy Delete counts as V(no), because its data is deleted with its claim.
      type: str
    survives_why:
      description: Why it is lost or why that is unknown; of data that survives, where it is.
      type: str
    survives_next_step:
      description: What you can do about it; empty for nothing.
      type: str
  sample:
    - name: pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1
      claim: default/database
      phase: Bound
      claim_phase: Bound
      terminating: false
      ephemeral: false
      storage_class: standard
      reclaim_policy: Retain
      original_reclaim_policy: Delete
      capacity: 1Gi
      access_modes: [ReadWriteOnce]
      volume_mode: Filesystem
      source: hostPath
      location: hostPath /var/local-path-provisioner/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
      data: host
      provisioned_by: rancher.io/local-path
      nodes: [lab-worker]
      node_directory: /var/local-path-provisioner/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
      host_directory: /srv/lab/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
      host_directories:
        lab-worker: /srv/lab/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
      mismatch: ""
      pods:
        - {namespace: default, name: database-0, node: lab-worker, phase: Running}
      survives: "yes"
      survives_why: its data is on the host, in /srv/lab/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
      survives_next_step: ""
summary:
  description: One line about the selected volumes.
  returned: success
  type: str
  sample: 18 of 20 volumes survive; 2 are inside lab-worker and in no backup
released:
  description: Names of the volumes in phase V(Released). Their claims were deleted, their data was kept.
  returned: success
  type: list
  elements: str
  sample: []
orphan_directories:
  description:
    - Directories on the host that provisioners made, and that do not belong to a PersistentVolume of this cluster.
    - The selection of volumes does not affect them.
  returned: success
  type: list
  elements: dict
  contains:
    host_directory:
      description: Path on the host.
      type: str
    node_directory:
      description: Path inside the nodes.
      type: str
    nodes:
      description: The nodes that mount it.
      type: list
      elements: str
    volume:
      description: Name of the PersistentVolume that it was made for.
      type: str
    claim:
      description: The claim that it was made for as V(namespace/name); empty if its name does not say.
      type: str
  sample:
    - host_directory: /srv/lab/pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_default_old
      node_directory: /var/local-path-provisioner/pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_default_old
      nodes: [lab-control-plane, lab-worker, lab-worker2]
      volume: pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de
      claim: default/old
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_info as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS, others=action.OTHERS)


if __name__ == "__main__":
    main()
