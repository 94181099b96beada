#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: node_drain
short_description: Drain a node, or make it schedulable again, and know which pods their volumes hold there
version_added: 0.1.0
description:
  - Makes a node unschedulable and evicts its pods, as C(kubectl drain) does, side by side and until they are gone.
  - Says of each pod what becomes of it, in check mode beforehand - above all which pods can't move, because a volume of
    theirs is on this node. Such a pod is evicted too. Its replacement waits until the node is schedulable again, and
    then finds its data.
  - Disruption budgets are kept. An eviction that one of them does not allow is tried again until O(timeout).
  - Whether another node can take a pod is told from its node selector, node affinity, tolerations and volumes. Room
    (cpu, memory) and rules between pods are not looked at.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._api
options:
  node:
    description: The name of the node.
    type: str
    required: true
  state:
    description:
      - With V(drained) the node is unschedulable, and only pods of a DaemonSet and static pods are left on it.
      - With V(schedulable) pods may come to the node again.
    type: str
    default: drained
    choices: [drained, schedulable]
  cluster:
    description: The name of the kind cluster.
    type: str
    default: kind
  timeout:
    description: Seconds that everything may take together - evictions, budgets, and pods that end or come back.
    type: int
    default: 300
  terminate_grace_period:
    description:
      - Seconds that each pod has to end by itself, instead of what it says itself.
      - V(0) means none at all. The API then forgets the pod at once, while its containers may run a moment longer.
    type: int
  delete_emptydir_data:
    description:
      - Whether pods are evicted although data goes with them, in volumes of type C(emptyDir) or C(ephemeral).
      - Without this the module fails before it changes anything, with the list.
    type: bool
    default: false
  force:
    description:
      - Whether pods are evicted that nothing makes again.
      - Also, whether the only control plane node is drained, or a node that holds the provisioner of volumes or a part
        of Kubernetes which no other node can take.
      - Without this the module fails before it changes anything, with the list.
    type: bool
    default: false
  pod_selector:
    description: A label selector, e.g. V(app=web,tier!=cache). Other pods stay where they are.
    type: str
  on_failure:
    description:
      - What becomes of a node that could not be drained. With V(restore) it is schedulable if it was before; what was
        evicted by then does not come back by itself. With V(keep) it stays unschedulable.
      - Without effect for O(state=schedulable).
    type: str
    default: restore
    choices: [restore, keep]
  wait:
    description:
      - With O(state=schedulable), whether to wait until the pods that waited for this node run on it.
      - With O(state=drained) the module always waits until the pods are gone.
    type: bool
    default: true
seealso:
  - module: kindlab.volumes.volume_info
  - module: kubernetes.core.k8s_drain
"""

EXAMPLES = r"""
- name: See what would become of each pod
  kindlab.volumes.node_drain:
    cluster: lab
    node: lab-worker
  check_mode: true
  register: plan

- name: Name those that can't move, and the volumes that hold them
  ansible.builtin.debug:
    msg: "{{ plan.pods | selectattr('result', 'eq', 'cannot_move') | map(attribute='why') }}"

- name: Drain it
  kindlab.volumes.node_drain:
    cluster: lab
    node: lab-worker
    timeout: 120

- name: Drain it, whatever is lost in emptyDir volumes, and give nobody time
  kindlab.volumes.node_drain:
    cluster: lab
    node: lab-worker
    delete_emptydir_data: true
    terminate_grace_period: 0

- name: Make it schedulable, and wait for the pods that have their volumes on it
  kindlab.volumes.node_drain:
    cluster: lab
    node: lab-worker
    state: schedulable
"""

RETURN = r"""
node:
  description: The name of the node.
  returned: success
  type: str
  sample: lab-worker
schedulable:
  description: Whether pods may come to the node, now or, in check mode, then.
  returned: success
  type: bool
  sample: false
pods:
  description:
    - With O(state=drained) every pod of the node, with O(state=schedulable) those that waited for it.
    - In check mode what would become of them. Where the module fails it is found in RV(ignore:details).
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: The pod's namespace.
      type: str
    name:
      description: The pod's name.
      type: str
    owner:
      description: What makes the pod again, as C(Kind/name); empty if nothing does.
      type: str
    result:
      description:
        - V(evicted), it is gone from the node.
        - V(cannot_move), it is gone too, and its replacement waits for this node, because no other one can take it.
        - V(blocked), a disruption budget does not let it go.
        - V(daemon), it belongs to a DaemonSet and stays.
        - V(left), it stays for the reason in C(why).
        - V(waiting), it waits for this node; V(returned), it waited and runs on it again.
      type: str
    why:
      description: The reason, where there is one to tell.
      type: str
    other_nodes:
      description: Schedulable nodes that could take it.
      type: list
      elements: str
    volumes:
      description: The persistent volumes that it uses.
      type: list
      elements: dict
      contains:
        volume:
          description: The name of the volume.
          type: str
        claim:
          description: The claim, as C(namespace/name).
          type: str
        nodes:
          description: The nodes that can have the volume; empty for all.
          type: list
          elements: str
  sample:
    - namespace: default
      name: test-7b474f66b9-z4rnn
      owner: Deployment/test
      result: cannot_move
      why: >-
        its volume pvc-085a036c-56f5-4dd8-a6d2-1c86c0f19730 (claim default/test) is on lab-worker: its replacement waits
        until lab-worker is schedulable
      other_nodes: []
      volumes:
        - volume: pvc-085a036c-56f5-4dd8-a6d2-1c86c0f19730
          claim: default/test
          nodes: [lab-worker]
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import node_drain as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS)


if __name__ == "__main__":
    main()
