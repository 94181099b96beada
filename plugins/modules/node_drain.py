#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: node_drain
short_description: >-
  Drain, cordon or uncordon a node, and show which pods are tied to it by the node affinity of their volumes
version_added: 0.1.0
description:
  - Cordons a node and evicts its pods, as C(kubectl drain) does, and waits until they are gone.
  - The module shows what happens to each pod, in check mode before it happens. A pod whose volume is on this node is
    evicted too, but its replacement is pending until the node is uncordoned. It then finds its data.
  - Sets the reclaim policy V(Retain) first, on every volume of the pods that it evicts, and records the original policy
    in annotations. O(state=uncordoned) sets the original policy again, unless the volume or its claim is being deleted,
    or its claim is gone. A drain that evicts a pod whose volume or claim is being deleted is refused.
  - A node that is not ready is refused if it has pods to evict, because its kubelet does not end them. With
    O(force=true) and O(terminate_grace_period=0) they are deleted from the API server.
  - The module respects disruption budgets. It retries an eviction that a budget does not allow until O(wait_timeout).
    Pods of different budgets are evicted in parallel.
  - Node selectors, node affinity, tolerations and volumes decide whether another node can run a pod. Resource requests
    and affinity between pods are not considered.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
options:
  node:
    description: Name of the node.
    type: str
    required: true
  state:
    description:
      - V(drained) cordons the node and evicts its pods, except static pods and those of a DaemonSet.
      - V(cordoned) makes the node unschedulable and evicts nothing.
      - V(uncordoned) makes the node schedulable.
    type: str
    default: drained
    choices: [drained, cordoned, uncordoned]
  wait_timeout:
    description: Maximum number of seconds to wait until the pods are gone, or until they are ready.
    type: int
    default: 300
  terminate_grace_period:
    description:
      - Number of seconds that each pod has to terminate. Defaults to the pod's own grace period.
      - With V(0) the API server deletes the pod at once, while its containers may run a moment longer.
    type: int
  delete_emptydir_data:
    description:
      - Whether to evict pods with volumes of type C(emptyDir) or C(ephemeral), whose data is deleted.
      - If V(false), the module fails with the list of these pods before it changes anything.
    type: bool
    default: false
  force:
    description:
      - Whether to evict pods without a controller, and pods of a volume provisioner or system pods that no other node
        can run, and whether to drain the only control plane node, or, with O(terminate_grace_period=0), a node that is
        not ready.
      - If V(false), the module fails with the list of these pods before it changes anything.
    type: bool
    default: false
  pod_selectors:
    description:
      - Label selectors that a pod must match to be evicted, for example V(app=web) or V(tier!=cache).
      - An empty list is an error.
    type: list
    elements: str
  on_failure:
    description: >-
      What to do with a node that could not be drained. V(restore) uncordons it if it was schedulable before, but
      evicted pods do not return by themselves. V(keep) leaves it cordoned. A node that is not ready stays cordoned.
    type: str
    default: restore
    choices: [restore, keep]
  volumes:
    description:
      - What to do with volumes whose node affinity names the node. V(keep) leaves them on it, and their pods wait until
        it is uncordoned. V(move) moves them with their data and their pods to O(volumes_node) before the node is
        drained, as M(kindlab.volumes.volume_move) does, so that the node can be removed for good.
      - Used with O(state=drained).
    type: str
    default: keep
    choices: [keep, move]
  volumes_node:
    description: Node that volumes are moved to. Required with O(volumes=move).
    type: str
  wait:
    description:
      - Whether to wait until the pods that were pending for the node are ready. Used with O(state=uncordoned).
      - With O(state=drained) the module always waits until the pods are gone.
    type: bool
    default: true
seealso:
  - module: kindlab.volumes.volume_info
  - module: kubernetes.core.k8s_drain
    description: >-
      Drains nodes of any cluster. In addition, this module predicts in check mode what happens to each pod, refuses
      drains that would lose data or stop the cluster, retries evictions that a disruption budget does not allow yet,
      and restores the node if the drain fails.
