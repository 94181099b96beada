#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_provisioner
short_description: Make or remove what makes volumes in a kind cluster
version_added: 0.1.0
description:
  - Runs one provisioner, with its storage class, in place of the one that kind brings or that was asked for before.
  - With O(state=present) it returns when a claim would be served - the program runs with this configuration, no other
    one of the same driver is left, and the class is there.
  - Volumes that exist keep their directory and their own reclaim policy, whatever is changed here. What never
    changes in a storage class (its reclaim policy, binding mode and provisioner) is changed by making the class anew.
  - A provisioner whose last class is taken over is removed. That is refused, with the list, while volumes with reclaim
    policy Delete would be left to nobody, or claims wait for it.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
options:
  name:
    description:
      - The provisioner.
      - V(local_path) is rancher's local-path-provisioner, which kind brings too. A volume is a directory of one node,
        and its pods stay on that node.
      - V(local_path_shared) is the same program with one directory for all nodes. A volume has no node affinity, its
        pods may run on any node, on several at once too (ReadWriteMany). It takes the place of V(local_path) and the
        other way round.
      - V(hostpath) makes such volumes with a small program of this collection, which needs no helper pods. It has
        replicas, one of which is at work. Its image is in node images that the role
        P(kindlab.volumes.node_image#role) builds.
      - For the last two O(node_path) has to be the same directory in all nodes, which a mount of
        M(kindlab.volumes.kind_cluster) makes it. Kubernetes does not keep the pods of two nodes from writing to a
        ReadWriteOnce volume of theirs at the same time; ReadWriteOncePod does.
    type: str
    default: local_path
    choices: [local_path, local_path_shared, hostpath]
  state:
    description:
      - With V(present) the provisioner serves claims of O(storage_class). Any other Deployment of the same driver,
        kind's own too, is replaced or removed first, because two of them would race for each claim.
      - With V(absent) every Deployment and storage class of this driver is removed, whoever made them, with what
        belongs to them. A namespace is removed if it was made here and nothing else is in it.
      - With V(rendered) nothing is asked of a cluster. What V(present) would make in a new one is written to O(dest),
        for a cluster that is born with it.
    type: str
    default: present
    choices: [present, absent, rendered]
  dest:
    description:
      - The file for O(state=rendered), from / on; directories above it are made.
      - kind applies C(/kind/manifests/default-storage.yaml) of the first control plane when it creates a cluster. Mount
        the file over that, and the cluster has this provisioner instead of kind's own from the beginning.
    type: path
  cluster:
    description: The name of the kind cluster.
    type: str
    default: kind
  namespace:
    description:
      - Where the provisioner runs; created if it is not there.
      - Without it V(local-path-storage), as kind has it, and for V(hostpath) V(hostpath-storage).
    type: str
  storage_class:
    description:
      - The storage class of the provisioner. Its other classes stay, but not as the default.
      - Paths, images and numbers belong to the provisioner, so they are the same for all its classes - name them again
        with each class.
    type: str
    default: standard
  default_class:
    description:
      - Whether claims that name no class get this one. There is exactly one default class then.
      - Another class of a provisioner of this module is demoted; for one of somebody else see O(replace_default).
    type: bool
    default: true
  replace_default:
    description:
      - Whether a class of somebody else's provisioner gives way, by being demoted where it is the default, or by being
        replaced where it has the name of O(storage_class). Without this the module fails before it changes anything.
    type: bool
    default: false
  reclaim_policy:
    description: What happens to the data of volumes made from now on when their claim is deleted.
    type: str
    default: Delete
    choices: [Delete, Retain]
  binding_mode:
    description:
      - When a claim gets its volume.
      - V(local_path) can't serve V(Immediate), as it needs a pod's node; the others can.
    type: str
    default: WaitForFirstConsumer
    choices: [WaitForFirstConsumer, Immediate]
  node_path:
    description:
      - The directory in every node under which volumes are made.
      - If neither this nor O(paths) is given V(/var/local-path-provisioner), as kind has it, and for V(hostpath)
        V(/tmp/hostpath-provisioner), which goes with the node's restart unless it is a host directory.
      - Data survives the cluster where it is a host directory, see the mounts of M(kindlab.volumes.kind_cluster).
    type: str
  paths:
    description: The directories per node, instead of O(node_path). For V(local_path); the others have one directory.
    type: list
    elements: dict
    suboptions:
      node:
        description: The node's name; without it the entry is for all nodes that have none of their own.
        type: str
      paths:
        description: Directories, of which each volume takes one at random. An empty list means no volumes on this node.
        type: list
        elements: str
        required: true
  image:
    description:
      - The provisioner's image.
      - Without it, the one that the cluster's current provisioner runs, else a C(local-path-provisioner) which all
        nodes have, else V(rancher/local-path-provisioner:v0.0.30). So a cluster without a registry needs no option.
      - With O(state=rendered) no node can be asked - name the images that they will have.
      - For V(hostpath) a C(hostpath-provisioner), else V(kindlab/hostpath-provisioner:v13.0.0), which no registry has.
      - An image of the current provisioner that does not run and that no node has is not kept.
    type: str
  helper_image:
    description:
      - The image of the short pods that make and remove directories; it needs a shell, C(mkdir) and C(rm).
      - Without it, the one that the current provisioner uses, else a C(local-path-helper) or C(busybox) which all nodes
        have, else V(busybox:1.37).
      - V(hostpath) has none.
    type: str
  replicas:
    description:
      - How many pods of V(hostpath), of which one is at work and the others take over; 3 if not given.
      - V(local_path) and V(local_path_shared) have one.
    type: int
  worker_threads:
    description: How many volumes are made or removed at once; 4 if not given.
    type: int
  provisioning_retries:
    description: How often a failed volume is tried again, 0 for ever; 15 if not given.
    type: int
  deletion_retries:
    description: How often a failed removal is tried again, 0 for ever; 15 if not given.
    type: int
  helper_timeout:
    description: Seconds that a helper pod may take; 120 if not given. V(hostpath) has none.
    type: int
  check_shared:
    description:
      - Whether V(local_path_shared) and V(hostpath) are refused where the directory is not the same in all nodes.
      - A file is written through one node, looked for through all others, and removed. Not in check mode, and not
        where the containers of the nodes are on another host, of which a warning tells.
    type: bool
    default: true
  wait_timeout:
    description: Seconds that the old provisioner may take to end, and the new one to serve.
    type: int
    default: 120
  force:
    description:
      - Whether the provisioner is removed, or gives way to another one, although volumes with reclaim policy Delete
        have a claim, or claims wait for a volume. Such volumes and their data stay where they are.
    type: bool
    default: false
seealso:
  - module: kindlab.volumes.kind_cluster
  - module: kindlab.volumes.kind_image
  - module: kindlab.volumes.volume_info
"""

EXAMPLES = r"""
- name: Keep the data when a claim is deleted
  kindlab.volumes.storage_provisioner:
    cluster: lab
    reclaim_policy: Retain

- name: Make volumes on a disk of their own on one node, and none on the control plane
  kindlab.volumes.storage_provisioner:
    cluster: lab
    paths:
      - paths: [/var/local-path-provisioner]
      - node: lab-worker2
        paths: [/srv/fast]
      - node: lab-control-plane
        paths: []

- name: Offer a second class beside the default one
  kindlab.volumes.storage_provisioner:
    cluster: lab
    storage_class: kept
    default_class: false
    reclaim_policy: Retain

- name: Let pods move with their data between nodes that have this directory in common
  kindlab.volumes.storage_provisioner:
    cluster: lab
    name: local_path_shared
    node_path: /var/local-path-provisioner
    binding_mode: Immediate

- name: Write what a cluster is to be born with
  kindlab.volumes.storage_provisioner:
    name: hostpath
    state: rendered
    dest: /srv/lab/default-storage.yaml
    image: "{{ kindlab_hostpath_image }}"
    reclaim_policy: Retain

- name: Create the cluster with it
  kindlab.volumes.kind_cluster:
    name: lab
    image: "{{ kindlab_node_image }}"
    workers: 2
    mounts:
      - host_path: /srv/lab/volumes
        node_path: /tmp/hostpath-provisioner
      - host_path: /srv/lab/default-storage.yaml
        node_path: /kind/manifests/default-storage.yaml
        create: false
        read_only: true
        roles: [control-plane]

- name: Wait until it serves; nothing is changed
  kindlab.volumes.storage_provisioner:
    cluster: lab
    name: hostpath
    reclaim_policy: Retain

- name: Remove it
  kindlab.volumes.storage_provisioner:
    cluster: lab
    state: absent
"""

RETURN = r"""
provisioner:
  description: What serves the class, as it is, or as it would be after check mode.
  returned: unless O(state=absent)
  type: dict
  contains:
    name:
      description: The provisioner's name in this collection.
      type: str
    driver:
      description: What storage classes and volumes call it.
      type: str
    namespace:
      description: Where it runs.
      type: str
    deployment:
      description: The Deployment that runs it.
      type: str
    image:
      description: The image that it runs.
      type: str
    helper_image:
      description: The image of its helper pods, empty where it has none.
      type: str
    replicas:
      description: How many pods it has.
      type: int
    paths:
      description: The directories per node; an empty C(node) stands for all others.
      type: list
      elements: dict
    storage_class:
      description: The class.
      type: str
    default_class:
      description: Whether claims that name no class get this one.
      type: bool
    reclaim_policy:
      description: The reclaim policy of new volumes.
      type: str
    binding_mode:
      description: When a claim gets its volume.
      type: str
  sample:
    name: local_path
    driver: rancher.io/local-path
    namespace: local-path-storage
    deployment: local-path-provisioner
    image: rancher/local-path-provisioner:v0.0.30
    helper_image: busybox:1.37
    replicas: 1
    paths:
      - node: ""
        paths: [/var/local-path-provisioner]
    storage_class: standard
    default_class: true
    reclaim_policy: Retain
    binding_mode: WaitForFirstConsumer
dest:
  description: The file with the manifests.
  returned: when O(state=rendered)
  type: str
  sample: /srv/lab/default-storage.yaml
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import storage_provisioner as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS, **action.RULES)


if __name__ == "__main__":
    main()
