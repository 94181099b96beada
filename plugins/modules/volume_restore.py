#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_restore
short_description: Restore persistent volumes from a backup
version_added: 0.1.0
description:
  - Restores PersistentVolumes and their claims from a backup, bound to each other, after comparing the data by
    checksum.
  - The backup is one of M(kindlab.volumes.volume_backup). The kind cluster is the one that was backed up or another
    one, for example after it was recreated.
  - The module first plans the restore, from the backup, the cluster, the mounts of its nodes and the data. If any
    volume cannot be restored as it was backed up, nothing is changed; RV(ignore:details) lists the reasons for each
    volume.
  - Volumes and claims are written as the controller of Kubernetes would bind them, so that 1,000 volumes are bound
    within seconds. An interrupted run is completed by running the module again.
  - An archive is extracted if the directory of its volume is missing or empty. Other data is never overwritten, and is
    set aside only with O(existing=replace). The directory is on the host if it is mounted from there. Otherwise it is
    inside the node, and a warning says that the data is deleted together with the node. If it lies in the directory of
    another volume whose archive contains it, that one is extracted, and the data is compared.
  - The nodes of a volume are those that its affinity names. Otherwise they are all nodes that fit its affinity and run
    ordinary pods; its directory must be the same on all of them.
  - Volumes that are bound to their claims are left as they are, unless O(existing=replace) is set; their data is not
    compared.
  - A volume that was Released or Failed in the backup comes back Released, so that no new claim of that name is bound
    to it. To use it again, remove the C(uid) from its C(claimRef).
  - Claims that had no volume yet are created again, without one. Claims whose volume was missing are not.
  - Data outside of the nodes' directories (network storage, CSI drivers, block devices, data of
    M(kindlab.volumes.local_data)) is not in a backup. Such volumes and their claims are restored, and a warning says
    where the data is.
  - A directory on the host is refused if it is not the one that the nodes have mounted, and if a volume or a process of
    another cluster of the same container engine has it.
  - A user who may use the container engine needs no other rights. What this user may not read, set aside, or give its
    owner on the host is compared, set aside and extracted in a running node that has it mounted, with owners and modes;
    RV(through_nodes) says so. A directory that is itself a mount point cannot be set aside in a node.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
  - kindlab.volumes._selection
