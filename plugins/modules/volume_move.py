#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_move
short_description: Move PersistentVolumes with their data to another node of a kind cluster
version_added: 0.1.0
description:
  - Moves volumes to another node, one, many, or all of a node (O(from_node)). The workloads that use them are scaled to
    zero, as M(kindlab.volumes.volume_detach) does, and back up at the end, with the volumes on O(node).
  - If both nodes have the same host directory, nothing is copied. Otherwise the data is copied to the same path of the
    other node, on the host or streamed through the container engine, with holes, links, owners, attributes and times,
    and is compared before the volume is replaced.
  - A node affinity is immutable. The PersistentVolume is deleted and created again under its name, with the reclaim
    policy V(Retain) meanwhile, and stays bound to its claim, which is not changed.
  - The old data is set aside beside its directory (C(DIRECTORY.set-aside-TIME)), and is kept until
    M(kindlab.volumes.volume_prune) or somebody else removes it.
  - If any volume can't be moved, nothing is changed, and RV(ignore:details) has the reasons.
  - Each volume is recorded in a ConfigMap C(kindlab-relocating-UID) of the namespace C(kube-system) before anything is
    changed. A run that was interrupted is completed by the next one, whichever volumes that selects.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
  - kindlab.volumes._selection
options:
  node:
    description: Node that the volumes are moved to.
    type: str
    required: true
  from_node:
    description: Limits the volumes to those whose node affinity names this node.
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
  - module: kindlab.volumes.volume_convert
  - module: kindlab.volumes.volume_copy
  - module: kindlab.volumes.node_drain
"""

EXAMPLES = r"""
- name: Move the volumes of a StatefulSet
  kindlab.volumes.volume_move:
    cluster: lab
    names: [shop/data-db-0, shop/data-db-1]
    node: lab-worker2

- name: Move all volumes of a node, before it is removed
  kindlab.volumes.volume_move:
    cluster: lab
    from_node: lab-worker
    node: lab-worker2
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
      description: V(move) or V(unchanged).
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
    - name: database
      claim: shop/database
      action: move
      nodes_before: [lab-worker]
      nodes: [lab-worker2]
      source: hostPath
      storage_class: standard
      node_directory: /srv/volumes/database
      host_directory: ''
      copied: true
      set_aside: /srv/volumes/database.set-aside-20260102T030405Z
workloads:
  description: The workloads that were stopped and started again.
  returned: success
  type: list
  elements: dict
  sample: [{kind: StatefulSet, namespace: shop, name: db}]
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import volume_move as action


def main() -> None:
    run_module(action.run, action.ARGUMENTS, others=action.OTHERS)


if __name__ == "__main__":
    main()
