#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kind_cluster
short_description: Create, start or remove a kind cluster without losing its volumes
version_added: 0.1.0
description:
  - Creates a kind cluster whose nodes share directories of the host, and waits until its nodes are ready and pods can
    be made. Warns where it has no default storage class.
  - Starts the nodes of a cluster that was stopped, and completes what an interrupted run has begun.
  - An existing cluster that is not as asked for is never changed or removed. The task fails with RV(ignore:details),
    the list of differences, as kind can't change a cluster; recreate it with its volumes, or make the options match.
  - O(state=absent) is refused while it is not safe for volumes, unless O(force=true). It is safe where nothing holds a
    volume any more (see M(kindlab.volumes.volume_detach)), the data outlives the cluster, and O(backup) holds every
    volume as it is now.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
options:
  name:
    description: The cluster's name. Its nodes are called after it, and volumes remember their nodes.
    type: str
    default: kind
  state:
    description: Whether the cluster is there and runs.
    type: str
    choices: [present, absent]
    default: present
  image:
    description:
      - The node image; kind's own default without this.
      - It decides the version of Kubernetes.
    type: str
  kind:
    description: The kind program, where it is not the one on E(PATH).
    type: path
  control_planes:
    description: How many control plane nodes.
    type: int
    default: 1
  workers:
    description: How many worker nodes.
    type: int
    default: 0
  nodes:
    description:
      - The nodes in full, instead of O(control_planes) and O(workers).
      - What is given for all nodes (O(image), O(labels), O(mounts)) holds for them too.
    type: list
    elements: dict
    suboptions:
      role:
        description: What the node is.
        type: str
        choices: [control-plane, worker]
        default: control-plane
      image:
        description: Its image, instead of O(image).
        type: str
      labels:
        description: Its labels beside O(labels).
        type: dict
      mounts:
        description: Its mounts beside O(mounts).
        type: list
        elements: dict
        suboptions: &mount
          host_path:
            description: The directory on the host, from / on.
            type: path
            required: true
          node_path:
            description: Where it is in the node, from / on.
            type: str
            required: true
          read_only:
            description: Whether the node can only read it.
            type: bool
            default: false
          create:
            description:
              - Make the directory where it is missing.
              - With V(false), it has to be there, and may be a file.
            type: bool
            default: true
          mode:
            description:
              - The permissions of a directory that is made, in octal and in quotes. One that is there stays as it is.
              - Volumes below it get permissions of their own from their provisioner.
            type: raw
            default: '0755'
          propagation:
            description: How mounts inside it are passed on.
            type: str
            choices: [None, HostToContainer, Bidirectional]
      ports:
        description: Its ports that are published on the host.
        type: list
        elements: dict
        suboptions: &port
          node_port:
            description: The node's port.
            type: int
            required: true
          host_port:
            description: The host's port; V(0) takes one that is free.
            type: int
            default: 0
          listen:
            description: The host's address; all without this.
            type: str
          protocol:
            description: The protocol.
            type: str
            choices: [TCP, UDP, SCTP]
            default: TCP
      patches:
        description: Patches of kubeadm's configuration for this node, as in O(kubeadm_patches).
        type: list
        elements: raw
  mounts:
    description: Directories of the host in the nodes, each declared once for all nodes or for the roles it names.
    type: list
    elements: dict
    suboptions:
      <<: *mount
      roles:
        description: The roles of the nodes that get it; all without this.
        type: list
        elements: str
        choices: [control-plane, worker]
  ports:
    description: Ports of the first control plane that are published on the host.
    type: list
    elements: dict
    suboptions: *port
  labels:
    description: Labels of all nodes.
    type: dict
  kubeadm_patches:
    description:
      - Patches of kubeadm's configuration, as text in YAML or as dictionaries, each with its C(kind).
      - A patch with an C(apiVersion) is used only where kubeadm's configuration has that version, so patches for
        several versions of Kubernetes can be given together.
    type: list
    elements: raw
  containerd_patches:
    description: Patches of containerd's configuration, as text in TOML.
    type: list
    elements: str
  feature_gates:
    description: Feature gates of Kubernetes by name, V(true) or V(false).
    type: dict
  runtime_config:
    description: The API server's runtime configuration, for example C(api/alpha=true) as a key and a value.
    type: dict
  networking:
    description:
      - kind's networking, with the keys C(ip_family), C(api_server_port), C(api_server_address), C(pod_subnet),
        C(service_subnet), C(disable_default_cni), C(kube_proxy_mode) and C(dns_search).
      - With C(disable_default_cni), nodes and storage are not waited for.
    type: dict
  controller_manager_qps:
    description:
      - How many requests a second the controller manager may send, with bursts of twice as many.
      - kubeadm's default is 20, at which hundreds of claims take minutes to bind.
    type: int
  kubeconfig:
    description:
      - The file that leads to this cluster, V(~/.kube/kind-NAME.yaml) without this.
      - It is written again where it is missing. The user's own kubeconfig is left alone.
    type: path
  merge_kubeconfig:
    description:
      - Write the cluster into the user's own kubeconfig too, and make it the current context there, as kind does.
      - With O(state=absent), kind's entries for the cluster are removed from there in any case.
    type: bool
    default: false
  retain_on_failure:
    description: Keep the nodes where kind fails, to look into them. The next run replaces them.
    type: bool
    default: false
  wait_for:
    description:
      - Which nodes have to be ready, all or the control planes only.
      - kind's own C(--wait) waits for control planes only; workers take some seconds more.
    type: str
    choices: [nodes, control_planes]
    default: nodes
  wait_timeout:
    description: How many seconds to wait for a cluster that was created or started, or for another run's end.
    type: int
    default: 300
  backup:
    description:
      - For O(state=absent), the directory of a backup by M(kindlab.volumes.volume_backup). Its newest generation must
        hold every volume with a directory in the nodes as it is now, with checksums. Files are compared by size and
        time, and by content where these differ and the backup has it.
      - Volumes of M(kindlab.volumes.local_data) need none. Data inside a node must be in an archive.
    type: path
  force:
    description: Remove the cluster whatever becomes of volumes, or although that can't be known.
    type: bool
    default: false