options:
  path:
    description: Path of the backup directory on the managed host.
    type: path
    required: true
  generation:
    description: Name or number of the generation to restore. By default the newest one is restored.
    type: str
  claims:
    description:
      - Whether to restore the claims, bound to their volumes.
      - If V(false), each volume is available to the claim that it was bound to, once that claim is applied, and
        claims without a volume are not created.
    type: bool
    default: true
  existing:
    description:
      - What happens to data that differs from the backup, and to a claim that has another volume or gets one. Nothing
        is restored (V(refuse)), or the generation takes their place (V(replace)), also in volumes that are in use.
      - With V(replace), the data of bound volumes is compared, too. The workloads that use a volume whose data
        differs are scaled to zero, as M(kindlab.volumes.volume_detach) does, and it is verified that nothing uses it.
        Its data is moved to a directory beside its own, named C(DIRECTORY.set-aside-TIME), and kept there until it is
        pruned (M(kindlab.volumes.volume_prune)), or the node is deleted if it is inside one. Then its archive is
        extracted and compared, and the workloads are scaled back up. Those that were at zero before stay there.
      - A claim that has another volume than in the backup, for example because its StatefulSet created it again, is
        deleted and restored. The volume that it had keeps its data and becomes Released, with the policy Retain.
      - Volumes whose data equals the backup are left as they are, and so are their workloads. Each run replaces what
        differs by then, also what was written after an earlier run; do not leave V(replace) set.
      - Refused in advance are volumes whose data has no archive in the backup, or cannot be moved because it contains a
        mount or the directory of another volume, or lies in one, volumes that are used by pods without a controller
        or by another cluster, and claims to replace that have finalizers of others.
      - An interrupted run is completed by running the module again with the same options. With others, the workloads
        that it stopped are started if all volumes that they use are selected, and a warning names the rest.
    type: str
    choices: [refuse, replace]
    default: refuse
  verify:
    description:
      - Whether to compare the data, on the host or inside a node, with the backup by the content, owner and mode of
        every file (V(full)), by size and modification time instead of content (V(fast)), or not at all (V(none)).
      - With V(none), the directory must exist at the path that it was backed up from.
    type: str
    choices: [full, fast, none]
    default: full
  reclaim_policy:
    description:
      - Whether volumes keep the reclaim policy V(Retain), so that data outlives the deletion of a claim (V(keep)), or
        get the policy that they had before the backup, once all volumes are bound (V(original)). Released volumes
        always keep V(Retain), also those whose claims are deleted meanwhile.
    type: str
    choices: [keep, original]
    default: keep
  node_map:
    description:
      - Node names in the backup, and the corresponding node names in this cluster.
      - Required if the cluster has another name, because kind derives the names of nodes from it.
      - As in all options here that map names, a key may contain C(*), which matches any text without a slash. A C(*) in
        the value stands for what was matched, so that key V(lab-*) with value V(test-*) maps all nodes. An exact key
        comes before patterns, an earlier pattern before later ones. A key that matches nothing is an error.
    type: dict
    default: {}
  namespace_map:
    description:
      - Namespaces of claims in the backup, and the namespaces into which they are restored.
      - Names that several volumes or claims would get, and names that exist already, are refused in advance.
      - A volume under another name has the same directory as before. It is refused in the cluster that still has the
        volume it was.
    type: dict
    default: {}
  claim_map:
    description:
      - Claims in the backup and their new names, both as V(namespace/name), which come before O(namespace_map).
      - With key V(shop/data-db-*) and value V(test/data-db-*), the claims of a StatefulSet keep their ordinals.
    type: dict
    default: {}
  storage_class_map:
    description:
      - Storage classes in the backup, and those that volumes and claims get instead. The cluster or the backup must
        have them.
    type: dict
    default: {}
  volume_map:
    description: Names of PersistentVolumes in the backup and their new names.
    type: dict
    default: {}
  capacity_map:
    description:
      - Volumes, by name or by claim as V(namespace/name), and the capacity that they and the requests of their claims
        get, for example V(5Gi).
    type: dict
    default: {}
  access_mode_map:
    description:
      - Volumes, by name or by claim as V(namespace/name), and the list of access modes that they and their claims get.
    type: dict
    default: {}
  create_namespaces:
    description: Whether to create missing namespaces of restored claims.
    type: bool
    default: true
  create_storage_classes:
    description:
      - Whether to create missing storage classes of restored volumes.
      - A default class is restored as the default only if the cluster has none.
    type: bool
    default: true
  wait_timeout:
    description:
      - Maximum number of seconds to wait until all volumes are bound, and before that, with O(existing=replace), until
        nothing uses them.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
    details: Compares the data and reads the archives, too, and fails if the restore would be refused.
seealso:
  - module: kindlab.volumes.volume_backup
  - module: kindlab.volumes.volume_info
"""

EXAMPLES = r"""
- name: Restore all volumes after the cluster was recreated
  kindlab.volumes.volume_restore:
    path: /srv/backups/lab
    cluster: lab

- name: Show what would happen to each volume, and why
  kindlab.volumes.volume_restore:
    path: /srv/backups/lab
    cluster: lab
  check_mode: true
  register: plan

- name: Restore volumes for claims that are applied later, in a cluster with another name
  kindlab.volumes.volume_restore:
    path: /srv/backups/lab
    generation: '3'
    cluster: lab2
    claims: false
    node_map:
      lab-worker: lab2-worker
      lab-worker2: lab2-worker2

- name: Put back yesterday's data of a running database, and keep today's beside it
  kindlab.volumes.volume_restore:
    path: /srv/backups/lab
    generation: '12'
    cluster: lab
    names: [default/database]
    existing: replace

- name: Restore a StatefulSet's volumes for a test, into another namespace of another cluster
  kindlab.volumes.volume_restore:
    path: /srv/backups/lab
    cluster: test
    namespaces: [shop]
    node_map: {lab-*: test-*}
    namespace_map: {shop: shop-test}
    volume_map: {pvc-*: test-*}

- name: Restore one volume with its original reclaim policy
  kindlab.volumes.volume_restore:
    path: /srv/backups/lab
    cluster: lab
    names: [default/database]
    reclaim_policy: original
