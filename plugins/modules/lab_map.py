#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_map
short_description: Draw a map of kind clusters with their nodes, volumes, claims, pods and backups
version_added: 0.1.0
description:
  - Draws all kind clusters of a machine with their nodes, mounts and ports, and each volume where its data is, with its
    claim, the pods and workloads that use it, its size, its backup, and whether it survives if the cluster goes now, as
    M(kindlab.volumes.volume_info) says it.
  - Directories that no volume has, and claims that have no volume, are shown as well.
  - V(html) is one file that needs no network. It can be searched, filtered and printed, and follows the light or dark
    scheme of the browser. Volumes are grouped by place and namespace, so that a thousand of them stay readable.
  - V(text) is for a terminal, V(mermaid) for a document, and V(json) for programs and as O(before).
  - Sizes are those of the files in a directory when it was looked at. Of more than 50,000 entries the rest is not
    counted. Whether data is as it was saved is judged by number, size and modification time of its files.
  - Clusters are not changed. A cluster that does not answer is shown with its nodes, and a warning says why.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
attributes:
  diff_mode:
    support: partial
    details: Of a page only its size and the time at which it was made are shown.
options:
  clusters:
    description: Limits the map to clusters of these names. An empty list is an error.
    type: list
    elements: str
  kubeconfigs:
    description:
      - Paths of kubeconfig files, by the name of their cluster.
      - Defaults to V(~/.kube/kind-NAME.yaml), which M(kindlab.volumes.kind_cluster) writes. If that does not exist, the
        context V(kind-NAME) of E(KUBECONFIG) or of the default kubeconfig is used.
    type: dict
  backups:
    description:
      - Directories of backups, as M(kindlab.volumes.volume_backup) writes them. Each cluster is shown with the newest
        generation of its own one, which is found by the name of the cluster in it.
      - A backup that cannot be read is a warning.
    type: list
    elements: path
  verify:
    description:
      - V(fast) reads backups without their archives, and no data. Whether data inside a node is in its archive as it is
        now remains unknown.
      - V(full) reads and compares what a deletion does; with data inside nodes that takes as long as backing it up.
    type: str
    choices: [fast, full]
    default: fast
  host:
    description: What the machine is called in the map. Defaults to its host name.
    type: str
  maps:
    description:
      - Maps to draw together, as this module returned them for other machines. Nothing is looked at on this one.
    type: list
    elements: dict
  before:
    description: Path of an earlier map that was written with O(format=json). What came, went, moved or changed since is
      shown in front of the map, and returned.
    type: path
  path:
    description:
      - Path of the file to write. It is replaced by one rename; missing parent directories are created.
      - If it is omitted, the map is only returned.
    type: path
  format:
    description: Form of the map.
    type: str
    choices: [html, text, mermaid, json]
    default: html
  width:
    description: Number of characters in a line of O(format=text).
    type: int
    default: 100
  color:
    description: Whether O(format=text) has the colours of a terminal.
    type: bool
    default: false
requirements:
  - kubernetes (Python library) >= 30
seealso:
  - module: kindlab.volumes.volume_info
  - module: kindlab.volumes.volume_prune
"""

EXAMPLES = r"""
- name: Draw all clusters of this machine
  kindlab.volumes.lab_map:
    backups: [/srv/backups/lab]
    path: /srv/lab.html

- name: Show one cluster in the terminal
  kindlab.volumes.lab_map:
    clusters: [lab]
    format: text
  register: lab

- name: Print it
  ansible.builtin.debug:
    msg: "{{ lab.text.splitlines() }}"

- name: Record a map before a change
  kindlab.volumes.lab_map:
    clusters: [lab]
    path: /srv/before.json
    format: json

- name: Draw what has changed since
  kindlab.volumes.lab_map:
    clusters: [lab]
    before: /srv/before.json
    path: /srv/changes.html
"""

RETURN = r"""
map:
  description: The map as data. Its form is that of the file with O(format=json).
  returned: success
  type: dict
  contains:
    format:
      description: Number of the form.
      type: int
    created:
      description: When it was made.
      type: str
    hosts:
      description: The machines, each with C(name), C(engine) and C(clusters).
      type: list
      elements: dict
  sample:
    format: 1
    created: '2026-01-02T03:04:05Z'
    hosts:
      - name: host
        engine: docker
        clusters:
          - name: lab
            state: running
            problem: ''
            summary: 18 of 20 volumes survive; 2 are inside lab-worker and in no backup
path:
  description: Path of the file; empty if none was requested.
  returned: success
  type: str
  sample: /srv/lab.html
text:
  description: The map with O(format=text) or O(format=mermaid); otherwise empty.
  returned: success
  type: str
  sample: ''
summary:
  description: One line about each cluster.
  returned: success
  type: list
  elements: str
  sample: ['lab on host: 18 of 20 volumes survive; 2 are inside lab-worker and in no backup']
changes:
  description: What differs from O(before).
  returned: success
  type: list
  elements: dict
  contains:
    cluster:
      description: The cluster and its machine.
      type: str
    what:
      description: The node, or the volume by its claim.
      type: str
    change:
      description: V(came), V(went), V(moved) or V(changed).
      type: str
    before:
      description: What was, in lines of text.
      type: list
      elements: str
    after:
      description: What is.
      type: list
      elements: str
  sample:
    - cluster: lab on host
      what: volume shop/web
      change: moved
      before: [/var/local-path-provisioner/pvc-1 in lab-worker]
      after: [/srv/lab/pvc-1]
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import lab_map as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS, others=action.OTHERS)


if __name__ == "__main__":
    main()
