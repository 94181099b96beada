#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: object_restore
short_description: Restore Kubernetes objects from a backup
version_added: 0.1.0
description:
  - Restores the objects of a generation that M(kindlab.volumes.object_backup) wrote, or
    M(kindlab.volumes.volume_backup) with O(kindlab.volumes.volume_backup#module:objects=true). All of them, or those
    of some namespaces, kinds or labels, also into other namespaces.
  - Objects are created in the order in which they need each other. CustomResourceDefinitions come first, until they
    are established, then namespaces, classes, accounts and roles, configuration, services, workloads, custom
    resources, then autoscalers, disruption budgets, CronJobs and quotas, and admission webhooks and policies last, so
    that none of them blocks the restore.
  - What exists and is equal stays as it is, so that a second run changes nothing, and an interrupted run is completed
    by running the module again. Fields that the API server fills in are no difference.
  - Before anything is written, each object is compared with the cluster, and the API server is asked whether it
    accepts it (a dry run), except for objects in namespaces and of kinds that the restore itself creates. If one is
    refused, nothing is changed; RV(ignore:details) lists the reason for each. What is refused later does not keep the
    others from being restored; the module fails then, too.
  - C(kubectl apply) and Helm go on as if nothing had happened. Annotations and releases are restored, and whoever
    applied objects from the server side owns the same fields again.
  - A Service gets its cluster IP and node ports back if they are free, otherwise others. An object whose API version
    is not served any more is created in the version that is.
  - A Job that was done comes back as one that is done, without its pods, and does not run again. A Pod that had ended
    is not restored.
  - What people changed of objects that a cluster brings by itself, for example the ConfigMap of CoreDNS, is changed
    again.
  - Volumes and their claims are restored by M(kindlab.volumes.volume_restore).
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
options:
  path:
    description: Path of the backup directory on the managed host.
    type: path
    required: true
  generation:
    description: Name or number of the generation to restore. By default the newest one is restored.
    type: str
  namespaces:
    description:
      - Limits the objects to these namespaces of the backup, with the namespaces themselves. Objects without a
        namespace are not restored then, except definitions of custom resources that the cluster lacks.
      - An empty list is an error.
    type: list
    elements: str
  kinds:
    description:
      - Limits the objects to these kinds, named as for C(kubectl), for example V(Deployment), V(configmaps) or
        V(applications.argoproj.io).
      - Namespaces and definitions that they need are created if the cluster lacks them. An empty list is an error.
    type: list
    elements: str
  label_selectors:
    description:
      - Limits the objects to those that match all of these label selectors, as C(kubectl --selector) takes them.
      - An empty list is an error.
    type: list
    elements: str
  namespace_map:
    description:
      - Namespaces in the backup, and the namespaces into which their objects are restored.
      - A key may contain C(*), which matches any text; a C(*) in the value stands for what was matched.
      - References in Kubernetes' own kinds follow, for example subjects of role bindings, services of admission
        webhooks, and selectors of namespaces by name. Fields of custom resources, and texts that contain the name of
        a Service in the old namespace, are left as they are; a warning lists them.
    type: dict
    default: {}
  existing:
    description:
      - What happens to an object that exists and lacks a saved field, or has it with another value. Nothing is
        restored (V(refuse)), the object is left as it is (V(keep)), or it gets all saved fields and loses further
        ones (V(replace)).
      - An object that only has further fields is left as it is, unless V(replace) is set. A storage class that exists
        is always left as it is.
    type: str
    choices: [refuse, keep, replace]
    default: refuse
  jobs:
    description:
      - What happens to a Job that was not done when it was saved. It runs (V(resume)), from its beginning, is created
        suspended (V(suspend)), or is not created (V(skip)).
    type: str
    choices: [resume, suspend, skip]
    default: resume
  workloads:
    description:
      - Whether workloads run as they did (V(as_saved)), or those that use claims are created scaled to zero
        (V(scaled_to_zero)), so that M(kindlab.volumes.volume_restore) can restore their volumes, and
        M(kindlab.volumes.volume_detach) with O(kindlab.volumes.volume_detach#module:state=attached) scales them up.
      - A Pod of its own cannot be scaled to zero, and is not restored then if it uses a claim.
    type: str
    choices: [as_saved, scaled_to_zero]
    default: as_saved
  wait_timeout:
    description:
      - Maximum number of seconds for the restore. Until then the module repeats what the API server refuses because
        something does not answer yet, for example an admission webhook whose pods are starting.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
    details: Asks the API server about each object, too, and fails if the restore would be refused.
  diff_mode:
    support: full
    details: Names the objects and fields that differ, without their contents.
seealso:
  - module: kindlab.volumes.object_backup
  - module: kindlab.volumes.volume_restore
"""

EXAMPLES = r"""
- name: Restore all objects into a new cluster
  kindlab.volumes.object_restore:
    path: /srv/backups/lab
    cluster: lab

- name: Show what would happen to each object, and why
  kindlab.volumes.object_restore:
    path: /srv/backups/lab
    cluster: lab
  check_mode: true
  register: plan

- name: Bring a namespace back as it was
  kindlab.volumes.object_restore:
    path: /srv/backups/lab
    cluster: lab
    namespaces: [shop]
    existing: replace

- name: Restore a namespace into another one, next to it
  kindlab.volumes.object_restore:
    path: /srv/backups/lab
    cluster: lab
    namespaces: [shop]
    namespace_map: {shop: shop-test}

- name: Restore objects first, then volumes, then start the workloads that use them
  kindlab.volumes.object_restore:
    path: /srv/backups/lab
    cluster: lab
    workloads: scaled_to_zero
"""

RETURN = r"""
generation:
  description: Name of the restored generation.
  returned: success
  type: str
  sample: 000003-20260102T030405Z
objects:
  description: The selected objects; in check mode as they would be after the restore.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Its kind, with the API group unless that is the core group.
      type: str
    namespace:
      description: Its namespace in the cluster, empty for an object without one.
      type: str
    name:
      description: Its name.
      type: str
    action:
      description:
        - What was done. V(create) creates the object. V(replace) gives an existing one the saved fields. V(patch)
          changes what people had changed of an object that the cluster brings. V(own) and V(finish) complete an
          object that an interrupted restore left incomplete. V(unchanged) and V(keep) leave an object as it is,
          V(skip) does not create it.
      type: str
    result:
      description:
        - The object in the cluster, compared with the saved one. V(equal) apart from fields that the API server fills
          in, V(adapted) as RV(objects[].why) tells, V(kept) as it was there, or V(skipped).
      type: str
    why:
      description: How it is adapted, or why it is kept or skipped; empty for most objects.
      type: str
  sample:
    - {kind: Namespace, namespace: '', name: shop, action: create, result: equal, why: ''}
    - kind: Service
      namespace: shop
      name: web
      action: create
      result: adapted
      why: its cluster IP is 10.96.71.4 instead of 10.96.12.9
    - kind: Job.batch
      namespace: shop
      name: import
      action: skip
      result: skipped
      why: the Job was not done (jobs=skip)
counts:
  description: How many objects have which result.
  returned: success
  type: dict
  sample: {adapted: 1, equal: 106, skipped: 1}
seconds:
  description:
    - Duration of each phase in seconds, C(read) for reading the backup, C(plan) for reading the cluster, comparing,
      and asking the API server, C(write) for writing.
  returned: success
  type: dict
  sample: {read: 0.06, plan: 0.8, write: 3.1}
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import object_restore as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS, others=action.OTHERS)


if __name__ == "__main__":
    main()
