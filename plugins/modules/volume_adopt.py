#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_adopt
short_description: Create PersistentVolumes and claims for directories that are left of an earlier cluster
version_added: 0.1.0
description:
  - Creates a PersistentVolume and a claim, bound to each other, for each directory on the host that a provisioner made
    and that no volume of any kind cluster of the host has. No backup is needed, for example for a disk with yesterday's
    C(/var/local-path-provisioner).
  - The names of volume, namespace and claim are those in the name of the directory, as local-path-provisioner composes
    it. A name that the provisioner V(hostpath) gave does not say where the namespace ends.
  - A file C(kindlab-volumes.yml) in the directory that contains the directories, in the form of a plan, takes
    precedence over the names.
  - The storage class is one of the provisioner that gives directories such names, which is the default class or the
    only one. The capacity is what a claim that waits for the volume requests, otherwise the size of the content in
    whole Gi. The node affinity is that of the provisioner, and names one node if its volumes are each on one node.
  - The reclaim policy is V(Retain). The data is neither read nor changed.
  - If any directory can't be adopted, nothing is changed, and RV(ignore:details) has the reasons. Write a plan with
    O(write_plan), edit it, and carry it out with O(plan).
  - A claim that exists and waits for a volume gets it. Adopt volumes before workloads create other claims of that name.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
options:
  directories:
    description:
      - Directories of the host that contain directories of volumes. Nodes of O(cluster) must have them mounted.
      - By default, those where the cluster's provisioners create volumes are searched. That of the provisioner
        V(hostpath) must be named, unless the cluster has a volume of it.
    type: list
    elements: path
  matching:
    description: Limits it to directories that match one of these shell patterns by path, by the last part of their
      path, by volume, or by claim as V(namespace/name).
    type: list
    elements: str
  plan:
    description:
      - Path of a plan to carry out, and nothing else. It is YAML with a list C(volumes) as returned, and
        O(write_plan) writes one.
      - It may name directories whatever they are called, also data that was set aside
        (C(DIRECTORY.set-aside-TIME)), which is adopted in no other way; a warning says so.
    type: path
  write_plan:
    description: Path to write the plan of what would be adopted to. Nothing is adopted then. The module fails if there
      is another file already, which may have been edited.
    type: path
  create_namespaces:
    description: Whether to create missing namespaces of the claims.
    type: bool
    default: true
  wait_timeout:
    description: Maximum number of seconds to wait until all volumes are bound.
    type: int
    default: 120
seealso:
  - module: kindlab.volumes.volume_restore
  - module: kindlab.volumes.volume_prune
"""

EXAMPLES = r"""
- name: Adopt everything that the cluster's provisioners left behind
  kindlab.volumes.volume_adopt:
    cluster: lab

- name: Write a plan to edit
  kindlab.volumes.volume_adopt:
    cluster: lab
    directories: [/srv/lab]
    write_plan: /srv/lab-volumes.yml

- name: Carry it out
  kindlab.volumes.volume_adopt:
    cluster: lab
    directories: [/srv/lab]
    plan: /srv/lab-volumes.yml

- name: Adopt the volumes of one namespace
  kindlab.volumes.volume_adopt:
    cluster: lab
    matching: [shop/*]
"""

RETURN = r"""
volumes:
  description: The plan, a row for each directory.
  returned: success
  type: list
  elements: dict
  contains:
    directory:
      description: Path on the host.
      type: str
    volume:
      description: Name of the PersistentVolume.
      type: str
    claim:
      description: Its claim as V(namespace/name); empty in a plan that is only written if it is unknown.
      type: str
    storage_class:
      description: Name of the storage class; empty for none.
      type: str
    capacity:
      description: The capacity as a Kubernetes quantity.
      type: str
    access_modes:
      description: The access modes.
      type: list
      elements: str
    nodes:
      description: The nodes of the node affinity; empty for all.
      type: list
      elements: str
    node_directory:
      description: Path inside the nodes. Not returned with O(write_plan).
      type: str
    action:
      description: V(adopt), or V(unchanged) for one that is bound already. Not returned with O(write_plan).
      type: str
  sample:
    - directory: /srv/lab/pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_default_data
      volume: pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de
      claim: default/data
      storage_class: standard
      capacity: 1Gi
      access_modes: [ReadWriteOnce]
      nodes: [lab-worker]
      node_directory: /var/local-path-provisioner/pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_default_data
      action: adopt
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_adopt as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS)


if __name__ == "__main__":
    main()
