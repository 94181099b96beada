#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_backup
short_description: Back up persistent volumes with their claims
version_added: 0.1.0
description:
  - Sets the reclaim policy of the selected PersistentVolumes to V(Retain) before anything else, so that deleting a
    claim cannot delete its data. The original policy is recorded in the backup and in an annotation of the volume.
  - Writes a generation to the backup directory. It contains a catalog of the cluster and its volumes, the manifests of
    volumes, claims, storage classes, namespaces and workloads, a checksum list per volume and, with O(data=archive), an
    archive of its data. A generation becomes visible by a single rename, after all of it has been synced to disk.
  - Does not write a generation if the newest one has the same volumes with the same data. With O(checksums=full) the
    times of files are not compared.
  - Checksums are only valid for data that nothing writes. Volumes that pods use are saved with a warning. A file that
    changes while it is read is read again; if the data of a volume never rests, that volume is saved as not consistent
    and the others are not affected. Use M(kindlab.volumes.volume_detach) first.
  - Of volumes whose data is elsewhere (NFS, iSCSI, CSI, block devices, M(kindlab.volumes.local_data)), and of claims
    without a volume, the manifests are saved. Generic ephemeral volumes are left as they are.
  - With O(objects=true) the generation also holds the objects that people made in the cluster, of all kinds, and their
    changes of those that the cluster brought.
  - A directory on the host is refused if it is not the one that the node has mounted, for example because it was
    replaced after the node had started. With O(data=archive) the data of a volume of one node is then read in the node.
  - A volume whose M(kindlab.volumes.volume_restore) with C(existing=replace) was interrupted is refused until another
    run completes it.
  - A user who may use the container engine needs no other rights. What this user may not read on the host is read in a
    running node that has it mounted, with C(tar) and C(find) of the node; RV(through_nodes) says so.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
  - kindlab.volumes._selection
