#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_recreate
short_description: Delete a kind cluster and create it again with its volumes, as one action that may be interrupted
version_added: 0.1.0
description:
  - Looks at everything first, and fails before anything is changed where the cluster could not be made again as it is.
  - Then brings what uses volumes to zero with proof (M(kindlab.volumes.volume_detach)), saves the volumes
    (M(kindlab.volumes.volume_backup)), deletes the cluster once nothing holds a volume and no file was changed since
    (M(kindlab.volumes.kind_cluster)), creates it with the shape it had, makes its provisioners and classes, restores
    the volumes and compares their data (M(kindlab.volumes.volume_restore)), and gives what used them back what it had.
  - Each finished step is a line of the journal C(recreate.jsonl) beside the backup, on disk before the next step
    begins. Whatever ended a run, the same run again goes on from there. While one is at work a second one is refused.
  - Where it fails before the deletion, what used the volumes gets back what it had.
  - A cluster that is gone, with or without a journal, is made again from the newest backup of it in O(path).
  - Volumes, claims, their namespaces and storage classes come back, and what makes pods with these volumes. Whatever
    else was in the cluster (Services, ConfigMaps, Secrets, other applications) is applied again by whoever made it,
    and images that were loaded into the nodes are loaded again.
  - The shape is the one that M(kindlab.volumes.kind_cluster) recorded when it created the cluster. Provisioners of
    M(kindlab.volumes.storage_provisioner) are made as they are.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
attributes:
  check_mode:
    support: full
    details: Shows the whole plan, with a line per volume.
  idempotent:
    support: none
    details: Each run that is not the rest of an interrupted one makes the cluster anew.
options:
  cluster:
    description: The cluster's name.
    type: str
    default: kind
  path:
    description: The directory of the backup and the journal, best one for this cluster alone.
    type: path
    required: true
  kubeconfig:
    description: The file that leads to the cluster, V(~/.kube/kind-NAME.yaml) without this.
    type: path
  kind:
    description: The kind program.
    type: path
  data:
    description:
      - Whether the data stays where it is, or goes into an archive per volume, too.
      - What lies inside a node comes back only out of an archive.
    type: str
    choices: [in_place, archive]
    default: in_place
  checksums:
    description:
      - Whether files are compared by content, or by size and time only. Before the deletion, and again before pods come
        back, content is read only where size or time differ.
    type: str
    choices: [full, fast]
    default: full
  keep:
    description: How many generations of the backup stay; V(0) keeps all.
    type: int
    default: 0
  reclaim_policy:
    description: Whether restored volumes get back the reclaim policy that they had, or keep V(Retain).
    type: str
    choices: [original, keep]
    default: original
  options:
    description:
      - Options of M(kindlab.volumes.kind_cluster).
      - Of a recorded cluster only those count that don't belong to its shape, such as C(merge_kubeconfig). A cluster
        that was created otherwise has to be described here in full, by C(nodes).
    type: dict
    default: {}
  unmanaged:
    description: What becomes of pods that nothing known makes again, as M(kindlab.volumes.volume_detach) has it.
    type: str
    choices: [refuse, delete]
    default: refuse
  without_api:
    description:
      - What becomes of a cluster that is there, and whose API server does not answer. With V(refuse) the module fails,
        and says which nodes are stopped, paused or crashed.
      - With V(last_backup) its nodes are stopped, so that nothing writes any more, and the cluster is made anew from
        the newest backup in O(path), with the data that the directories of the host hold now. A warning says what
        can't be known. Data inside nodes can't be saved then, and a cluster with such volumes is refused.
    type: str
    choices: [refuse, last_backup]
    default: refuse
  attach:
    description: Whether what used the volumes is made again, with what it had.
    type: bool
    default: true
  timeout:
    description: Seconds that the detachment, and the binding of restored volumes, may take each.
    type: int
    default: 300
requirements:
  - kind >= 0.23
  - kubernetes (Python library) >= 30
seealso:
  - module: kindlab.volumes.volume_detach
  - module: kindlab.volumes.volume_backup
  - module: kindlab.volumes.kind_cluster
  - module: kindlab.volumes.volume_restore
"""

EXAMPLES = r"""
- name: Show the whole plan
  kindlab.volumes.cluster_recreate:
    cluster: lab
    path: /srv/backup/lab
  check_mode: true
  register: recreation

- name: Read it
  ansible.builtin.debug:
    var: recreation.plan

- name: Make the cluster anew, with its volumes
  kindlab.volumes.cluster_recreate:
    cluster: lab
    path: /srv/backup/lab

- name: Take along what lies inside the nodes
  kindlab.volumes.cluster_recreate:
    cluster: kind
    path: /srv/backup/kind
    data: archive
    options:
      nodes:
        - role: control-plane
        - role: worker
"""

RETURN = r"""
cluster:
  description: The cluster's name.
  returned: success
  type: str
  sample: lab
begins_with:
  description: Where the run began, or went on - V(save), V(salvage), V(delete) or V(create).
  returned: success
  type: str
  sample: save
resumed:
  description: Whether it went on with what an earlier run had begun.
  returned: success
  type: bool
  sample: false
plan:
  description: The steps, nodes, what becomes of each volume's data, and what is brought to zero meanwhile.
  returned: success
  type: dict
  sample:
    steps: [planned, detached, saved, deleting, deleted, created, provisioned, restored, verified, attached, done]
    nodes: [lab-control-plane, lab-worker]
    volumes:
      - name: pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1
        claim: default/database
        does: its data stays in /srv/lab/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
    owners: [default/Deployment/database]
generation:
  description:
    - The generation of the backup that was restored; in check mode the one that would be.
    - Empty where there are no volumes, and in check mode where they are yet to be saved.
  returned: success
  type: str
  sample: 000001-20261123T065700Z
before:
  description:
    - The old cluster, with its C(nodes), C(images), C(kubernetes_version), C(options), C(storage_classes) and
      C(volumes), as the journal has them, and the C(generation) that was saved.
  returned: success
  type: dict
after:
  description:
    - The new cluster, with C(nodes), C(kubernetes_version), C(storage_classes), and C(volumes) as
      M(kindlab.volumes.volume_restore) returns them. All of them are empty in check mode.
  returned: success
  type: dict
owners:
  description: What used the volumes, as M(kindlab.volumes.volume_detach) returns it.
  returned: success
  type: list
  elements: dict
journal:
  description: The journal's file.
  returned: success
  type: str
  sample: /srv/backup/lab/recreate.jsonl
seconds:
  description: How long each step took, and C(checksums), the part of it that reading all data twice took.
  returned: success
  type: dict
  sample: {look: 0.3, plan: 0.8, detached: 2.5, saved: 1.2, deleted: 2.1, created: 24.0, restored: 2.2, checksums: 1.9}
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import cluster_recreate as action


def main() -> None:
    run_module(action.run, action.ARGUMENTS)


if __name__ == "__main__":
    main()