"""

EXAMPLES = r"""
- name: Show what would happen to each pod
  kindlab.volumes.node_drain:
    cluster: lab
    node: lab-worker
  check_mode: true
  register: plan

- name: Show the pods that cannot move because of their volumes
  ansible.builtin.debug:
    msg: "{{ plan.pods | selectattr('result', 'eq', 'cannot_move') | map(attribute='why') }}"

- name: Drain the node
  kindlab.volumes.node_drain:
    cluster: lab
    node: lab-worker
    wait_timeout: 120

- name: Drain the node without grace periods and delete the data in emptyDir volumes
  kindlab.volumes.node_drain:
    cluster: lab
    node: lab-worker
    delete_emptydir_data: true
    terminate_grace_period: 0

- name: Empty the node for good
  kindlab.volumes.node_drain:
    cluster: lab
    node: lab-worker
    volumes: move
    volumes_node: lab-worker2

- name: Cordon the node
  kindlab.volumes.node_drain:
    cluster: lab
    node: lab-worker
    state: cordoned

- name: Uncordon the node and wait for the pods that have their volumes on it
  kindlab.volumes.node_drain:
    cluster: lab
    node: lab-worker
    state: uncordoned
"""

RETURN = r"""
node:
  description: Name of the node.
  returned: success
  type: str
  sample: lab-worker
schedulable:
  description: Whether the node is schedulable after the module ran.
  returned: success
  type: bool
  sample: false
pods:
  description:
    - The pods of the node with O(state=drained), the pods that were pending for it with O(state=uncordoned), an empty
      list with O(state=cordoned).
    - If the module fails because pods are still on the node, RV(ignore:details) contains them as C(pods).
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: Namespace of the pod.
      type: str
    name:
      description: Name of the pod.
      type: str
    workload:
      description: The workload that recreates the pod, as C(Kind/name), empty if there is none.
      type: str
    result:
      description:
        - V(evicted), the pod is gone from the node.
        - V(cannot_move), the pod is gone, and its replacement is pending because no other node can run it.
        - V(blocked), a disruption budget does not allow its eviction.
        - V(daemon), the pod belongs to a DaemonSet and was not evicted.
        - V(left), the pod was not evicted for the reason in C(why).
        - V(waiting), the pod is pending for this node.
        - V(returned), the pod was pending for this node and runs on it.
      type: str
    why:
      description: The reason of the result, empty if there is none.
      type: str
    other_nodes:
      description: Schedulable nodes that can run the pod.
      type: list
      elements: str
    volumes:
      description: The persistent volumes of the pod.
      type: list
      elements: dict
      contains:
        volume:
          description: Name of the volume.
          type: str
        claim:
          description: The claim as C(namespace/name).
          type: str
        nodes:
          description: The nodes that can mount the volume, empty for all.
          type: list
          elements: str
  sample:
    - namespace: default
      name: test-7b474f66b9-z4rnn
      workload: Deployment/test
      result: cannot_move
      why: >-
        its claim default/test (volume pvc-085a036c-56f5-4dd8-a6d2-1c86c0f19730) is on lab-worker: its replacement waits
        until lab-worker is schedulable
      other_nodes: []
      volumes:
        - volume: pvc-085a036c-56f5-4dd8-a6d2-1c86c0f19730
          claim: default/test
          nodes: [lab-worker]
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
      description: The claim as C(namespace/name).
      type: str
    before:
      description: The reclaim policy before the module ran.
      type: str
    after:
      description: The reclaim policy after the module ran.
      type: str
  sample:
    - name: pvc-085a036c-56f5-4dd8-a6d2-1c86c0f19730
      claim: default/test
      before: Delete
      after: Retain
moved_volumes:
  description: The volumes that were moved, as M(kindlab.volumes.volume_move) returns them.
  returned: with O(volumes=move) and O(state=drained)
  type: list
  elements: dict
  sample:
    - name: database
      claim: shop/database
      action: move
      nodes_before: [lab-worker]
      nodes: [lab-worker2]
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import node_drain as action


def main() -> None:
    run_module(action.run, action.ARGUMENTS, others=action.OTHERS)


if __name__ == "__main__":
    main()
