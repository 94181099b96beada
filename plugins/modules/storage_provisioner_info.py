#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_provisioner_info
short_description: List the volume provisioners and storage classes of a kind cluster
version_added: 0.1.0
description:
  - Lists those provisioners that M(kindlab.volumes.storage_provisioner) can install, whoever installed them, and all
    storage classes with the module options that create each of them again.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
attributes:
  diff_mode:
    support: none
    details: This module does not change anything.
seealso:
  - module: kindlab.volumes.storage_provisioner
"""

EXAMPLES = r"""
- name: Get provisioners and storage classes
  kindlab.volumes.storage_provisioner_info:
    cluster: lab
  register: storage

- name: Show the name of the default class
  ansible.builtin.debug:
    msg: "{{ storage.storage_classes | selectattr('default') | map(attribute='name') }}"
"""

RETURN = r"""
provisioners:
  description: The provisioners, except those that M(kindlab.volumes.storage_provisioner) does not know.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the provisioner in this collection.
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
  sample:
    - name: local_path
      driver: rancher.io/local-path
      namespace: local-path-storage
      deployment: local-path-provisioner
      image: rancher/local-path-provisioner:v0.0.30
      helper_image: busybox:1.37
      replicas: 1
      paths:
        - node: ""
          paths: [/var/local-path-provisioner]
storage_classes:
  description: All storage classes, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the class.
      type: str
    driver:
      description: Name of its provisioner, as in the storage class.
      type: str
    reclaim_policy:
      description: Reclaim policy of new volumes.
      type: str
    binding_mode:
      description: Binding mode of the class.
      type: str
    default:
      description: Whether it is the default class.
      type: bool
    options:
      description:
        - The options of M(kindlab.volumes.storage_provisioner) that create the class and its provisioner again.
        - Empty if none of RV(provisioners) serves the class.
      type: dict
  sample:
    - name: standard
      driver: rancher.io/local-path
      reclaim_policy: Retain
      binding_mode: WaitForFirstConsumer
      default: true
      options:
        name: local_path
        namespace: local-path-storage
        storage_class: standard
        default_class: true
        reclaim_policy: Retain
        binding_mode: WaitForFirstConsumer
        paths:
          - node: ""
            paths: [/var/local-path-provisioner]
        image: rancher/local-path-provisioner:v0.0.30
        helper_image: busybox:1.37
        replicas: 1
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import storage_provisioner_info as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS)


if __name__ == "__main__":
    main()
