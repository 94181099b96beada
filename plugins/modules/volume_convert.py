#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_convert
short_description: Make PersistentVolumes hostPath or local, of one node or of all, or of another provisioner
version_added: 0.1.0
description:
  - Converts volumes between the sources V(hostPath) and V(local) (O(source)), between one node and all nodes that have
    the same host directory (O(affinity)), and between storage classes (O(to_storage_class)).
  - With another storage class the volume becomes one of its provisioner, which would also delete it. Its data is copied
    to where that would have created it, and compared. The old data is set aside beside its directory
    (C(DIRECTORY.set-aside-TIME)), and is kept until M(kindlab.volumes.volume_prune) or somebody else removes it.
  - These fields are immutable. The PersistentVolume is deleted and created again under its name, with the reclaim
    policy V(Retain) meanwhile. The claim stays as it is, except for another storage class, for which it is created
    again with its labels, annotations and owners.
  - The workloads that use the volumes are scaled to zero, as M(kindlab.volumes.volume_detach) does, and back up at the
    end. If any volume can't be converted, nothing is changed, and RV(ignore:details) has the reasons.
  - Each volume is recorded in a ConfigMap C(kindlab-relocating-UID) of the namespace C(kube-system) before anything is
    changed. A run that was interrupted is completed by the next one, whichever volumes that selects.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
  - kindlab.volumes._selection
options:
  source:
    description: Source of the volumes. By default it stays as it is, but volumes of another storage class are
      V(hostPath).
    type: str
    choices: [hostPath, local]
  affinity:
    description:
      - V(node) ties the volumes to one node, V(shared) to none, which requires that all nodes that take ordinary pods
        have the same host directory. A V(local) volume needs a node affinity, and gets one with all of these nodes.
      - By default it stays as it is, or is that of the provisioner of O(to_storage_class).
    type: str
    choices: [node, shared]
  node:
    description: Node for O(affinity=node), and for storage classes whose volumes are on one node. Defaults to the node
      of each volume.
    type: str
  to_storage_class:
    description: Storage class of the volumes and their claims, V('') for none.
    type: str
  verify:
    description:
      - How copied data is compared. V(fast) compares types, sizes, times, owners, modes and links; V(full) compares the
        content instead of times, and takes as long as reading all data twice. V(none) compares nothing.
    type: str
    choices: [full, fast, none]
    default: fast
  wait_timeout:
    description: Maximum number of seconds to wait until nothing uses the volumes, and until they are bound.
    type: int
    default: 300
seealso:
  - module: kindlab.volumes.volume_move
  - module: kindlab.volumes.storage_provisioner
"""

EXAMPLES = r"""
- name: Let pods on all nodes use the volumes of a namespace
  kindlab.volumes.volume_convert:
    cluster: lab
    namespaces: [shop]
    affinity: shared

- name: Tie a volume to a node again
  kindlab.volumes.volume_convert:
    cluster: lab
    names: [shop/database]
    affinity: node
    node: lab-worker

- name: Hand the volumes of one provisioner over to another one
  kindlab.volumes.volume_convert:
    cluster: lab
    storage_classes: [standard]
    to_storage_class: hostpath
"""

RETURN = r"""
volumes:
  description: The selected volumes, and those that an interrupted run had begun.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the PersistentVolume.
      type: str
    claim:
      description: Its claim as V(namespace/name).
      type: str
    action:
      description: V(convert) or V(unchanged).
      type: str
    nodes_before:
      description: Nodes of the node affinity before; empty for all.
      type: list
      elements: str
    nodes:
      description: Nodes of the node affinity; empty for all.
      type: list
      elements: str
    source:
      description: The volume's source, V(hostPath) or V(local).
      type: str
    storage_class:
      description: Name of the storage class; empty for none.
      type: str
    node_directory:
      description: Path inside the nodes.
      type: str
    host_directory:
      description: Path on the host; empty if the data is inside a node.
      type: str
    copied:
      description: Whether the data is copied.
      type: bool
    set_aside:
      description: The directory with the old data, on the host or inside the node that had it; empty if it was not
        copied.
      type: str
  sample:
    - name: pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de
      claim: shop/data-db-0
      action: convert
      nodes_before: [lab-worker]
      nodes: []
      source: hostPath
      storage_class: hostpath
      node_directory: /srv/hostpath/shop-data-db-0-pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de
      host_directory: /srv/lab/hostpath/shop-data-db-0-pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de
      copied: true
      set_aside: /srv/lab/pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_shop_db.set-aside-20260102T030405Z
workloads:
  description: The workloads that were stopped and started again.
  returned: success
  type: list
  elements: dict
  sample: [{kind: StatefulSet, namespace: shop, name: db}]
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import volume_convert as action


def main() -> None:
    run_module(action.run, action.ARGUMENTS, others=action.OTHERS)


if __name__ == "__main__":
    main()
