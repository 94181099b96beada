#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: local_data
short_description: Give pods a directory of the host with its data, read-only unless asked otherwise
version_added: 0.1.0
description:
  - Makes a volume of a directory on the host, with a claim that is bound to it, in each of the namespaces. The
    directory must be mounted in the nodes, see the mounts of M(kindlab.volumes.kind_cluster).
  - Whether pods could use the data is checked first, in a node, as the user that they have. Where they could not, the
    task fails with the entries, their owners and modes, and the command that would mend it. Nothing is changed then.
  - The data itself is never written to by this module - not when it is exposed, and not when it is withdrawn.
  - Read-only means that no pod writes. Kubernetes alone does not keep it so - with runc 1.2 and later a pod that does
    not say C(readOnly) in its own volume writes through any read-only mount of the node. So a policy of the cluster
    refuses such pods, and tells the words that they need - where a ReplicaSet or the like makes the pods, in its
    events. RV(pod_volume) has these words.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
options:
  name:
    description: The name of the claim in each namespace.
    type: str
    required: true
  state:
    description:
      - With V(present) each of O(namespaces) has the claim; other namespaces that have it keep theirs.
      - With V(absent) claims and volumes are removed, from O(namespaces) or from all. The namespaces themselves stay.
    type: str
    default: present
    choices: [present, absent]
  cluster:
    description: The name of the kind cluster.
    type: str
    default: kind
  path:
    description:
      - The directory on the host that runs the cluster. It is not made where it does not exist.
      - Required with O(state=present).
    type: path
  root:
    description:
      - A directory that O(path) must lie in once symbolic links in it are followed.
      - Without it the path may lead anywhere.
    type: path
  namespaces:
    description:
      - The namespaces whose pods get the data.
      - Required with O(state=present).
    type: list
    elements: str
  namespaces_too:
    description: Whether namespaces are created where they are missing.
    type: bool
    default: true
  read_only:
    description:
      - Whether pods may only read.
      - Otherwise they may write, too, and what they write is on the host at once, with their user as its owner.
    type: bool
    default: true
  run_as_user:
    description:
      - The user that the pods have, as in their security context. Whether it can use the data is checked.
      - V(65534) stands for anybody - what that user can read, every pod can. V(0) can read everything.
    type: int
    default: 65534
  run_as_group:
    description: The group that the pods have.
    type: int
    default: 65534
  supplemental_groups:
    description: Further groups that the pods have. Their C(fsGroup) is one of these.
    type: list
    elements: int
    default: []
  outside_links:
    description:
      - What is done about symbolic links in the data that lead out of O(path), where pods can't follow.
      - V(refuse) fails with their names. V(allow) leaves them to lead wherever they do inside a pod.
    type: str
    default: refuse
    choices: [refuse, allow]
  force:
    description:
      - With O(state=absent), whether claims are removed that pods use. Kubernetes completes that when the last of the
        pods ends. Without this the task fails with the pods' names.
    type: bool
    default: false
  wait_timeout:
    description: Seconds that claims may take to be bound, or to go.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    details: Looks at the data too, and fails where it would be refused.
notes:
  - The policy is not in a backup of M(kindlab.volumes.volume_backup). Run this again behind a restore in a new cluster.
seealso:
  - module: kindlab.volumes.kind_cluster
  - module: kindlab.volumes.volume_info
"""

EXAMPLES = r"""
- name: Give the pods of two namespaces a directory to read
  kindlab.volumes.local_data:
    cluster: lab
    name: library
    path: ~/library
    namespaces: [web, search]
  register: library

- name: Use it in a pod
  kubernetes.core.k8s:
    kubeconfig: ~/.kube/kind-lab.yaml
    definition:
      apiVersion: v1
      kind: Pod
      metadata:
        name: reader
        namespace: web
      spec:
        securityContext:
          runAsUser: 1000
        containers:
          - name: reader
            image: busybox:stable
            command: [ls, -lR, /library]
            volumeMounts:
              - name: library
                mountPath: /library
        volumes:
          - "{{ {'name': 'library'} | combine(library.pod_volume) }}"

- name: Let the pods of one namespace write, all of them as user 1000
  kindlab.volumes.local_data:
    cluster: lab
    name: inbox
    path: ~/inbox
    namespaces: [upload]
    read_only: false
    run_as_user: 1000

- name: Expose only what lies below one directory, wherever links lead
  kindlab.volumes.local_data:
    cluster: lab
    name: dataset
    path: "/srv/datasets/{{ dataset }}"
    root: /srv/datasets
    namespaces: [training]

- name: Withdraw it from all namespaces; the directory stays as it is
  kindlab.volumes.local_data:
    cluster: lab
    name: library
    state: absent
"""

RETURN = r"""
volumes:
  description:
    - The volumes, a line for each namespace; in check mode as they would be.
    - With O(state=absent) those that were there.
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: The namespace.
      type: str
    claim:
      description: The claim as V(namespace/name).
      type: str
    volume:
      description: The PersistentVolume's name.
      type: str
    action:
      description:
        - What was done. V(create) makes volume and claim. V(finish) completes what was interrupted or partly removed.
          V(replace) makes them anew for another directory or mode. V(already) leaves them as they are. V(remove)
          removes them. V(leaving) waits for the pods that use them, after an earlier removal.
      type: str
    node_directory:
      description: The directory inside the nodes.
      type: str
    nodes:
      description: The nodes that have it, and so the nodes where pods that use the claim run.
      type: list
      elements: str
    host_directory:
      description: The directory on the host; empty where the nodes don't have it any more.
      type: str
    read_only:
      description: Whether pods may only read.
      type: bool
    phase:
      description: The PersistentVolume's phase at the end, V(Terminating) while pods hold it, empty where it is gone.
      type: str
    claim_phase:
      description: The claim's phase at the end, likewise.
      type: str
  sample:
    - namespace: web
      claim: web/library
      volume: web.library
      action: create
      node_directory: /mnt/local-data
      nodes: [lab-control-plane, lab-worker, lab-worker2]
      host_directory: /home/user/library
      read_only: true
      phase: Bound
      claim_phase: Bound
pod_volume:
  description: How a pod uses the claim - an entry of its C(volumes), but for the name that the pod calls it.
  returned: with O(state=present)
  type: dict
  sample: {persistentVolumeClaim: {claimName: library, readOnly: true}}
guarded:
  description:
    - Whether the cluster refuses pods that could write to read-only data; asked of its API server by a dry run.
    - It is V(false) with O(read_only=false), and with a Kubernetes before 1.30, where a warning says what that means.
  returned: with O(state=present)
  type: bool
  sample: true
namespaces:
  description: The namespaces that were created.
  returned: with O(state=present)
  type: list
  elements: str
  sample: [search]
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import local_data as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS, **action.RULES)


if __name__ == "__main__":
    main()
