#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_prune
short_description: Show and remove directories, volumes and generations of backups that nobody needs any more
version_added: 0.1.0
description:
  - Shows what is left over of volumes, each with its size, its age and the claim that it was made for. Nothing is
    removed unless it is selected by name, by pattern or by age.
  - A B(directory) is one that a provisioner made on the host, as its name says, and that belongs to no volume of any
    kind cluster of the host's container engines. It is searched for where provisioners of O(cluster) create volumes,
    and in O(directories).
  - A B(volume) is a PersistentVolume of O(cluster) whose claim was deleted (phase Released, or Failed) and that a
    provisioner created on the host. It is deleted together with its directory.
  - Data that was B(set aside) is what M(kindlab.volumes.volume_restore) or M(kindlab.volumes.kind_cluster_recreate) has
    replaced. It is in a directory C(DIRECTORY.set-aside-TIME) on the host, and is searched for where directories are;
    add the parents of volumes that no provisioner made to O(directories).
  - A B(generation) is one of a backup in O(backups).
  - A B(leftover) is what a killed run of this collection left, for example an incomplete generation, a half extracted
    archive, the journal of a recreation that is finished, or the marker file of a cluster that does not exist.
  - B(Trash) is what this module moved away before. It is removed for good, but only if it is selected by its whole path
    or with O(kinds). One that is called C(.removing-NAME) is what is left of a removal that was interrupted.
  - Nothing that a cluster may use is ever removed. All clusters of the container engine that have the directory, or one
    above or below it, are asked for their volumes and pods, and their nodes for processes that use it. A cluster that
    is stopped, or does not answer, may use everything that it has mounted, as may one of another container engine of
    the host. A directory on the host is that of a node only if device and inode are the same. The same directory under
    another path, by a symbolic link or a bind mount, is the same one.
  - A directory that was made for a claim that exists, but has no volume (Pending or Lost), is kept.
  - If another container engine is installed that does not answer, nobody knows what its clusters use. Then only
    O(names) prunes directories, volumes, leftovers and trash, and a warning says so.
  - The last copy of something is kept, unless O(last_copies=true). These are the newest generation of a backup, a
    generation that alone holds a volume, a directory without which a generation of O(backups) has no data, also one
    that was set aside since or is in the trash, data that was set aside of a volume that has no other data, a backup
    that a recreation needs to resume, and data that a killed restore was moving.
  - What a user other than root finds in directories that a running node of O(cluster) has mounted is moved and removed
    in that node; RV(through_nodes) says so.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
  - kindlab.volumes._api
options:
  directories:
    description:
      - Further directories of the host to search for directories of volumes, for example those of a cluster that was
        deleted.
      - With O(directories) or O(backups), O(cluster) need not exist.
    type: list
    elements: path
  backups:
    description:
      - Directories of backups, as M(kindlab.volumes.volume_backup) writes them. Their generations are shown, and
        directories that they need are kept.
      - Name all backups of the cluster. A backup that is not named is not known.
    type: list
    elements: path
  kinds:
    description: Limits everything to these kinds. By default all are shown, and all but V(trash) are removed.
    type: list
    elements: str
    choices: [directory, volume, set_aside, generation, leftover, trash]
  names:
    description:
      - Removes what has one of these names, which is a path, its last part, or the name of a PersistentVolume.
      - The module fails if one of them cannot be removed, or if several have it. A name that nothing of O(kinds) has,
        or has any more, is a warning.
    type: list
    elements: str
  matching:
    description:
      - Removes what matches one of these shell patterns by name, by the last part of its path, by the name of its
        volume, or by its claim as V(namespace/name).
      - What must be kept is kept, and the result says why.
    type: list
    elements: str
  older_than:
    description:
      - Removes what was changed last at least so long ago. The unit is V(s), V(m), V(h), V(d) or V(w), V(s) if it is
        omitted.
      - The age of a directory is that of the latest change of any file in it, also of its owner or mode. That of a
        Released volume begins when its claim was deleted, if that is later; where the API server does not record that,
        it has no age, and only O(names) and O(matching) select it. That of a generation begins when it was
        written, that of data that was set aside when that was done, and in the trash when it was moved there.
      - What must be kept is kept, and the result says why.
    type: str
  trash:
    description:
      - Whether to move it into the directory V(.kindlab-trash) beside it, on the same file system, from where it can be
        moved back, or to remove it for good.
      - A Released volume that was moved to the trash can't be restored from there, but its data can.
    type: bool
    default: true
  last_copies:
    description: Whether the last copy of something may be removed, too.
    type: bool
    default: false
