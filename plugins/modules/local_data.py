#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: local_data
short_description: Create PersistentVolumes and claims for a host directory, read-only by default
version_added: 0.1.0
description:
  - Creates a PersistentVolume for a host directory, and a claim that is bound to it, for each namespace. The directory
    must be mounted in the nodes, see the mounts of M(kindlab.volumes.kind_cluster).
  - First checks in a node that the user of the pods has the permissions to use the data. If not, the module fails with
    the paths, their owners and modes, and a command that corrects them. Nothing is changed then.
  - The module never writes to the data.
  - Read-only is enforced by an admission policy. Kubernetes alone does not enforce it - with runc 1.2 and later, a pod
    that does not set C(readOnly) in its volume can write through a read-only mount of the node. The policy refuses such
    pods with a message that names the missing field. If a controller creates the pods, the message is in its events.
    RV(pod_volume) contains the field.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
options:
  name:
    description: Name of the claim in each namespace.
    type: str
    required: true
  state:
    description:
      - With V(present), the claim exists in each of O(namespaces). Those in other namespaces are kept.
      - With V(absent), claims and volumes are removed from O(namespaces), or from all namespaces without it. The
        namespaces are kept.
    type: str
    default: present
    choices: [present, absent]
  path:
    description:
      - Path of the directory on the host that runs the cluster. It must exist.
      - Required with O(state=present).
    type: path
  root:
    description:
      - Path of a directory that must contain O(path) after symbolic links have been resolved.
      - If not set, O(path) may be anywhere.
    type: path
  namespaces:
    description:
      - Namespaces of the pods that use the data.
      - Required with O(state=present).
    type: list
    elements: str
  create_namespaces:
    description: Whether to create missing namespaces. Otherwise the module fails if one is missing.
    type: bool
    default: true
  read_only:
    description:
      - Whether pods may only read the data.
      - If V(false), their changes are visible on the host at once, and new files belong to the pods' user.
    type: bool
    default: true
  run_as_user:
    description:
      - User id of the pods, as in their security context. The module checks that this user can use the data.
      - What V(65534) (nobody) can read, every pod can read. V(0) can read everything.
    type: int
    default: 65534
  run_as_group:
    description: Group id of the pods.
    type: int
    default: 65534
  supplemental_groups:
    description: Further group ids of the pods. Their C(fsGroup) is one of these.
    type: list
    elements: int
    default: []
  allow_external_symlinks:
    description:
      - Whether to allow symbolic links in the data that point outside of O(path). Inside a pod, they point to another
        file or to none.
      - Otherwise the module fails with their names.
    type: bool
    default: false
  force:
    description:
      - Whether to remove claims that are in use by pods, with O(state=absent). Kubernetes completes the removal when
        the last of the pods has ended. Otherwise the module fails with the names of the pods.
    type: bool
    default: false
  wait_timeout:
    description: Maximum number of seconds to wait until the claims are bound or deleted.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    details: Checks the data, too, and fails for the same reasons.
notes:
  - Backups of M(kindlab.volumes.volume_backup) do not contain the policy. Run this module again after restoring volumes
    into a new cluster.
seealso:
  - module: kindlab.volumes.kind_cluster
  - module: kindlab.volumes.volume_info
"""

EXAMPLES = r"""
- name: Expose a directory read-only in two namespaces
  kindlab.volumes.local_data:
    cluster: lab
    name: library
    path: ~/library
    namespaces: [web, search]
  register: library

- name: Use the directory in a pod
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

- name: Expose a directory read-write to pods that run as user 1000
  kindlab.volumes.local_data:
    cluster: lab
    name: inbox
    path: ~/inbox
    namespaces: [upload]
    read_only: false
    run_as_user: 1000

- name: Expose only directories below a root
  kindlab.volumes.local_data:
    cluster: lab
    name: dataset
    path: "/srv/datasets/{{ dataset }}"
    root: /srv/datasets
    namespaces: [training]

- name: Remove the claims and volumes from all namespaces; the directory is kept
  kindlab.volumes.local_data:
    cluster: lab
    name: library
    state: absent
"""

RETURN = r"""
volumes:
  description:
    - One entry per namespace. In check mode, as it would be.
    - With O(state=absent), the volumes and claims that existed.
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: Name of the namespace.
      type: str
    claim:
      description: Claim as V(namespace/name).
      type: str
    volume:
      description: Name of the PersistentVolume.
      type: str
    action:
      description:
        - What was done with the volume and the claim.
        - They were created (V(create)), completed after an interrupted run (V(finish)), replaced for another directory
          or mode (V(replace)), left as they are (V(unchanged)) or removed (V(remove)), or were removed earlier and are
          still in use by pods (V(terminating)).
      type: str
    node_directory:
      description: Path of the directory in the nodes.
      type: str
    nodes:
      description: Nodes that mount the directory. Pods that use the claim run on these nodes.
      type: list
      elements: str
    host_directory:
      description: Path of the directory on the host, empty if the nodes no longer mount it.
      type: str
    read_only:
      description: Whether pods may only read the data.
      type: bool
    phase:
      description: Phase of the PersistentVolume, V(Terminating) while it is in use by pods, empty if it was deleted.
      type: str
    claim_phase:
      description: Phase of the claim, likewise.
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
  description: Entry for the C(volumes) of a pod that uses the claim, without its C(name).
  returned: when O(state=present)
  type: dict
  sample: {persistentVolumeClaim: {claimName: library, readOnly: true}}
enforced:
  description:
    - Whether the cluster refuses pods that could write to read-only data, which is verified by a dry run.
    - It is V(false) if O(read_only=false), and with a warning if Kubernetes is older than 1.30.
  returned: when O(state=present)
  type: bool
  sample: true
namespaces:
  description: Namespaces that were created.
  returned: when O(state=present)
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
