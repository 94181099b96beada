#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kind_cluster_recreate
short_description: Delete a kind cluster and create it again with everything that is in it
version_added: 0.1.0
description:
  - Saves the images that were loaded into nodes, scales every workload that uses a PersistentVolume to zero, verifies
    that no volume is in use (M(kindlab.volumes.volume_detach)), backs up the volumes and all other objects
    (M(kindlab.volumes.volume_backup)), deletes the cluster, creates it again (M(kindlab.volumes.kind_cluster)) with its
    images and provisioners (M(kindlab.volumes.storage_provisioner)), restores the volumes
    (M(kindlab.volumes.volume_restore)), compares their data with the backup, and creates all other objects in the order
    that they need each other (M(kindlab.volumes.object_restore)).
  - Each finished step is recorded in the journal C(recreate.jsonl) beside the backup before the next one starts. If a
    run is interrupted, run the same task again - it resumes there. A second run at the same time is refused, also with
    another O(path); the lock is C(kind-NAME.recreating) beside the kubeconfig.
  - Whatever is known to prevent a step is refused before anything is stopped, in check mode as well - an image that the
    engine lacks, a port of another program, a host directory that is gone, a volume that the new nodes would not find.
  - If a step before the deletion fails, the workloads are scaled back up and nothing is deleted.
  - If the cluster does not exist any more, it is created again from its newest backup in O(path).
  - Objects that people made come back, of all kinds, and what they changed of those that a cluster brings. Definitions,
    namespaces, accounts and configuration are created before the volumes are restored. Services, workloads and custom
    resources follow, with workloads that use volumes at zero, once the data was compared; autoscalers, disruption
    budgets, CronJobs and admission webhooks come last. RV(objects) names what could not come back as it was.
  - Labels, taints and cordons that were set on nodes, all fields of storage classes, the scripts in
    C(local-path-config), and the cluster's entry in the user's kubeconfig come back. Workloads that were scaled to zero
    before stay at zero.
  - The new cluster has the options that M(kindlab.volumes.kind_cluster) recorded when it created the old one, so a node
    whose container is gone is created again. Its data on the host is restored; data inside the node is refused. The
    options of a cluster that was created by other means are read from it, see M(kindlab.volumes.kind_cluster_info); a
    warning says what they do not include.
  - O(options) changes the cluster. RV(plan) and the diff show how. What kind or this host would refuse is refused
    before anything is stopped, for example a port in use, a feature gate that the kubelet does not know, or a patch
    that is not valid.
  - Volumes of a node that the new cluster does not have move to a node of the same role that has the same host
    directories mounted. With O(data=archive) their data is brought to one that does not have them. If there is none,
    the module fails and names the volumes; O(node_map) names another node.
  - O(generation) brings the cluster back as it was then. A generation is a snapshot of the cluster, and of its data if
    it has archives (O(data=archive)).
  - A cluster that somebody created while a recreation was interrupted is not continued, but recreated as it is. A
    cluster without the volumes of a backup in O(path) that is older than the cluster is refused - they were never
    restored.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
attributes:
  check_mode:
    support: full
    details: Returns the whole plan, with a row per volume.
  idempotent:
    support: none
    details: Every run recreates the cluster, unless it resumes an interrupted one.
