#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: object_backup
short_description: Back up the objects of a kind cluster, of any kind
version_added: 0.1.0
description:
  - Saves what people made in a cluster as a generation of a backup directory. These are all objects of all kinds
    that can be read and created, custom resources and their definitions included, of the whole cluster or of some
    namespaces, kinds and labels.
  - Of objects that the cluster brought, what people changed is saved as a JSON merge patch, for example of the
    ConfigMap of CoreDNS. M(kindlab.volumes.kind_cluster) records in each cluster that it creates what that is. In a
    cluster of another tool it is known by labels, by the managers of its fields and by the names that kind uses.
    What people removed of it is then not recognised.
  - What controllers make again is left out, for example pods and ReplicaSets of a Deployment, finished Jobs of a
    CronJob, Events, Leases and EndpointSlices of Services with a selector. What custom resources own is left out as
    well, except Secrets and ConfigMaps, which may hold something generated. An object without an owner is always
    saved.
  - Left out are also PersistentVolumes, PersistentVolumeClaims and nodes, which M(kindlab.volumes.volume_backup)
    saves, what M(kindlab.volumes.storage_provisioner) installed, and what is being deleted. RV(objects.left_out)
    names them.
  - Objects are saved without status and what the server sets. The annotation of C(kubectl apply), releases of Helm
    and the managers of server-side apply are kept. Workloads that M(kindlab.volumes.volume_detach) scaled to zero
    are saved with the scale that they had.
  - Does not write a generation if the newest one has the same objects.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
options:
  path:
    description:
      - Path of the backup directory on the managed host. It is created if it is missing.
      - Generations can be read by their owner only. They contain Secrets as they are.
      - It must not be a directory whose newest generation holds volumes.
        O(kindlab.volumes.volume_backup#module:objects) saves volumes and objects in one generation.
    type: path
    required: true
  namespaces:
    description:
      - Limits the objects to those in these namespaces, and the namespaces themselves.
      - Objects without a namespace are not saved then.
    type: list
    elements: str
  kinds:
    description:
      - Limits the objects to these kinds, and the namespaces that they are in.
      - A kind can be given as C(kubectl) takes it, without abbreviations, for example V(Deployment), V(deployments) or
        V(applications.argoproj.io).
    type: list
    elements: str
  label_selectors:
    description:
      - Limits the objects to those that match all of these label selectors, for example V(app=shop), and the namespaces
        that they are in.
    type: list
    elements: str
  keep:
    description:
      - Number of generations to keep. Older ones are removed after the new one is complete. V(0) keeps all.
      - The newest generation with a selection of O(namespaces), O(kinds) and O(label_selectors) is not removed unless a
        newer one has all objects. RV(kept_generations) names them.
    type: int
    default: 0
seealso:
  - module: kindlab.volumes.volume_backup
notes:
  - Kinds that cannot be listed, for example for lack of permission or because the server of an API group does not
    answer, are not saved. A warning names them.
  - Each file of a generation is a List in JSON that C(kubectl apply) takes.
"""

EXAMPLES = r"""
- name: Back up all objects of a cluster
  kindlab.volumes.object_backup:
    cluster: lab
    path: /srv/backup/objects
    keep: 7

- name: Back up the objects of a namespace
  kindlab.volumes.object_backup:
    cluster: lab
    path: /srv/backup/shop
    namespaces: [shop]

- name: Back up definitions of custom resources, and the applications of Argo CD
  kindlab.volumes.object_backup:
    cluster: lab
    path: /srv/backup/applications
    kinds: [CustomResourceDefinition, applications.argoproj.io]

- name: Show whether a backup of one application would write anything
  kindlab.volumes.object_backup:
    cluster: lab
    path: /srv/backup/web
    label_selectors: [app=web]
  check_mode: true
  diff: true
"""

RETURN = r"""
generation:
  description: Name of the generation that contains these objects; in check mode, the name that it would get.
  returned: success
  type: str
  sample: 000001-20261123T065700Z
directory:
  description: Path of this generation.
  returned: success
  type: str
  sample: /srv/backup/objects/generations/000001-20261123T065700Z
catalog:
  description: Path of its catalog.
  returned: success
  type: str
  sample: /srv/backup/objects/generations/000001-20261123T065700Z/catalog.json
removed_generations:
  description: Names of the generations that were removed because of O(keep).
  returned: success
  type: list
  elements: str
  sample: []
kept_generations:
  description: The generations that O(keep) would have removed, if they did not alone hold something.
  returned: success
  type: list
  elements: dict
  contains:
    generation:
      description: Name of the generation.
      type: str
    why:
      description: What only this generation holds.
      type: str
  sample: []
objects:
  description: The objects that were saved, without their content.
  returned: success
  type: dict
  contains:
    made:
      description: Number of saved objects by kind, for example V(Deployment.apps).
      type: dict
    changed:
      description: Objects that the cluster brought, and whose changes were saved.
      type: list
      elements: str
    baseline:
      description:
        - Whether it is known exactly what the cluster brought. M(kindlab.volumes.kind_cluster) records that.
        - Otherwise labels, the managers of fields and the names that kind uses tell.
      type: bool
    left_out:
      description:
        - What is not saved although it may be looked for. An empty C(name) stands for all of a kind, and the C(kind)
          of V(*) for all kinds of an API group.
      type: list
      elements: dict
      contains:
        kind:
          description: Kind of the object.
          type: str
        group:
          description: Its API group, empty for the core group.
          type: str
        namespace:
          description: Its namespace, empty for an object without one.
          type: str
        name:
          description: Its name.
          type: str
        why:
          description: Why it is not saved.
          type: str
  sample:
    made:
      ConfigMap: 2
      Deployment.apps: 1
      Namespace: 1
    changed: [ConfigMap kube-system/coredns]
    baseline: true
    left_out:
      - kind: PersistentVolume
        group: ''
        namespace: ''
        name: ''
        why: volume_backup saves volumes
seconds:
  description: Duration of each phase in seconds.
  returned: success
  type: dict
  sample:
    observe: 0.41
    write: 0.03
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import object_backup as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS)


if __name__ == "__main__":
    main()
