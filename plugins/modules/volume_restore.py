#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_restore
short_description: Bring volumes back from a backup, bound to their claims and proved equal
version_added: 0.1.0
description:
  - Restores the volumes of a backup of M(kindlab.volumes.volume_backup) in a kind cluster, the same one or another that
    was created anew, so that each is bound to the claim it had, on the node it was on, with the data it had.
  - The plan is made first, from the backup, the cluster, its nodes' mounts and the data on the host. Unless B(every)
    volume can be restored as it was saved the task fails before anything is changed, with the reasons for each
    volume in RV(ignore:details).
  - Volumes and claims are written as Kubernetes' own controller would bind them, which takes seconds for a thousand of
    them. An interrupted run is completed by running it again.
  - Data comes out of its archive where the volume's directory is missing or empty, never over other data. It goes to
    the directory of the host that this cluster's nodes have there. Where they have none it goes into the volume's node,
    through the engine, and is compared there before it takes its place. A warning tells that it goes with that node.
  - A volume that is bound to its claim already is left as it is, and its data, which may be in use, is not compared.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
  - kindlab.volumes._selection
options:
  path:
    description: The backup's directory on the host that runs the cluster.
    type: path
    required: true
  generation:
    description: Which generation of the backup, by its name or number; the newest without this.
    type: str
  claims:
    description:
      - Whether the claims are restored too, bound to their volumes.
      - Without them each volume waits, available to the claim of the name it had, until somebody applies that claim.
    type: bool
    default: true
  verify:
    description:
      - How the data, on the host or inside a node, is compared with the backup.
      - V(full) compares the content, owner and mode of every file.
      - V(fast) compares size and time of modification instead of the content.
      - V(none) compares nothing; the directory must be there, where it was.
    type: str
    choices: [full, fast, none]
    default: full
  reclaim_policy:
    description:
      - V(keep) leaves restored volumes with the reclaim policy V(Retain), so that no claim's deletion removes data.
      - V(original) gives each volume the policy back that it had before the backup, once all of them are bound.
    type: str
    choices: [keep, original]
    default: keep
  node_map:
    description:
      - The nodes' names in the backup, and what they are called in this cluster.
      - Needed where the cluster has another name, as kind calls its nodes after it.
    type: dict
    default: {}
  namespaces_too:
    description: Whether the namespaces of restored claims are created where they are missing.
    type: bool
    default: true
  storage_classes_too:
    description:
      - Whether the storage classes of restored volumes are created where they are missing.
      - A class that was the default one is restored as such only where the cluster has no default class.
    type: bool
    default: true
  wait_timeout:
    description: How many seconds Kubernetes may take until it shows every volume bound.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
    details: Compares the data too, and fails where the restore would be refused.
  idempotent:
    support: full
    details: Volumes that are bound to their claims are left alone.
seealso:
  - module: kindlab.volumes.volume_backup
  - module: kindlab.volumes.volume_info
"""

EXAMPLES = r"""
- name: Bring everything back after the cluster was created anew
  kindlab.volumes.volume_restore:
    path: /srv/backups/lab
    cluster: lab

- name: See what would happen to each volume, and why
  kindlab.volumes.volume_restore:
    path: /srv/backups/lab
    cluster: lab
  check_mode: true
  register: plan

- name: Bring the volumes back for claims that are applied later, in a cluster of another name
  kindlab.volumes.volume_restore:
    path: /srv/backups/lab
    generation: '3'
    cluster: lab2
    claims: false
    node_map:
      lab-worker: lab2-worker
      lab-worker2: lab2-worker2

- name: Bring one volume back with the reclaim policy it had
  kindlab.volumes.volume_restore:
    path: /srv/backups/lab
    cluster: lab
    names: [default/database]
    reclaim_policy: original
"""

RETURN = r"""
generation:
  description: The backup's generation that was restored.
  returned: success
  type: str
  sample: 000003-20260102T030405Z
volumes:
  description: The volumes of the backup that were asked for, a line each; in check mode as they would be.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The PersistentVolume's name.
      type: str
    claim:
      description: Its claim as V(namespace/name), empty where it had none.
      type: str
    action:
      description:
        - What was done. V(create) makes the volume. V(rebind) takes a volume whose claim is gone for its claim again.
          V(finish) completes an interrupted restore. V(already) leaves it as it is.
      type: str
    why:
      description: What was found, in words.
      type: str
    nodes:
      description: The nodes that its affinity names in this cluster; empty for any node.
      type: list
      elements: str
    node_directory:
      description: Its directory in the node; empty where its source has none.
      type: str
    node:
      description: The node that has its data inside, empty where the host has it.
      type: str
    host_directory:
      description: Its directory on the host; empty where its data is inside a node, or its source has no directory.
      type: str
    phase:
      description: The PersistentVolume's phase at the end.
      type: str
    claim_phase:
      description: The claim's phase at the end, empty where there is no claim.
      type: str
    files:
      description: The number of files in the backup.
      type: int
    digest:
      description: A checksum over all of its content as saved, empty where none was made.
      type: str
    checksum:
      description:
        - V(equal) where the content was compared with the backup, V(sizes and times equal) with O(verify=fast), else
          V(not compared).
      type: str
    reclaim_policy:
      description: The reclaim policy at the end.
      type: str
  sample:
    - name: pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1
      claim: default/database
      action: create
      why: binds to default/database, host directory /srv/lab/pvc-0d4c_default_database there, 3 files, checksum equal
      nodes: [lab-worker]
      node_directory: /var/local-path-provisioner/pvc-0d4c_default_database
      node: ''
      host_directory: /srv/lab/pvc-0d4c_default_database
      phase: Bound
      claim_phase: Bound
      files: 3
      digest: f5720f9e419b3892679fe35bec1d54918dfbdc0e77288b182557c4af3dffab90
      checksum: equal
      reclaim_policy: Retain
namespaces:
  description: The namespaces that were created.
  returned: success
  type: list
  elements: str
  sample: [shop]
storage_classes:
  description: The storage classes that were created.
  returned: success
  type: list
  elements: str
  sample: []
seconds:
  description: How long each phase took; in check mode those that only read.
  returned: success
  type: dict
  contains:
    observe:
      description: Reading the backup, the cluster and its nodes.
      type: float
    compare:
      description: The plan, and the comparison of the data on the host.
      type: float
    extract:
      description: Extracting archives.
      type: float
    write:
      description: Writing volumes and claims.
      type: float
    confirm:
      description: Watching until Kubernetes shows all of them bound and nothing changes any more.
      type: float
  sample: {observe: 0.31, compare: 0.05, extract: 0.0, write: 0.12, confirm: 1.03}
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_restore as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS)


if __name__ == "__main__":
    main()
