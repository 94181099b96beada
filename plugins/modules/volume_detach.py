#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_detach
short_description: >-
  Scale down workloads that use PersistentVolumes and verify that the volumes are unused, or scale the workloads back up
version_added: 0.1.0
description:
  - Scales Deployments, StatefulSets, ReplicaSets, ReplicationControllers and DaemonSets to zero and suspends Jobs and
    CronJobs whose pods use the selected PersistentVolumes, or would use them. Then verifies that nothing uses these
    volumes any more. With O(state=attached), scales the workloads back up and resumes the jobs.
  - Sets the reclaim policy V(Retain) first, on every volume whose pods it stops, and records the original policy in
    annotations. O(state=attached) sets the original policy again, unless the volume or its claim is being deleted, or
    its claim is gone. A volume or claim that is being deleted is refused.
  - A workload that the API server would not scale down, for example because of an admission webhook that does not
    answer, is refused before anything is changed.
  - After the workloads were scaled down, the module looks again for Jobs and pods that were started meanwhile, and
    stops these too. If somebody else, for example an operator, scales a workload up again, the module fails at once and
    names it. Workloads that were at zero before stay at zero with O(state=attached).
  - The replica count, the suspend flag and the C(whenScaled) policy of a StatefulSet are recorded in a label of each
    workload, in the same write that scales it down, so that an interrupted run loses nothing.
    M(kindlab.volumes.volume_backup) saves workloads with the recorded values.
  - A volume is free when no pod uses it, no helper pod of a provisioner works on it, no VolumeAttachment names it, and
    no process in any node container has a mount, an open file or its working directory in it. Each node is probed once
    for all volumes, also nodes of other clusters of the same container engine that have their directories mounted.
  - ConfigMaps, Secrets and other objects that workloads refer to are not changed. Disruption budgets do not apply, as
    they limit evictions only.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
  - kindlab.volumes._selection
options:
  state:
    description:
      - V(detached) scales workloads down. The module fails with the list of users if volumes are still in use after
        O(wait_timeout). The workloads stay at zero, and another run continues.
      - V(attached) scales workloads back up. A workload that was scaled up since keeps its replica count. The workloads
        in O(path) are created if they do not exist. Those that M(kindlab.volumes.volume_restore) with
        C(existing=replace) stopped stay at zero, with a warning, if it was interrupted and their data is not whole.
    type: str
    default: detached
    choices: [detached, attached]
  path:
    description:
      - Path of a backup that M(kindlab.volumes.volume_backup) wrote. Used with O(state=attached), in a cluster that was
        recreated. Existing workloads are not changed, unless this module scaled them down.
      - Backups do not contain the objects that workloads refer to (ConfigMaps, Secrets, Services, ServiceAccounts).
    type: path
  generation:
    description: Name or number of the backup's generation. Defaults to the newest one.
    type: str
  unmanaged:
    description:
      - What to do with pods that use the volumes and have no controller, or one that this module cannot scale. With
        V(refuse) the module fails before it changes anything. With V(delete) it deletes the pods.
      - A StatefulSet or another workload that an object of an unknown kind controls, such as the resource of an
        operator, is refused with V(refuse) and scaled to zero with V(delete).
      - Static pods are always refused.
    type: str
    default: refuse
    choices: [refuse, delete]
  wait_timeout:
    description: Maximum number of seconds to wait until the volumes are unused, or until the pods are ready.
    type: int
    default: 300
  wait:
    description:
      - Whether to wait until the pods are ready, with O(state=attached). The module fails as soon as it is known that a
        pod cannot start without a change, for example because of a missing ConfigMap, and names pod and reason.
      - If V(false), what is known when the workloads have been scaled up is a warning. For workloads that are created
        from O(path) it waits up to three seconds to find out.
    type: bool
    default: false
