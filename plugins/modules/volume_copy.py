#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_copy
short_description: Copy the data of claims into new claims of a kind cluster
version_added: 0.1.0
description:
  - Creates a PersistentVolume and a claim, bound to each other, with a copy of a claim's data, also in another
    namespace, of another storage class, or on another node. The source is a volume of the cluster, or an archive of a
    backup (O(path)).
  - By default the workloads that use the source are scaled to zero while its data is copied, and back up before the
    volumes are created. See O(pause).
  - The new volume is a directory where the provisioner of its storage class would create it, so that the provisioner
    would also delete it. Its reclaim policy is V(Retain). Without a storage class it is beside the source.
  - Data is copied with holes, links, owners, attributes and times. On one host it is cloned where the file system can
    do that (C(cp --reflink=auto)); between nodes it is streamed through the container engine. The copy is compared with
    its source before it gets its volume, see O(verify).
  - If any volume can't be copied, nothing is changed, and RV(ignore:details) has the reasons.
  - A claim that is a copy of its source already is left as it is, and is not copied again. A run that was interrupted
    is completed by the next one.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
options:
  claim_map:
    description:
      - Claims and the names of their copies, both as V(namespace/name). With key V(shop/data-db-*) and value
        V(test/data-db-*), the claims of a StatefulSet keep their ordinals.
      - A key that matches nothing is an error, and a copy whose name another claim has.
    type: dict
    required: true
  storage_class:
    description: Storage class of the copies. Defaults to that of each source. V('') creates volumes without a class.
    type: str
  node:
    description: Node of the copies. Defaults to the node of each source. A storage class whose volumes are on all nodes
      does not allow it.
    type: str
  path:
    description: Path of a backup that M(kindlab.volumes.volume_backup) wrote with archives of the data. Its claims are
      copied, and nothing is paused.
    type: path
  generation:
    description: Name or number of the backup's generation. Defaults to the newest one.
    type: str
  pause:
    description:
      - Whether to scale the workloads that use a source to zero while it is copied, as M(kindlab.volumes.volume_detach)
        does, and then back up. It is proved that nothing uses the volume meanwhile.
      - With V(false) nothing is stopped. Data that changes while it is copied is copied again, and the module fails if
        that happens three times. So a copy is always that of one moment; but an application may need more than its
        files at one moment, for example a flush.
    type: bool
    default: true
  verify:
    description:
      - How a copy is compared with its source. V(fast) compares types, sizes, times, owners, modes and links; V(full)
        compares the content instead of times, and takes as long as reading all data twice. V(none) compares nothing.
    type: str
    choices: [full, fast, none]
    default: fast
  create_namespaces:
    description: Whether to create missing namespaces of the copies.
    type: bool
    default: true
  wait_timeout:
    description: Maximum number of seconds to wait until nothing uses the sources, and until all copies are bound.
    type: int
    default: 120
seealso:
  - module: kindlab.volumes.volume_restore
  - module: kindlab.volumes.volume_adopt
"""

EXAMPLES = r"""
- name: Copy a database for a test
  kindlab.volumes.volume_copy:
    cluster: lab
    claim_map: {shop/data-db-0: test/data-db-0}

- name: Copy all volumes of a StatefulSet that keeps running to another node
  kindlab.volumes.volume_copy:
    cluster: lab
    claim_map: {shop/data-db-*: test/data-db-*}
    node: lab-worker2
    pause: false

- name: Copy yesterday's data beside today's
  kindlab.volumes.volume_copy:
    cluster: lab
    path: /srv/backups/lab
    generation: '12'
    claim_map: {shop/database: shop/database-yesterday}
"""

RETURN = r"""
volumes:
  description: The copies.
  returned: success
  type: list
  elements: dict
  contains:
    source:
      description: The claim that is copied, as V(namespace/name).
      type: str
    source_volume:
      description: Its PersistentVolume.
      type: str
    claim:
      description: The claim with the copy.
      type: str
    volume:
      description: Its PersistentVolume.
      type: str
    storage_class:
      description: Name of the storage class; empty for none.
      type: str
    capacity:
      description: The capacity as a Kubernetes quantity.
      type: str
    nodes:
      description: The nodes of the node affinity; empty for all.
      type: list
      elements: str
    node_directory:
      description: Path inside the nodes.
      type: str
    host_directory:
      description: Path on the host; empty if the data is inside a node.
      type: str
    action:
      description: V(copy), V(finish) for one that an interrupted run began, or V(unchanged).
      type: str
  sample:
    - source: shop/data-db-0
      source_volume: pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de
      claim: test/data-db-0
      volume: pvc-2a4d1b7e-7c3c-5b57-9f0a-1d9c5f0a6e11
      storage_class: standard
      capacity: 1Gi
      nodes: [lab-worker]
      node_directory: /var/local-path-provisioner/pvc-2a4d1b7e-7c3c-5b57-9f0a-1d9c5f0a6e11_test_data-db-0
      host_directory: /srv/lab/pvc-2a4d1b7e-7c3c-5b57-9f0a-1d9c5f0a6e11_test_data-db-0
      action: copy
workloads:
  description: The workloads that were stopped and started again.
  returned: success
  type: list
  elements: dict
  sample: [{kind: StatefulSet, namespace: shop, name: db}]
seconds:
  description: Duration of each phase.
  returned: success
  type: dict
  sample: {plan: 0.52, pause: 2.31, copy: 0.8, resume: 0.3, create: 1.1}
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import volume_copy as action


def main() -> None:
    run_module(action.run, action.ARGUMENTS, others=action.OTHERS)


if __name__ == "__main__":
    main()
