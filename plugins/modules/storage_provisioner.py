#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_provisioner
short_description: Install or remove a dynamic volume provisioner in a kind cluster
version_added: 0.1.0
description:
  - Installs one provisioner with its storage class. It replaces the provisioner that kind installs by default, and any
    that this module installed before.
  - With O(state=present) the module waits until the provisioner can serve claims - it runs with the requested
    configuration, no other Deployment of the same driver is left, and the storage class exists.
  - Existing volumes keep their directory and their reclaim policy. The immutable fields of a storage class (reclaim
    policy, binding mode and provisioner) are changed by recreating the class.
  - A provisioner without any storage class left is removed. The module fails and lists the reasons if volumes with
    reclaim policy Delete or pending claims still need it.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
options:
  name:
    description:
      - Name of the provisioner.
      - V(local_path) is rancher's local-path-provisioner, which is also kind's default. A volume is a directory of one
        node, and its pods are bound to that node.
      - V(local_path_shared) is the same program with one directory for all nodes. Its volumes have no node affinity, so
        their pods may run on any node, and on several at once (ReadWriteMany). It replaces V(local_path) in place and
        vice versa.
      - V(hostpath) creates such volumes, too. It is a small program of this collection that needs no helper pods and
        has several replicas, one of which is the leader. Node images that the role
        P(kindlab.volumes.node_image#role) builds contain its image.
      - The last two require that O(node_path) is the same directory in all nodes, which the mounts of
        M(kindlab.volumes.kind_cluster) provide. With such volumes, Kubernetes does not prevent pods on two nodes from
        writing to a ReadWriteOnce volume at the same time; use ReadWriteOncePod for that.
    type: str
    default: local_path
    choices: [local_path, local_path_shared, hostpath]
  state:
    description:
      - With V(present), the provisioner serves the claims of O(storage_class). Any other Deployment of the same driver,
        including kind's own, is replaced or removed first, because two of them would race for each claim.
      - With V(absent), all Deployments and storage classes of this driver are removed with the objects that belong to
        them, whoever created them. A namespace is removed if this module created it and nothing else is in it.
      - With V(rendered), the manifests that V(present) would create in a new cluster are written to O(dest). No cluster
        is accessed.
    type: str
    default: present
    choices: [present, absent, rendered]
  dest:
    description:
      - Absolute path of the file for O(state=rendered). Missing parent directories are created.
      - When kind creates a cluster, it applies C(/kind/manifests/default-storage.yaml) of the first control plane.
        Mount the file there to create a cluster with this provisioner instead of kind's default.
    type: path
  namespace:
    description:
      - Namespace of the provisioner. It is created if it does not exist.
      - Defaults to V(local-path-storage), as in kind, and to V(hostpath-storage) for V(hostpath).
    type: str
  storage_class:
    description:
      - Name of the storage class. Other classes of the provisioner are kept.
      - Paths, images and numbers belong to the provisioner and apply to all of its classes. Repeat them for each class.
    type: str
    default: standard
  default_class:
    description:
      - Whether this is the default class, which claims without a class get. Other default classes of this module's
        provisioners are demoted; for those of other provisioners see O(replace_default).
    type: bool
    default: true
  replace_default:
    description:
      - Whether to demote the default class of another provisioner, and to replace a class of another provisioner that
        is named O(storage_class). Otherwise the module fails before it changes anything.
    type: bool
    default: false
  reclaim_policy:
    description: What happens to the data of new volumes when their claim is deleted.
    type: str
    default: Delete
    choices: [Delete, Retain]
  binding_mode:
    description:
      - When a claim is bound to a volume.
      - V(local_path) does not support V(Immediate), because it needs to know the node of the pod.
    type: str
    default: WaitForFirstConsumer
    choices: [WaitForFirstConsumer, Immediate]
  node_path:
    description:
      - Absolute path of the directory for volumes in every node.
      - Defaults to V(/var/local-path-provisioner), as in kind, and to V(/tmp/hostpath-provisioner) for V(hostpath). The
        latter is emptied when the node restarts, unless it is mounted from the host.
      - Data outlives the cluster only in a directory that is mounted from the host, see the mounts of
        M(kindlab.volumes.kind_cluster).
    type: str
  paths:
    description: Directories per node, instead of O(node_path). Only V(local_path) supports more than one directory.
    type: list
    elements: dict
    suboptions:
      node:
        description: Name of the node. An entry without it applies to all nodes that have no entry of their own.
        type: str
      paths:
        description: Absolute paths; each volume gets a random one. An empty list disables volumes on the node.
        type: list
        elements: str
        required: true
  image:
    description:
      - Image of the provisioner.
      - Defaults to the image of the installed provisioner, else to a C(local-path-provisioner) that all nodes have,
        else to V(rancher/local-path-provisioner:v0.0.30). A cluster without a registry does not need this option.
      - For V(hostpath) it is a C(hostpath-provisioner), else V(kindlab/hostpath-provisioner:v13.0.0), which is not in
        any registry.
      - The image of an installed provisioner that does not run and is not on any node is not kept.
      - With O(state=rendered) no node is accessed. Set the images that the nodes will have.
    type: str
  helper_image:
    description:
      - Image of the helper pods that create and remove directories. It needs a shell, C(mkdir) and C(rm).
      - Defaults to the one that the installed provisioner uses, else to a C(local-path-helper) or C(busybox) that all
        nodes have, else to V(busybox:1.37).
      - V(hostpath) does not support it.
    type: str
  replicas:
    description:
      - Number of pods, one of which is the leader. Defaults to 3 for V(hostpath).
      - V(local_path) and V(local_path_shared) support only one.
    type: int
  worker_threads:
    description: Number of volumes that are created or deleted at a time. Defaults to 4.
    type: int
  provisioning_retries:
    description: How often to retry to create a volume; V(0) means without limit. Defaults to 15.
    type: int
  deletion_retries:
    description: How often to retry to delete a volume; V(0) means without limit. Defaults to 15.
    type: int
  helper_timeout:
    description:
      - Number of seconds after which a helper pod counts as failed. Defaults to 120.
      - V(hostpath) does not support it.
    type: int
  check_shared:
    description:
      - Whether to fail if the directory of V(local_path_shared) or V(hostpath) is not the same in all nodes.
      - Device and inode of the directory are compared in all nodes, also in check mode. This is skipped with a warning
        if the node containers are on another host.
      - It also fails if the directory of the host is not the one that the nodes have mounted.
    type: bool
    default: true
  wait_timeout:
    description: Maximum number of seconds to wait until the old provisioner has terminated and the new one is ready.
    type: int
    default: 120
  force:
    description:
      - Whether to remove or replace the provisioner even if volumes with reclaim policy Delete have a claim, or claims
        are pending. Such volumes and their data are kept.
    type: bool
    default: false
seealso:
  - module: kindlab.volumes.kind_cluster
  - module: kindlab.volumes.kind_image
  - module: kindlab.volumes.volume_info
"""

EXAMPLES = r"""
- name: Retain the data when a claim is deleted
  kindlab.volumes.storage_provisioner:
    cluster: lab
    reclaim_policy: Retain

- name: Create volumes on a separate disk of one node, and none on the control plane
  kindlab.volumes.storage_provisioner:
    cluster: lab
    paths:
      - paths: [/var/local-path-provisioner]
      - node: lab-worker2
        paths: [/srv/fast]
      - node: lab-control-plane
        paths: []

- name: Add a second class that is not the default
  kindlab.volumes.storage_provisioner:
    cluster: lab
    storage_class: kept
    default_class: false
    reclaim_policy: Retain

- name: Let pods move between nodes that share a directory
  kindlab.volumes.storage_provisioner:
    cluster: lab
    name: local_path_shared
    node_path: /var/local-path-provisioner
    binding_mode: Immediate

- name: Render the manifests for a new cluster
  kindlab.volumes.storage_provisioner:
    name: hostpath
    state: rendered
    dest: /srv/lab/default-storage.yaml
    image: "{{ kindlab_hostpath_image }}"
    reclaim_policy: Retain

- name: Create the cluster with this provisioner
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

- name: Wait until the provisioner is ready; nothing is changed
  kindlab.volumes.storage_provisioner:
    cluster: lab
    name: hostpath
    reclaim_policy: Retain

- name: Remove the provisioner
  kindlab.volumes.storage_provisioner:
    cluster: lab
    state: absent
"""

RETURN = r"""
provisioner:
  description: The provisioner and its class. In check mode, as they would be.
  returned: unless O(state=absent)
  type: dict
  contains:
    name:
      description: Name of the provisioner, as in O(name).
      type: str
    driver:
      description: Name of the provisioner in storage classes and volumes.
      type: str
    namespace:
      description: Namespace of the provisioner.
      type: str
    deployment:
      description: Name of its Deployment.
      type: str
    image:
      description: Its image.
      type: str
    helper_image:
      description: Image of its helper pods, empty if it has none.
      type: str
    replicas:
      description: Number of its pods.
      type: int
    paths:
      description: Directories per node. An empty C(node) stands for all other nodes.
      type: list
      elements: dict
    storage_class:
      description: Name of the storage class.
      type: str
    default_class:
      description: Whether it is the default class.
      type: bool
    reclaim_policy:
      description: Reclaim policy of new volumes.
      type: str
    binding_mode:
      description: Binding mode of the class.
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
  description: Path of the file with the manifests.
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
