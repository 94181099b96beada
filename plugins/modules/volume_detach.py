#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_detach
short_description: Bring what uses volumes to zero and prove that they are free, or give it back what it had
version_added: 0.1.0
description:
  - Finds what makes the pods that use the chosen volumes, or would make such pods - Deployments, StatefulSets,
    ReplicaSets, ReplicationControllers, DaemonSets, Jobs and CronJobs. Brings all of it to zero side by side, and
    waits until the pods are gone.
  - Replica counts, what was suspended, and a StatefulSet's C(whenScaled) policy are remembered in a label of each
    owner, written together with the change itself, so that an interruption loses nothing.
    M(kindlab.volumes.volume_backup) keeps the owners with what they had before.
  - Then proves that the volumes are free. No pod uses one, no helper pod of a provisioner works on one, no
    VolumeAttachment names one, and in no node container any process has a mount, an open file or its working directory
    in one. Each node is looked into once, for all volumes.
  - Nothing that the owners refer to is touched. A disruption budget is no matter here, as it limits evictions only.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
  - kindlab.volumes._selection
options:
  state:
    description:
      - With V(detached) nothing uses the volumes. The module fails, naming what holds them, where O(timeout) does not
        suffice; what was brought to zero by then stays there, and another run goes on.
      - With V(attached) every owner has again what it had, or keeps what somebody gave it since; those of O(path) are
        made where they are missing.
    type: str
    default: detached
    choices: [detached, attached]
  path:
    description:
      - A backup directory, as M(kindlab.volumes.volume_backup) wrote it, for O(state=attached) in a cluster that was
        created again. Owners that are there are left as they are, unless this module brought them to zero.
      - What owners refer to (ConfigMaps, Secrets, Services, service accounts) is not in a backup.
    type: path
  generation:
    description: The generation of the backup, by its directory's name or number; the newest without this.
    type: str
  unmanaged:
    description:
      - What becomes of pods that use the volumes and that nothing known here makes again, or something that is not
        known here. With V(refuse) the module fails with the list, before it changes anything. With V(delete) they are
        deleted, once.
      - Static pods are always refused.
    type: str
    default: refuse
    choices: [refuse, delete]
  timeout:
    description: Seconds that everything may take together.
    type: int
    default: 300
  wait:
    description: With O(state=attached), whether to wait until the pods are ready.
    type: bool
    default: false
notes:
  - Volumes whose claims come and go with a pod (generic ephemeral volumes) are left out, with a warning.
  - Something that scales by itself, as an operator may, can bring back what was brought to zero. The proof shows it.
seealso:
  - module: kindlab.volumes.volume_backup
  - module: kindlab.volumes.kind_cluster
  - module: kindlab.volumes.node_drain
"""

EXAMPLES = r"""
- name: See what would be brought to zero
  kindlab.volumes.volume_detach:
    cluster: lab
  check_mode: true
  diff: true

- name: Free all volumes
  kindlab.volumes.volume_detach:
    cluster: lab
    timeout: 120

- name: Free those of one namespace, whatever pods there are
  kindlab.volumes.volume_detach:
    cluster: lab
    namespaces: [shop]
    unmanaged: delete

- name: Give everything back what it had
  kindlab.volumes.volume_detach:
    cluster: lab
    state: attached
    wait: true

- name: The same in the cluster that was created again, once its volumes are restored
  kindlab.volumes.volume_detach:
    cluster: lab
    state: attached
    path: /srv/backup/lab
"""

RETURN = r"""
owners:
  description: What makes pods with these volumes.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Its kind.
      type: str
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
    had:
      description: What it had before it was brought to zero - C(replicas), C(suspend), or C(scheduled) of a DaemonSet.
      type: dict
    has:
      description: What it has now, or in check mode would have.
      type: dict
    result:
      description: V(detached), V(attached), V(created) or V(unchanged).
      type: str
  sample:
    - kind: StatefulSet
      namespace: default
      name: database
      had:
        replicas: 3
      has:
        replicas: 0
      result: detached
volumes:
  description:
    - The volumes by name. In check mode what would still hold them when the pods are gone.
    - Where the module fails, those that are held are found in RV(ignore:details).
  returned: with state=detached
  type: list
  elements: dict
  contains:
    name:
      description: The PersistentVolume's name.
      type: str
    claim:
      description: Its claim as V(namespace/name), empty where it has none.
      type: str
    state:
      description: V(free) or V(held).
      type: str
    held_by:
      description: What holds it.
      type: list
      elements: dict
      contains:
        why:
          description: What it has of the volume.
          type: str
        node:
          description: The node.
          type: str
        pod:
          description: The pod as V(namespace/name), empty for none.
          type: str
        process:
          description: The process, empty where the API server knows it.
          type: str
        pid:
          description: Its number in the node, 0 for none.
          type: int
        text:
          description: All of it as a part of a sentence.
          type: str
  sample:
    - name: pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1
      claim: default/data-database-0
      state: free
      held_by: []
deleted_pods:
  description: Pods that were deleted, as O(unmanaged=delete) asks.
  returned: with state=detached
  type: list
  elements: str
  sample: []
seconds:
  description: How long each phase took.
  returned: success
  type: dict
  sample:
    observe: 0.08
    stop: 0.05
    wait: 2.1
    prove: 0.25
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_detach as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS)


if __name__ == "__main__":
    main()