options:
  cluster:
    description: Name of the kind cluster.
    type: str
    default: kind
  path:
    description: Directory of the backup and the journal; use one for each cluster.
    type: path
    required: true
  generation:
    description:
      - Name or number of the generation of the backup in O(path) that the cluster goes back to. By default it comes
        back as it is.
      - It goes back exactly - objects and volumes that came later are gone, others are as they were, and nodes, image,
        ports, mounts and all other options are those of that time, unless O(options) says otherwise. (A cluster whose
        options the generation does not record keeps its present shape.) The diff shows what comes, goes and changes.
      - Data on the host that differs is replaced if the generation has it in an archive. If not, the module fails
        before anything is stopped, and names the volumes. Data of volumes that came later stays in its directory.
      - The present state is saved first as a generation of its own, with all objects, and with archives of all data if
        some is replaced, so that a later run can return to it; O(keep) is ignored meanwhile. What is replaced is set
        aside beside its directory, in one named C(DIRECTORY.set-aside-TIME), until the new data is verified. What no
        generation has stays there, with a warning; M(kindlab.volumes.volume_prune) shows it.
      - With O(on_failure=old_shape), a failure brings the present state back, with its data.
      - A cluster that does not exist any more is created from the generation.
    type: str
  kubeconfig:
    description: Path of the cluster's kubeconfig, by default V(~/.kube/kind-NAME.yaml).
    type: path
  kind:
    description: Path of the kind program, by default the one on E(PATH).
    type: path
  data:
    description:
      - Whether to leave the data in its directory on the host (V(in_place)) or to write it to an archive per volume,
        too (V(archive)).
      - Data inside a node, in a directory that is not mounted from the host, needs V(archive).
    type: str
    choices: [in_place, archive]
    default: in_place
  checksums:
    description: Whether files are compared by content (V(full)), or by size and modification time (V(fast)).
    type: str
    choices: [full, fast]
    default: full
  keep:
    description: Number of generations of the backup to keep; V(0) keeps all.
    type: int
    default: 0
  reclaim_policy:
    description: Whether restored volumes get their original reclaim policy back, or keep V(Retain).
    type: str
    choices: [original, keep]
    default: original
  options:
    description:
      - Options of M(kindlab.volumes.kind_cluster) for the new cluster. They replace recorded options, also those of an
        interrupted run, and are reported in C(changes) of RV(plan).
      - C(image), C(mounts) and C(ports) replace those of each node, C(labels) are added to those of each node.
        C(networking), C(feature_gates), C(runtime_config), C(kind_fields) and lists of patches are replaced as a whole.
      - With C(control_planes) or C(workers), the last nodes of that role are left out, or nodes are added that have the
        labels, mounts, patches and image that all nodes of that role have in common. C(nodes) describes all of them
        instead. C(config), a configuration of kind, describes the whole cluster, with the other options over it.
      - Nodes without C(image) get the image that they have, or that of the first control plane.
      - Host directories that the old cluster had mounted are never created.
      - Required, with C(nodes), if the options of the cluster are neither recorded nor can be read from it. Describe it
        as it is.
    type: dict
    default: {}
  merge_options:
    description:
      - Whether O(options) are merged with recorded ones (V(true)), or describe the whole cluster (V(false)). What they
        do not mention then has its default, except for the image; labels of nodes that they do not mention are gone,
        except for those that were set on Nodes later.
    type: bool
    default: true
  node_map:
    description:
      - Node of the old cluster, and the node of the new one that its volumes move to, as in
        O(kindlab.volumes.volume_restore#module:node_map).
      - By default volumes of a node that the new cluster does not have move to one of the same role.
    type: dict
  accept_loss:
    description:
      - Names of volumes, or of their claims as V(NAMESPACE/NAME), that may lose their data because their CSI driver
        ties them to nodes, and may have it in these. They come back with their claims, but without their data, unless
        the driver finds it. Others are refused before anything is stopped.
      - Also absolute paths of directories inside nodes that workloads write to without a PersistentVolume, as in
        O(kindlab.volumes.kind_cluster#module:accept_loss).
    type: list
    elements: str
  objects:
    description:
      - Which objects come back. V(all) are those that people made or changed. With V(none), only volumes, their claims,
        namespaces and storage classes, and the workloads that use volumes.
      - A backup without them, as M(kindlab.volumes.volume_backup) makes by default, has no others, either.
    type: str
    choices: [all, none]
    default: all
  images:
    description:
      - Which images of the nodes are saved, and loaded into the new nodes before pods need them. V(loaded) are those
        that did not come from a registry; the kubelet pulls the others again.
      - They are saved once, however many generations need them.
    type: str
    choices: [loaded, all, none]
    default: loaded
  jobs:
    description:
      - What happens to Jobs that were not done, see O(kindlab.volumes.object_restore#module:jobs). Jobs that were done
        are never run again.
    type: str
    choices: [resume, suspend, skip]
    default: resume
  rehearse:
    description:
      - Whether to create all objects in a throw-away cluster of one node first, before anything is stopped. If its API
        server refuses some, the module fails and names them. Nothing runs there, and it is deleted in any case.
      - By default it is done if the API server may accept other objects than before, that is if the nodes get another
        image (another version of Kubernetes), or if O(options) change feature gates, the runtime configuration, the
        network or patches.
    type: bool
  on_failure:
    description:
      - What to do if the new cluster is created with another shape (O(options)), and it does not come up, or does not
        take what the old one had, before anything can write to the volumes.
      - With V(stop) the module fails, and a rerun continues where it failed; objects that the new cluster refuses are
        reported in RV(objects), and the others come back.
      - With V(old_shape) the new cluster is deleted, the old shape is created again with everything that was in it, and
        the module fails then with the reason. Where the options of the old cluster are not recorded, it is as V(stop).
    type: str
    choices: [stop, old_shape]
    default: stop
  unmanaged:
    description:
      - What to do with pods without a known controller, see O(kindlab.volumes.volume_detach#module:unmanaged).
      - Pods that nothing controls are created again at the end, on the node that was chosen for them when they were
        created, if any (O(objects=all) and O(attach=true)).
    type: str
    choices: [refuse, delete]
    default: refuse
  without_api:
    description:
      - What to do if the cluster exists and its API server does not answer. With V(refuse) the module fails and names
        the nodes that are stopped, paused or crashed.
      - With V(last_backup) it stops the nodes and recreates the cluster from the newest backup in O(path), with the
        data that is on the host now, and warns about what it cannot know. Refused if a volume's data is inside a node.
    type: str
    choices: [refuse, last_backup]
    default: refuse
  attach:
    description: Whether to scale the workloads back up.
    type: bool
    default: true
  wait_timeout:
    description: Maximum number of seconds to wait until nothing uses the volumes, and again until they are bound.
    type: int
    default: 300
requirements:
  - kind >= 0.23
  - kubernetes (Python library) >= 30
seealso:
  - module: kindlab.volumes.volume_detach
  - module: kindlab.volumes.volume_backup
  - module: kindlab.volumes.kind_cluster
  - module: kindlab.volumes.volume_restore
  - module: kindlab.volumes.object_restore
notes:
  - C(docs/volumes.md) of the collection says what happens to each kind of volume.
"""

EXAMPLES = r"""
- name: Show the plan
  kindlab.volumes.kind_cluster_recreate:
    cluster: lab
    path: /srv/backup/lab
  check_mode: true
  register: recreation

- name: Print it
  ansible.builtin.debug:
    var: recreation.plan

- name: Recreate the cluster with its volumes
  kindlab.volumes.kind_cluster_recreate:
    cluster: lab
    path: /srv/backup/lab

- name: Change to another version of Kubernetes, and back if the new cluster does not take everything
  kindlab.volumes.kind_cluster_recreate:
    cluster: lab
    path: /srv/backup/lab
    options:
      image: kindest/node:v1.35.1
    on_failure: old_shape

- name: Recreate a cluster that another tool created, with the data inside its nodes, and with one worker more
  kindlab.volumes.kind_cluster_recreate:
    cluster: kind
    path: /srv/backup/kind
    data: archive
    options:
      workers: 2

- name: Change a cluster to what a configuration file of kind describes
  kindlab.volumes.kind_cluster_recreate:
    cluster: lab
    path: /srv/backup/lab
    options:
      config: /srv/lab/kind.yaml

- name: Go back to the third generation of the backup
  kindlab.volumes.kind_cluster_recreate:
    cluster: lab
    path: /srv/backup/lab
    generation: '3'

- name: Recreate a cluster without its workers
  kindlab.volumes.kind_cluster_recreate:
    cluster: lab
    path: /srv/backup/lab
    options: {workers: 0}
    node_map: {lab-worker: lab-control-plane}
"""

RETURN = r"""
cluster:
  description: Name of the cluster.
  returned: success
  type: str
  sample: lab
first_step:
  description: The step at which the run started or resumed - V(planned), V(deleted) or V(created).
  returned: success
  type: str
  sample: planned
without_api:
  description: Whether the last backup was used because the API server does not answer.
  returned: success
  type: bool
resumed:
  description: Whether the run resumed an interrupted one.
  returned: success
  type: bool
plan:
  description:
    - The steps of this run (C(name), C(does), and C(undoable) - whether everything is put back if it fails), what
      happens to the data of each volume, and the workloads that are scaled to zero.
    - The new cluster - its C(nodes), C(images) and C(kubernetes_version), how its options differ from the recorded ones
      (C(changes)), the labels, taints and cordons that are set again (C(node_settings)), and the nodes that volumes
      move to (C(node_map)).
    - With O(generation), C(rollback) has the names of C(volumes) and C(objects) that are C(created), C(deleted), and
      C(replaced) or C(changed).
  returned: success
  type: dict
  sample:
    steps:
      - {name: planned, does: check that every step can be done, undoable: true}
      - {name: deleted, does: delete the cluster, undoable: false}
    nodes: [lab-control-plane, lab-worker]
    images: ["kindest/node:v1.34.4"]
    kubernetes_version: v1.34.4
    changes: []
    node_settings:
      - {name: lab-worker, labels: {zone: a}, taints: ["gpu=a:NoSchedule"], cordoned: false}
    node_map: {}
    volumes:
      - name: pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1
        claim: default/database
        does: its data stays in /srv/lab/pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1_default_database
    workloads: [default/Deployment/database]
objects:
  description:
    - What became of the objects beside volumes - C(count) is their number, and C(adapted), C(refused) and C(skipped) of
      them are not as they were. C(not_equal) has these, with C(kind), C(namespace), C(name), C(result) and C(why).
    - Nothing is created in check mode.
  returned: success
  type: dict
  sample:
    count: 108
    adapted: 1
    refused: 0
    skipped: 0
    not_equal:
      - kind: Service
        namespace: shop
        name: web
        action: create
        result: adapted
        why: its cluster IP is in use, it gets another one
images:
  description: The images of the new nodes, with C(names), C(bytes), and the nodes into which they were C(loaded).
  returned: success
  type: list
  elements: dict
generation:
  description:
    - The generation of the backup that was restored, or in check mode would be.
    - Empty if there is nothing to restore, and in check mode if nothing is saved yet, unless O(generation) is given.
  returned: success
  type: str
  sample: 000001-20261123T065700Z
before:
  description:
    - The old cluster - C(nodes), C(images), C(kubernetes_version), C(options), C(node_settings), C(storage_classes),
      C(volumes), and the C(generation) of its backup.
  returned: success
  type: dict
after:
  description:
    - The new cluster - C(nodes), C(kubernetes_version), C(storage_classes), and C(volumes) as
      M(kindlab.volumes.volume_restore) returns them. Empty in check mode.
  returned: success
  type: dict
workloads:
  description: The workloads that use the volumes, as M(kindlab.volumes.volume_detach) returns them.
  returned: success
  type: list
  elements: dict
journal:
  description: Path of the journal.
  returned: success
  type: str
  sample: /srv/backup/lab/recreate.jsonl
seconds:
  description:
    - Seconds of each step, C(checksums), the part of them for reading all data, and C(away), the time in which
      applications were stopped. The sample is a selection.
  returned: success
  type: dict
  sample: {plan: 0.8, detached: 2.5, backed_up: 1.2, deleted: 2.1, created: 24, restored: 2.2, checksums: 1.9, away: 38}
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import kind_cluster_recreate as action
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.option_names import OTHERS


def main() -> None:
    run_module(action.run, action.ARGUMENTS, others=OTHERS)


if __name__ == "__main__":
    main()
