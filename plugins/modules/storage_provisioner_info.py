#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_provisioner_info
short_description: Show what makes volumes in a kind cluster, and its storage classes
version_added: 0.1.0
description:
  - Shows the provisioners of M(kindlab.volumes.storage_provisioner) that are in a cluster, whoever installed them, and
    all storage classes, with the options that make each of them again.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._api
options:
  cluster:
    description: The name of the kind cluster.
    type: str
    default: kind
attributes:
  diff_mode:
    support: none
    details: Nothing is changed.
seealso:
  - module: kindlab.volumes.storage_provisioner
"""

EXAMPLES = r"""
- name: Show what makes volumes
  kindlab.volumes.storage_provisioner_info:
    cluster: lab
  register: storage

- name: Name the default class
  ansible.builtin.debug:
    msg: "{{ storage.storage_classes | selectattr('default') | map(attribute='name') }}"
"""

RETURN = r"""
provisioners:
  description: The provisioners that are there; those of others are not among them.
  returned: success
  type: list
  elements: dict
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
  description: The storage classes by name, those of others too.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The class's name.
      type: str
    driver:
      description: What makes its volumes.
      type: str
    reclaim_policy:
      description: The reclaim policy of new volumes.
      type: str
    binding_mode:
      description: When a claim gets its volume.
      type: str
    default:
      description: Whether claims that name no class get this one.
      type: bool
    options:
      description:
        - The options of M(kindlab.volumes.storage_provisioner) that make the class, and what serves it, again.
        - Empty where none of the provisioners serves it.
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