notes:
  - If several of O(names), O(matching) and O(older_than) are given, all of them must match.
  - Other users of a directory are not known, for example clusters that are not kind clusters or are on another host,
    and processes of the host outside of nodes.
  - If the path of a volume has symbolic links with absolute targets in the node, only the first of them is followed.
  - Data inside nodes is not removed. It is deleted together with its node.
  - C(docs/volumes.md) of the collection says what happens to each kind of volume.
seealso:
  - module: kindlab.volumes.volume_info
  - module: kindlab.volumes.volume_backup
"""

EXAMPLES = r"""
- name: Show what could be pruned, and why the rest is kept
  kindlab.volumes.volume_prune:
    cluster: lab
    backups: [/srv/backups/lab]
  register: left

- name: Move directories and Released volumes to the trash that nobody has changed for 30 days
  kindlab.volumes.volume_prune:
    cluster: lab
    backups: [/srv/backups/lab]
    kinds: [directory, volume]
    older_than: 30d

- name: Move to the trash what restores set aside more than two weeks ago
  kindlab.volumes.volume_prune:
    cluster: lab
    backups: [/srv/backups/lab]
    kinds: [set_aside]
    older_than: 2w

- name: Remove for good what has been in the trash for a week
  kindlab.volumes.volume_prune:
    cluster: lab
    backups: [/srv/backups/lab]
    kinds: [trash]
    older_than: 1w

- name: Prune one directory of a cluster that was deleted
  kindlab.volumes.volume_prune:
    cluster: lab
    directories: [/srv/lab]
    names: [/srv/lab/pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_default_old]

- name: Prune everything that was made for claims of a namespace
  kindlab.volumes.volume_prune:
    cluster: lab
    backups: [/srv/backups/lab]
    matching: [test/*]
"""

RETURN = r"""
found:
  description: What was found of the requested kinds, without what is in use.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(directory), V(volume), V(set_aside), V(generation), V(leftover) or V(trash).
      type: str
    name:
      description: Its path; of a volume, the name of the PersistentVolume.
      type: str
    directory:
      description: Path on the host; empty for a volume whose directory is missing, or is not on the host.
      type: str
    volume:
      description: Name of the PersistentVolume that it was made for; empty if that is unknown.
      type: str
    claim:
      description: The claim that it was made for as V(namespace/name); empty if that is unknown.
      type: str
    bytes:
      description: Size on the disk; null if it is unknown.
      type: int
    since:
      description: When it was changed last, or set aside; empty if that is unknown.
      type: str
    age:
      description: The same in seconds before now; null if it is unknown.
      type: int
    kept:
      description: Why it can't be removed; empty if it can, or was.
      type: str
    next_step:
      description: What you can do about it; empty for nothing.
      type: str
    last_copy:
      description: Whether it is kept, or would be, as the last copy of something.
      type: bool
    pruned:
      description: Whether it was removed or moved to the trash.
      type: bool
    moved_to:
      description: Where it was moved; empty if it was removed.
      type: str
  sample:
    - kind: directory
      name: /srv/lab/pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_default_old
      directory: /srv/lab/pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_default_old
      volume: pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de
      claim: default/old
      bytes: 1056768
      since: '2026-01-02T03:04:05Z'
      age: 3024000
      kept: ''
      next_step: ''
      last_copy: false
      pruned: true
      moved_to: /srv/lab/.kindlab-trash/20260206T030405Z/pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_default_old
pruned:
  description: Names of what was removed or moved to the trash.
  returned: success
  type: list
  elements: str
  sample: [/srv/lab/pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de_default_old]
bytes:
  description: Its size. The trash still takes the same room.
  returned: success
  type: int
  sample: 1056768
through_nodes:
  description: A line about what was moved or removed in a node, because this user may not do so on the host; or empty.
  returned: success
  type: str
  sample: >-
    The data of 1 volume is read and written through nodes, because this user may not do so on this host:
    pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c1 (/var/local-path-provisioner/pvc-0d4c6a1e_default_database in lab-worker)
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_prune as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS, others=action.OTHERS)


if __name__ == "__main__":
    main()