"""

RETURN = r"""
generation:
  description: Name of the restored generation.
  returned: success
  type: str
  sample: 000003-20260102T030405Z
through_nodes:
  description:
    - A line about volumes on the host that are read and written in a node, because this user may not do so; or empty.
  returned: success
  type: str
  sample: >-
    The data of 1 volume is read and written through nodes, because this user may not do so on this host:
    pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1 (/var/local-path-provisioner/pvc-0d4c6a1e_default_database in lab-worker)
volumes:
  description: The selected volumes of the backup; in check mode as they would be after the restore.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the PersistentVolume.
      type: str
    claim:
      description: Its claim as V(namespace/name), empty if it had none.
      type: str
    action:
      description:
        - What was done. V(create) creates the volume. V(rebind) reserves an existing volume for its claim again, after
          the claim was deleted. V(finish) completes an interrupted restore. V(replace) replaces the data of a volume
          that is bound. V(unchanged) leaves the volume as it is.
      type: str
    why:
      description: The reason for the action.
      type: str
    nodes:
      description: Nodes in the volume's affinity, as they are named in this cluster; empty for any node.
      type: list
      elements: str
    node_directory:
      description: Its directory in the node; empty if its source has none.
      type: str
    node:
      description: Node that has its data inside; empty if the data is on the host.
      type: str
    host_directory:
      description: Its directory on the host; empty if its data is inside a node, or its source has no directory.
      type: str
    phase:
      description: Phase of the PersistentVolume at the end.
      type: str
    claim_phase:
      description: Phase of the claim at the end; empty if there is no claim, or it has another volume.
      type: str
    files:
      description: Number of files in the backup.
      type: int
    digest:
      description: Checksum over all of its content in the backup; empty if it has no checksums.
      type: str
    checksum:
      description:
        - Result of the comparison, V(equal) for O(verify=full), V(sizes and times equal) for O(verify=fast), otherwise
          V(not compared).
      type: str
    set_aside:
      description: Directory to which its data was moved, on the host or inside the node; empty for none.
      type: str
    replaced_volume:
      description: Name of the volume that its claim had before; empty if the claim was not replaced.
      type: str
    reclaim_policy:
      description: Reclaim policy at the end.
      type: str
  sample:
    - name: pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1
      claim: default/database
      action: create
      why: binds to default/database; 3 files in host directory /srv/lab/pvc-0d4c_default_database, checksums equal
      nodes: [lab-worker]
      node_directory: /var/local-path-provisioner/pvc-0d4c_default_database
      node: ''
      host_directory: /srv/lab/pvc-0d4c_default_database
      phase: Bound
      claim_phase: Bound
      files: 3
      digest: f5720f9e419b3892679fe35bec1d54918dfbdc0e77288b182557c4af3dffab90
      checksum: equal
      set_aside: ''
      replaced_volume: ''
      reclaim_policy: Retain
claims:
  description: Claims without a volume that were created, as V(namespace/name).
  returned: success
  type: list
  elements: str
  sample: [shop/cache]
namespaces:
  description: Names of the namespaces that were created.
  returned: success
  type: list
  elements: str
  sample: [shop]
storage_classes:
  description: Names of the storage classes that were created.
  returned: success
  type: list
  elements: str
  sample: []
workloads:
  description:
    - Workloads that were scaled to zero for the restore, and back up.
    - Each is a dictionary with C(kind), C(namespace) and C(name).
  returned: when O(existing=replace)
  type: list
  elements: dict
  sample: [{kind: StatefulSet, namespace: default, name: database}]
seconds:
  description:
    - Duration of each phase in seconds, C(observe) for reading the backup, the cluster and its nodes, C(compare) for
      planning and comparing the data, C(extract) for archives, C(write) for volumes and claims, and C(wait) until all
      volumes are bound and nothing changes any more. Check mode has the first two.
    - O(existing=replace) adds C(plan) for all that is done before a workload is stopped, C(detach) until nothing uses
      the volumes, and C(attach).
  returned: success
  type: dict
  sample: {observe: 0.31, compare: 0.05, extract: 0.0, write: 0.12, wait: 1.03}
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import volume_restore as action


def main() -> None:
    run_module(action.run, action.ARGUMENTS, others=action.OTHERS)


if __name__ == "__main__":
    main()