requirements:
  - kind >= 0.23
  - kubernetes (Python library) >= 30
notes:
  - What was asked for is recorded in the ConfigMap C(kindlab-cluster) of the namespace C(kube-system), as the node
    containers don't show all of it. Of clusters that were made otherwise, only what their containers show is compared.
  - While a cluster is being created or removed, a file C(.unfinished) lies next to its kubeconfig. Where a run was
    killed, the next one completes what it had begun, or repeats it where kind itself had not come to its end.
seealso:
  - module: kindlab.volumes.kind_cluster_info
  - module: kindlab.volumes.volume_backup
  - module: kindlab.volumes.volume_restore
"""

EXAMPLES = r"""
- name: Have a cluster whose volumes lie in one directory of the host
  kindlab.volumes.kind_cluster:
    name: lab
    workers: 2
    mounts:
      - host_path: /srv/lab/volumes
        node_path: /var/local-path-provisioner

- name: Have one for hundreds of claims, with a port and an extra disk for the workers
  kindlab.volumes.kind_cluster:
    name: lab
    image: kindest/node:v1.34.4
    workers: 2
    controller_manager_qps: 1000
    mounts:
      - {host_path: /srv/lab/volumes, node_path: /var/local-path-provisioner}
      - {host_path: /srv/lab/scratch, node_path: /scratch, roles: [worker], mode: '0777'}
    ports:
      - {node_port: 30080, host_port: 8080, listen: 127.0.0.1}

- name: Describe each node
  kindlab.volumes.kind_cluster:
    name: lab
    nodes:
      - role: control-plane
      - role: worker
        labels: {disk: fast}
        mounts:
          - {host_path: /srv/fast, node_path: /fast}

- name: Remove it, unless volumes would lose data
  kindlab.volumes.kind_cluster:
    name: lab
    state: absent
"""

RETURN = r"""
cluster:
  description: The cluster after the task; in check mode as it would be.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    state:
      description: V(running), V(partly running), V(stopped) or V(absent).
      type: str
    nodes:
      description:
        - The nodes, each with C(name), C(role), C(state), C(ended), C(image), C(mounts) and C(ports).
        - Mounts and ports that kind adds of its own are left out.
      type: list
      elements: dict
  sample:
    name: lab
    state: running
    nodes:
      - name: lab-control-plane
        role: control-plane
        state: running
        ended: ''
        image: kindest/node:v1.34.4
        mounts:
          - {host_path: /srv/lab/volumes, node_path: /var/local-path-provisioner, read_only: false}
        ports:
          - {node_port: 30080, host_port: 8080, listen: 127.0.0.1, protocol: TCP}
kubeconfig:
  description: The file that leads to the cluster.
  returned: success
  type: str
  sample: /home/user/.kube/kind-lab.yaml
context:
  description: The context in that file.
  returned: success
  type: str
  sample: kind-lab
kubernetes_version:
  description: The API server's version; empty where it was not read.
  returned: success
  type: str
  sample: v1.34.4
seconds:
  description: How long it took, C(create) for kind and C(total); empty in check mode.
  returned: success
  type: dict
  sample: {create: 21.4, total: 24.0}
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import kind_cluster as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS, **action.RULES)


if __name__ == "__main__":
    main()