options:
  path:
    description:
      - Path of the backup directory on the managed host. It is created if it is missing.
      - Generations can be read by their owner only.
    type: path
    required: true
  label_selectors:
    description:
      - Limits the volumes to those whose claims match all of these label selectors, for example V(app=shop).
    type: list
    elements: str
  data:
    description:
      - How to save the data.
      - V(in_place) leaves it in its directory on the host, which outlives the cluster.
      - V(archive) also writes an archive per volume, with owners, modes, times, hard links, holes, extended attributes
        and ACLs.
      - Data inside a node, where no host directory is mounted, can only be saved with V(archive). It is read with
        C(tar) and C(find) of the node, which must be running and the only one that can have the volume. Nothing is
        written to the node.
    type: str
    choices: [in_place, archive]
    default: in_place
  compression:
    description: Program that compresses archives. It must be installed on the managed host.
    type: str
    choices: [zstd, gzip]
    default: zstd
  compression_level:
    description:
      - Compression level, from 1 to 19 for V(zstd) and from 1 to 9 for V(gzip).
      - The default is that of the program.
    type: int
  checksums:
    description:
      - How to create checksum lists.
      - V(full) reads all data, so that a restore can verify it.
      - V(fast) records sizes and times only. Data inside a node is transferred nevertheless.
      - V(none) does not read the data. It cannot be combined with O(data=archive).
    type: str
    choices: [full, fast, none]
    default: full
  without_api:
    description:
      - What to do if the API server does not answer.
      - V(refuse) fails.
      - V(last_backup) takes volumes, claims and workloads from the newest generation in O(path), and reads the data
        from directories of the host, or inside a running node. A warning says what is unknown. This is refused if the
        API server answers inside its node and only this host does not reach it.
    type: str
    choices: [refuse, last_backup]
    default: refuse
  objects:
    description:
      - Whether to save the objects of the whole cluster as well, whichever volumes are selected.
      - These are all objects of all kinds that can be read and created, custom resources included, except those that
        controllers make again (for example the pods of a Deployment, Events, Leases), those that the cluster brought,
        and nodes, whose labels and taints every backup has. M(kindlab.volumes.object_backup) saves a part of them, and
        says more about what is left out.
      - Secrets are saved as they are, in files that only their owner can read. They are not part of the result.
    type: bool
    default: false
  keep:
    description:
      - Number of generations to keep. Older ones are removed after the new one is complete. V(0) keeps all.
      - Generations are counted whatever they contain. Use a separate O(path) for each selection of volumes.
      - An older generation is not removed if it alone holds a volume, or its archive. That is a volume that, with its
        claim, is neither in a newer generation that is kept nor in the cluster, or the newest generation with objects.
        RV(kept_generations) names them.
    type: int
    default: 0
  assume_unused:
    description:
      - Names of volumes whose users a M(kindlab.volumes.volume_detach) before this task stops. Only used in check mode,
        where that module stopped nothing. Then pods that use these volumes are not reported, as in a run.
      - The role P(kindlab.volumes.backup#role) sets it after the role P(kindlab.volumes.detach#role).
    type: list
    elements: str
seealso:
  - module: kindlab.volumes.object_backup
  - module: kindlab.volumes.volume_detach
  - module: kindlab.volumes.volume_restore
  - module: kindlab.volumes.volume_info
notes:
  - Volumes whose data cannot be read are refused before anything is changed, and so are archives for which the disk of
    O(path) has not enough room. With O(data=in_place) all volumes are refused whose directory is not mounted from the
    host.
  - Every archive is read back and compared with its checksum list. If the newest generation is to stand for the volumes
    as they are, its archives are read, too.
  - Workloads that use the volumes (Deployments, StatefulSets, CronJobs, ...) are saved with the number of replicas that
    they had before M(kindlab.volumes.volume_detach) scaled them to zero. That module recreates them in a new cluster.
  - M(kindlab.volumes.kind_cluster) deletes a cluster with volumes only if a backup contains their current data
    (O(kindlab.volumes.kind_cluster#module:backup)); data inside a node must be in an archive, which is read first.
  - Sockets, and file systems mounted in a volume, are not saved.
"""

EXAMPLES = r"""
- name: Back up all volumes of a cluster
  kindlab.volumes.volume_backup:
    cluster: lab
    path: /srv/backup/lab

- name: Back up one claim with an archive of its data, and keep the last three generations
  kindlab.volumes.volume_backup:
    cluster: lab
    path: /srv/backup/database
    names: [default/database]
    data: archive
    keep: 3

- name: Back up data inside the nodes of a cluster without mounts
  kindlab.volumes.volume_backup:
    cluster: kind
    path: /srv/backup/kind
    data: archive

- name: Back up a whole cluster, volumes and all other objects
  kindlab.volumes.volume_backup:
    cluster: lab
    path: /srv/backup/lab
    objects: true

- name: Show what a backup of one application would change
  kindlab.volumes.volume_backup:
    cluster: lab
    path: /srv/backup/shop
    namespaces: [shop]
    label_selectors: [app=web, tier!=cache]
  check_mode: true
  diff: true

- name: Detach and back up volumes, so that check mode predicts what a run does
  block:
    - name: Scale the workloads to zero
      kindlab.volumes.volume_detach:
        cluster: lab
      register: detachment

    - name: Back up the volumes
      kindlab.volumes.volume_backup:
        cluster: lab
        path: /srv/backup/lab
        assume_unused: "{{ detachment.volumes | selectattr('state', 'eq', 'free') | map(attribute='name') }}"
  always:
    - name: Scale the workloads back up
      kindlab.volumes.volume_detach:
        cluster: lab
        state: attached
"""

RETURN = r"""
generation:
  description: Name of the generation that contains these volumes; in check mode, the name that it would get.
  returned: when there are volumes
  type: str
  sample: 000001-20261123T065700Z
directory:
  description: Path of this generation.
  returned: when there are volumes
  type: str
  sample: /srv/backup/lab/generations/000001-20261123T065700Z
catalog:
  description: Path of its catalog.
  returned: when there are volumes
  type: str
  sample: /srv/backup/lab/generations/000001-20261123T065700Z/catalog.json
through_nodes:
  description: A line about volumes on the host that are read in a node, because this user may not read them; or empty.
  returned: when there are volumes
  type: str
  sample: >-
    The data of 1 volume is read and written through nodes, because this user may not do so on this host:
    pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1 (/var/local-path-provisioner/pvc-0d4c6a1e_default_database in lab-worker)
removed_generations:
  description: Names of the generations that were removed because of O(keep).
  returned: when there are volumes
  type: list
  elements: str
  sample: []
kept_generations:
  description: The generations that O(keep) would have removed, if they did not alone hold a volume.
  returned: when there are volumes
  type: list
  elements: dict
  contains:
    generation:
      description: Name of the generation.
      type: str
    why:
      description: What only this generation holds.
      type: str
  sample: []
claims:
  description: The claims without a volume that were saved, which are pending, or have lost their volume.
  returned: when there are volumes
  type: list
  elements: dict
  contains:
    claim:
      description: The claim as V(namespace/name).
      type: str
    phase:
      description: Its phase.
      type: str
    why:
      description: Why no volume is created for it, for example because its storage class does not exist.
      type: str
  sample: []
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
      description: Its claim as V(namespace/name), empty for none.
      type: str
    phase:
      description: Phase of the PersistentVolume.
      type: str
    data:
      description:
        - Where its data is. V(host) is a directory of the host, V(node) a directory inside a node.
        - V(elsewhere) is what is not read, so that only manifests are saved; RV(volumes[].source) says where it is.
        - V(none) is a volume that was never used, and whose directory does not exist.
      type: str
    source:
      description:
        - Where its data is if RV(volumes[].data) is V(elsewhere), for example V(nfs files.example:/exports/db).
      type: str
    node:
      description: Name of the node that has its data, empty if the host has it.
      type: str
    node_directory:
      description: Path of its directory in the node.
      type: str
    host_directory:
      description: Path of its directory on the host, empty if the data is inside a node.
      type: str
    files:
      description: Number of regular files, 0 with O(checksums=none).
      type: int
    bytes:
      description: Their size in bytes; hard links to one file count once.
      type: int
    consistent:
      description: V(false) if the data was written to whenever it was read.
      type: bool
    digest:
      description: SHA-256 over its checksum list without times, equal for equal content; empty with O(checksums=none).
      type: str
    archive:
      description: Path of its archive in the generation, empty for none, and in check mode for a new one.
      type: str
    original_reclaim_policy:
      description: Reclaim policy before the first backup.
      type: str
    reclaim_policy_before:
      description: Reclaim policy before this run.
      type: str
    reclaim_policy:
      description: Reclaim policy after this run.
      type: str
    in_use_by:
      description: Pods that use it, each as V(namespace/name).
      type: list
      elements: str
  sample:
    - name: pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1
      claim: default/database
      phase: Bound
      data: host
      source: ''
      node: ''
      node_directory: /var/local-path-provisioner/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
      host_directory: /srv/lab/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
      files: 3
      bytes: 4117
      consistent: true
      digest: 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
      archive: archives/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1.tar.zst
      original_reclaim_policy: Delete
      reclaim_policy_before: Delete
      reclaim_policy: Retain
      in_use_by: []
objects:
  description: The objects that were saved, without their content.
  returned: with O(objects=true)
  type: dict
  contains:
    made:
      description: Number of saved objects by kind, for example V(Deployment.apps).
      type: dict
    changed:
      description: Objects that the cluster brought, and whose changes were saved.
      type: list
      elements: str
    baseline:
      description:
        - Whether it is known exactly what the cluster brought. M(kindlab.volumes.kind_cluster) records that.
        - Otherwise labels, the managers of fields and the names that kind uses tell.
      type: bool
    left_out:
      description:
        - What is not saved although it may be looked for. An empty C(name) stands for all of a kind, and the C(kind)
          of V(*) for all kinds of an API group.
      type: list
      elements: dict
      contains:
        kind:
          description: Kind of the object.
          type: str
        group:
          description: Its API group, empty for the core group.
          type: str
        namespace:
          description: Its namespace, empty for an object without one.
          type: str
        name:
          description: Its name.
          type: str
        why:
          description: Why it is not saved.
          type: str
  sample:
    made:
      ConfigMap: 2
      Deployment.apps: 1
      Namespace: 1
    changed: [ConfigMap kube-system/coredns]
    baseline: true
    left_out:
      - kind: PersistentVolume
        group: ''
        namespace: ''
        name: ''
        why: volume_backup saves volumes
seconds:
  description: Duration of each phase in seconds.
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
