#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_backup
short_description: Save volumes with their claims, so that they outlive the cluster
version_added: 0.1.0
description:
  - Makes the reclaim policy of the chosen PersistentVolumes V(Retain) before anything else, so that no deleted claim
    can take their data along, and remembers the original policy in the backup and on the volume.
  - Writes a generation into the backup directory, with a catalog of what was saved and from where, the manifests of
    volumes, claims, storage classes and namespaces, a checksum list per volume and, where asked for, an archive of its
    data. It becomes visible by one rename, when all of it is on disk.
  - A run that finds the same volumes with the same data in the newest generation writes none; times of files don't
    count with O(checksums=full).
  - Only data that nobody writes has checksums that hold. Volumes that pods use are saved with a warning, and the module
    fails where a file changes while it is read.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
  - kindlab.volumes._selection
options:
  path:
    description:
      - The backup directory, on the host that this module runs on. It is made where it is missing.
      - Generations are directories that only their owner can read.
    type: path
    required: true
  label_selector:
    description: Only volumes of claims with these labels, as C(kubectl --selector) takes it.
    type: str
  data:
    description:
      - V(in_place) leaves the data in its directory on the host, which outlives the cluster.
      - V(archive) saves it too, with owners, modes, times, hard links, holes, extended attributes and ACLs.
      - Only V(archive) saves what is inside a node, where no directory of the host is mounted. It is read through the
        engine, with the C(tar) and C(find) of the node, and nothing is put there. The node must run, and must be the
        only one that the volume can be on.
    type: str
    choices: [in_place, archive]
    default: in_place
  compression:
    description: The program that compresses archives; it has to be on the host, as C(tar) has.
    type: str
    choices: [zstd, gzip]
    default: zstd
  compression_level:
    description: V(1) to V(19) for V(zstd), V(1) to V(9) for V(gzip); the program's own default without this.
    type: int
  checksums:
    description:
      - V(full) reads all data, and proves later that it is equal.
      - V(fast) compares sizes and times only. What is inside a node is read all the same.
      - V(none) does not look at the data; not together with O(data=archive).
    type: str
    choices: [full, fast, none]
    default: full
  without_api:
    description:
      - What becomes of a cluster whose API server does not answer. With V(refuse) the module fails.
      - With V(last_backup) the newest generation of O(path) stands for the cluster, and the data is read anew from the
        directories of the host. A warning says what can't be known. Data inside a node is saved while the node runs.
    type: str
    choices: [refuse, last_backup]
    default: refuse
  keep:
    description:
      - How many generations to keep; older ones are removed after the new one is complete. V(0) keeps all.
      - Whatever they hold. Where several selections are saved, give each a O(path) of its own.
    type: int
    default: 0
seealso:
  - module: kindlab.volumes.volume_restore
  - module: kindlab.volumes.volume_info
notes:
  - Volumes whose data can't be read at one certain place are declined, before anything is changed. With
    O(data=in_place) these are also all volumes whose directory in the node is not mounted from the host.
  - What makes pods with these volumes (Deployments, StatefulSets, CronJobs, ...) is kept as well, with what it had
    before M(kindlab.volumes.volume_detach) brought it to zero. That module makes it again in a new cluster.
  - M(kindlab.volumes.kind_cluster) removes a cluster with volumes only with a backup that holds them as they are
    (O(kindlab.volumes.kind_cluster#module:backup)); data inside a node must be in an archive.
  - Sockets, and other file systems mounted in a volume, are not saved.
"""

EXAMPLES = r"""
- name: Save all volumes of the cluster
  kindlab.volumes.volume_backup:
    cluster: lab
    path: /srv/backup/lab
  become: true

- name: Save one claim with an archive of its data, and keep the last three backups
  kindlab.volumes.volume_backup:
    cluster: lab
    path: /srv/backup/database
    names: [default/database]
    data: archive
    keep: 3
  become: true

- name: Bring out what is inside the nodes of a cluster that was created without mounts
  kindlab.volumes.volume_backup:
    cluster: kind
    path: /srv/backup/kind
    data: archive

- name: Show what a backup of one namespace would change
  kindlab.volumes.volume_backup:
    cluster: lab
    path: /srv/backup/shop
    namespaces: [shop]
  become: true
  check_mode: true
  diff: true
"""

RETURN = r"""
generation:
  description: The generation that holds these volumes now; in check mode the name that it would have had.
  returned: when there are volumes
  type: str
  sample: 000001-20261123T065700Z
directory:
  description: The directory of this generation.
  returned: when there are volumes
  type: str
  sample: /srv/backup/lab/generations/000001-20261123T065700Z
catalog:
  description: The file of its catalog.
  returned: when there are volumes
  type: str
  sample: /srv/backup/lab/generations/000001-20261123T065700Z/catalog.json
removed_generations:
  description: Older generations that were removed, as O(keep) asks.
  returned: when there are volumes
  type: list
  elements: str
  sample: []
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
    node:
      description: The node that its data is inside, empty where the host has it.
      type: str
    node_directory:
      description: The directory in the node.
      type: str
    host_directory:
      description: The directory on the host that holds its data, empty where that is inside a node.
      type: str
    files:
      description: How many regular files it holds; 0 with O(checksums=none).
      type: int
    bytes:
      description: How many bytes they hold, a file with several names counted once.
      type: int
    digest:
      description: SHA-256 over its checksum list without times, equal for equal content; empty with O(checksums=none).
      type: str
    archive:
      description: Its archive in the generation, empty for none, and in check mode for one to be written.
      type: str
    original_reclaim_policy:
      description: The reclaim policy before the first backup.
      type: str
    reclaim_policy_before:
      description: The reclaim policy before this run.
      type: str
    reclaim_policy:
      description: The reclaim policy after it.
      type: str
    in_use_by:
      description: The pods that use it, each as V(namespace/name).
      type: list
      elements: str
  sample:
    - name: pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1
      claim: default/database
      node: ''
      node_directory: /var/local-path-provisioner/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
      host_directory: /srv/lab/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
      files: 3
      bytes: 4117
      digest: 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
      archive: archives/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1.tar.zst
      original_reclaim_policy: Delete
      reclaim_policy_before: Delete
      reclaim_policy: Retain
      in_use_by: []
seconds:
  description: How long each phase took.
  returned: when there are volumes
  type: dict
  sample:
    observe: 0.21
    checksum: 0.48
    archive: 1.32
    write: 0.03
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_backup as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS)


if __name__ == "__main__":
    main()