notes:
  - PersistentVolumes of generic ephemeral volumes are deleted with their pods. These pods are stopped too, but the
    policy of such a volume is not changed.
  - A HorizontalPodAutoscaler does not act on a workload with zero replicas.
  - A pod that mounts a directory above a volume, such as a monitoring agent with the root of the node, uses the volume
    only if a process of it has a file open there or works in it.
seealso:
  - module: kindlab.volumes.volume_backup
  - module: kindlab.volumes.kind_cluster
  - module: kindlab.volumes.node_drain
  - module: kubernetes.core.k8s_scale
"""

EXAMPLES = r"""
- name: Show which workloads would be scaled down
  kindlab.volumes.volume_detach:
    cluster: lab
  check_mode: true
  diff: true

- name: Detach all volumes
  kindlab.volumes.volume_detach:
    cluster: lab
    wait_timeout: 120

- name: Detach the volumes of one namespace and delete pods without a controller
  kindlab.volumes.volume_detach:
    cluster: lab
    namespaces: [shop]
    unmanaged: delete

- name: Scale everything back up
  kindlab.volumes.volume_detach:
    cluster: lab
    state: attached
    wait: true

- name: Create the workloads of a backup after its volumes were restored in a new cluster
  kindlab.volumes.volume_detach:
    cluster: lab
    state: attached
    path: /srv/backup/lab
"""

RETURN = r"""
workloads:
  description: The workloads that use the volumes.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the workload.
      type: str
    namespace:
      description: Namespace of the workload.
      type: str
    name:
      description: Name of the workload.
      type: str
    before:
      description: V(replicas), V(suspend), or V(scheduled) of a DaemonSet, before it was scaled down.
      type: dict
    after:
      description: The same fields after the module ran.
      type: dict
    result:
      description: V(detached), V(attached), V(created) or V(unchanged).
      type: str
  sample:
    - kind: StatefulSet
      namespace: default
      name: database
      before: {replicas: 3}
      after: {replicas: 0}
      result: detached
reclaim_policies:
  description: The volumes whose reclaim policy was changed.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the PersistentVolume.
      type: str
    claim:
      description: The claim as V(namespace/name).
      type: str
    before:
      description: The reclaim policy before the module ran.
      type: str
    after:
      description: The reclaim policy after the module ran.
      type: str
  sample:
    - name: pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1
      claim: default/data-database-0
      before: Delete
      after: Retain
volumes:
  description:
    - The selected volumes. In check mode, their users after the workloads were scaled down.
    - If the module fails because volumes are in use, RV(ignore:details) contains these.
  returned: when O(state=detached)
  type: list
  elements: dict
  contains:
    name:
      description: Name of the PersistentVolume.
      type: str
    claim:
      description: The claim as V(namespace/name), empty if there is none.
      type: str
    ephemeral:
      description: Whether it is a generic ephemeral volume, which is deleted with its pod.
      type: bool
    state:
      description: V(free) or V(in use).
      type: str
    in_use_by:
      description: The users of the volume.
      type: list
      elements: dict
      contains:
        why:
          description: How it uses the volume.
          type: str
        node:
          description: Name of the node.
          type: str
        pod:
          description: The pod as V(namespace/name), empty if there is none.
          type: str
        process:
          description: Name of the process, empty if the API server reported the user.
          type: str
        pid:
          description: Process ID in the node, V(0) if there is none.
          type: int
        text:
          description: All of this in one sentence.
          type: str
  sample:
    - name: pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1
      claim: default/data-database-0
      ephemeral: false
      state: free
      in_use_by: []
deleted_pods:
  description: The pods that were deleted because of O(unmanaged=delete).
  returned: when O(state=detached)
  type: list
  elements: str
  sample: []
seconds:
  description: Duration of each phase in seconds.
  returned: success
  type: dict
  sample: {observe: 0.08, scale_down: 0.05, wait: 2.1, verify: 0.25}
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_detach as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS)


if __name__ == "__main__":
    main()
