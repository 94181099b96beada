#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kind_cluster
short_description: Create, start or delete a kind cluster without losing data of its volumes
version_added: 0.1.0
description:
  - Creates a kind cluster whose nodes share directories of the host, and waits until its nodes are ready and pods can
    be created. Warns if the cluster has no default storage class.
  - Before anything is created it is checked that the host can run the cluster - that the node image is there or can be
    pulled, that host directories, ports and node names are free, that there are enough inotify instances and disk
    space, that the kubelet of the image knows the feature gates, and that patches are valid. If kind fails
    nevertheless, the cause is looked for in the journals of the nodes and reported first.
  - Starts the nodes of a stopped cluster, and completes an interrupted creation or deletion. What an interrupted run
    left is replaced only if it is proven that nobody uses it; if that cannot be known, the task fails.
  - Fails if an existing cluster differs from the requested one, because kind cannot change a cluster, and lists the
    differences in RV(ignore:details). Change the options, or recreate the cluster with its volumes.
  - O(state=absent) is refused if volumes would lose data, unless O(force=true). The cluster can be deleted when nothing
    uses its volumes (see M(kindlab.volumes.volume_detach)), their data is not deleted with the nodes, and O(backup)
    contains the current state of every volume.
  - Fails, also with O(force=true), if O(kubeconfig) leads to another cluster, whose CA certificate differs from that in
    the nodes.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
options:
  name:
    description: Name of the cluster. The names of its nodes begin with it, and volumes refer to nodes by name.
    type: str
    default: kind
  state:
    description: Whether the cluster should exist and run.
    type: str
    choices: [present, absent]
    default: present
  image:
    description:
      - Node image, which determines the version of Kubernetes. By default kind chooses it.
      - It must be in the container engine, or in a registry that answers.
    type: str
  config:
    description:
      - A configuration of kind (C(kind.x-k8s.io/v1alpha4)), as the path of its file on the managed host or as its
        content. RV(kindlab.volumes.kind_cluster_info#module:clusters[].config) has that of an existing cluster.
      - Other options count over it. O(control_planes) and O(workers) change the number of its nodes; the last ones go,
        and new ones have what all nodes of their role have in common. O(nodes) takes the place of all of them.
        O(mounts), O(ports) and O(labels) are added to those of its nodes, and take the place of a mount on the same
        path, of the same port of a node, and of the same label. O(networking), O(feature_gates), O(runtime_config) and
        O(kind_fields) are merged by key, and patches come after its own. O(image) is the image of nodes that have none
        in it.
      - Fields that no option sets are passed on as they are, see O(kind_fields). C(name), if it has one, must be that
        of the cluster. Host paths must be absolute.
    type: raw
  kind:
    description: Path of the kind program. By default it is looked up on E(PATH).
    type: path
  control_planes:
    description: Number of control plane nodes. Defaults to V(1), or to those of O(config).
    type: int
  workers:
    description: Number of worker nodes. Defaults to V(0), or to those of O(config).
    type: int
  nodes:
    description:
      - List of nodes, instead of O(control_planes) and O(workers).
      - O(image), O(labels) and O(mounts) apply to them as well.
    type: list
    elements: dict
    suboptions:
      role:
        description: Role of the node.
        type: str
        choices: [control-plane, worker]
        default: control-plane
      image:
        description: Image of the node, instead of O(image).
        type: str
      labels:
        description: Labels of the node, in addition to O(labels).
        type: dict
      mounts:
        description: Mounts of the node, in addition to O(mounts).
        type: list
        elements: dict
        suboptions: &mount
          host_path:
            description: Absolute path of the directory on the host.
            type: path
            required: true
          node_path:
            description: Absolute path of the mount in the node.
            type: str
            required: true
          read_only:
            description: Whether the mount is read-only.
            type: bool
            default: false
          create:
            description: Whether to create a missing host directory. With V(false), it must exist, and may be a file.
            type: bool
            default: true
          mode:
            description:
              - Octal permissions of a directory that is created, in quotes. Those of an existing one are not changed.
              - The provisioner sets the permissions of volumes below it.
            type: raw
            default: '0755'
          propagation:
            description: Mount propagation.
            type: str
            choices: [None, HostToContainer, Bidirectional]
          kind_fields:
            description: Fields of the mount that no other option sets, for example C(selinuxRelabel).
            type: dict
      ports:
        description: Ports of the node to publish on the host.
        type: list
        elements: dict
        suboptions: &port
          node_port:
            description: Port of the node.
            type: int
            required: true
          host_port:
            description: Port of the host; V(0) chooses a free one, V(-1) lets the engine choose one at each start.
            type: int
            default: 0
          listen:
            description: Address of the host to listen on. Defaults to all addresses.
            type: str
          protocol:
            description: Protocol of the port.
            type: str
            choices: [TCP, UDP, SCTP]
            default: TCP
      patches:
        description: Patches of kubeadm's configuration for this node, in the form of O(kubeadm_patches).
        type: list
        elements: raw
      kind_fields:
        description: Fields of the node that no other option sets, for example C(kubeadmConfigPatchesJSON6902).
        type: dict
  mounts:
    description: Host directories to mount in all nodes, or in the nodes with certain roles.
    type: list
    elements: dict
    suboptions:
      <<: *mount
      roles:
        description: Roles of the nodes that get the mount. Defaults to all nodes.
        type: list
        elements: str
        choices: [control-plane, worker]
  ports:
    description: Ports of the first control plane node to publish on the host.
    type: list
    elements: dict
    suboptions: *port
  labels:
    description: Labels of all nodes.
    type: dict
  kubeadm_patches:
    description:
      - Patches of kubeadm's configuration, as YAML text or as dictionaries, each with its C(kind).
      - A patch with an C(apiVersion) only applies to a configuration of that version, so patches for several versions
        of Kubernetes can be combined.
    type: list
    elements: raw
  containerd_patches:
    description: Patches of containerd's configuration, as TOML text.
    type: list
    elements: str
  feature_gates:
    description: Feature gates of Kubernetes, each V(true) or V(false).
    type: dict
  runtime_config:
    description: Runtime configuration of the API server, for example the key C(api/alpha) with the value V(true).
    type: dict
  networking:
    description:
      - Network settings of kind, with the keys C(ip_family), C(api_server_port), C(api_server_address), C(pod_subnet),
        C(service_subnet), C(disable_default_cni), C(kube_proxy_mode) and C(dns_search).
      - With C(disable_default_cni), the module does not wait for nodes and storage.
    type: dict
  kind_fields:
    description:
      - Fields of kind's configuration that no other option sets, under kind's own names, for example
        C(kubeadmConfigPatchesJSON6902) or C(containerdConfigPatchesJSON6902).
      - They are passed on as they are. Before a cluster is created, kind itself is asked whether it knows them.
    type: dict
  controller_manager_qps:
    description:
      - Requests per second that the controller manager may send; bursts may be twice as large.
      - The default of kubeadm is 20. With it hundreds of claims take minutes to bind.
    type: int
  kubeconfig:
    description:
      - Path of the kubeconfig file of this cluster. The default is V(~/.kube/kind-NAME.yaml).
      - It is written again if it is missing.
      - It may be shared by several clusters.
      - The user's own kubeconfig is not changed, except by O(merge_kubeconfig), and by O(state=absent), which removes
        the cluster's entries, and those of an earlier cluster of this name on this host. Entries that have another CA
        certificate than the nodes stay, with a warning, if an API server answers by them, as through a tunnel, or if
        another engine has a cluster of this name.
    type: path
  merge_kubeconfig:
    description:
      - Whether to add the cluster to the user's own kubeconfig as well. An entry of an earlier cluster of this name is
        replaced.
      - It becomes the current context if that file has none.
    type: bool
    default: false
  retain_on_failure:
    description: Whether to keep the nodes for inspection if kind fails. The next run replaces them.
    type: bool
    default: false
  wait_for:
    description: Whether to wait until all nodes are ready, or only control planes, as C(kind create cluster --wait).
    type: str
    choices: [nodes, control_planes]
    default: nodes
  wait_timeout:
    description:
      - Maximum number of seconds until the cluster is usable or deleted. All that kind and the container engine do
        counts, including the download of an image, and the wait for another run on the cluster.
      - A check of O(backup) takes as long as it takes.
    type: int
    default: 600
  backup:
    description:
      - Path of a backup by M(kindlab.volumes.volume_backup), for O(state=absent). Its newest generation must contain
        the current state, with checksums, of every volume that has a directory in the nodes. Files are compared by size
        and time, and by content if these differ and the backup has full checksums.
      - Data inside a node must be in an archive, whose checksum is verified. Of volumes whose data is elsewhere (NFS,
        iSCSI, CSI, block devices) the backup must contain the manifests. A CSI driver that ties a volume to nodes may
        have its data in them - see O(accept_loss).
      - Volumes of M(kindlab.volumes.local_data), generic ephemeral volumes, and volumes without a claim that have no
        directory yet need no backup.
    type: path
  force:
    description: Whether to delete the cluster even if volumes lose data or cannot be checked.
    type: bool
    default: false
  accept_loss:
    description:
      - Names of volumes, or of their claims as V(NAMESPACE/NAME), that O(state=absent) does not refuse although their
        CSI driver ties them to nodes of the cluster, and may have their data in these. It is for data that is not
        needed, that its owner copied, or whose directory is mounted from the host.
      - Also absolute paths of directories inside nodes that workloads write to without a PersistentVolume
        (C(hostPath)). Those with data are refused, unless they belong to the node or to kube-system, or only DaemonSets
        write to them, which is a warning.
    type: list
    elements: str
  assume_unused:
    description:
      - Names of volumes whose users a M(kindlab.volumes.volume_detach) before this task stops. Only used in check mode,
        where that module stopped nothing. Then O(state=absent) does not refuse them as in use.
      - The role P(kindlab.volumes.cluster#role) sets it after the role P(kindlab.volumes.detach#role).
    type: list
    elements: str
  assume_saved:
    description:
      - Names of volumes that a M(kindlab.volumes.volume_backup) before this task saves to O(backup). Only used in check
        mode, where that module wrote nothing. Then O(state=absent) does not compare them with a backup, and refuses all
        other volumes.
      - Leave out those that it saves without checksums, whose C(digest) is empty, unless their data is elsewhere.
      - The role P(kindlab.volumes.cluster#role) sets it after the role P(kindlab.volumes.backup#role).
    type: list
    elements: str
  assume_image:
    description:
      - Whether a task before this one provides the node images. Only used in check mode, where it provided none. Then
        images that the engine does not have are not refused.
      - The role P(kindlab.volumes.cluster#role) sets it after the role P(kindlab.volumes.node_image#role).
    type: bool
    default: false
requirements:
  - kind >= 0.23
  - kubernetes (Python library) >= 30
notes:
  - C(docs/volumes.md) of the collection says what happens to each kind of volume.
  - What a new cluster brings by itself is recorded in the ConfigMap C(kindlab-baseline) in the same namespace as the
    configuration, so that M(kindlab.volumes.object_backup) tells it from what people made.
  - The requested configuration is recorded in the ConfigMap C(kindlab-cluster) in the namespace C(kube-system), because
    node containers do not show all of it. A cluster that was created by other means is compared with what its
    containers show; if nothing differs, the requested configuration is recorded in it.
  - While a cluster is being created or deleted, a marker file C(kind-NAME.unfinished) exists in the directory of its
    kubeconfig. It says who does that, since when, and is locked as long as a run is active.
seealso:
  - module: kindlab.volumes.kind_cluster_info
  - module: kindlab.volumes.volume_backup
  - module: kindlab.volumes.volume_restore
"""

EXAMPLES = r"""
- name: Create a cluster whose volumes are in one host directory
  kindlab.volumes.kind_cluster:
    name: lab
    workers: 2
    mounts:
      - {host_path: /srv/lab/volumes, node_path: /var/local-path-provisioner}

- name: Create a cluster for hundreds of claims, with a published port and another mount in the workers
  kindlab.volumes.kind_cluster:
    name: lab
    image: kindest/node:v1.34.8
    workers: 2
    controller_manager_qps: 1000
    mounts:
      - {host_path: /srv/lab/volumes, node_path: /var/local-path-provisioner}
      - {host_path: /srv/lab/scratch, node_path: /scratch, roles: [worker], mode: '0777'}
    ports:
      - {node_port: 30080, host_port: 8080, listen: 127.0.0.1}

- name: Create a cluster with different nodes
  kindlab.volumes.kind_cluster:
    name: lab
    nodes:
      - role: control-plane
      - role: worker
        labels: {disk: fast}
        mounts: [{host_path: /srv/fast, node_path: /fast}]

- name: Create the cluster that a configuration file of kind describes
  kindlab.volumes.kind_cluster:
    name: lab
    config: /srv/lab/kind.yaml

- name: Create a cluster like one that exists, with a worker more, and with volumes in a directory of the host
  kindlab.volumes.kind_cluster:
    name: copy
    config: "{{ (kind.clusters | selectattr('name', 'eq', 'lab') | first).config | combine({'name': 'copy'}) }}"
    workers: 3
    mounts:
      - {host_path: /srv/copy/volumes, node_path: /var/local-path-provisioner}

- name: Create a cluster with a field of kind for which there is no option
  kindlab.volumes.kind_cluster:
    name: lab
    config:
      kind: Cluster
      apiVersion: kind.x-k8s.io/v1alpha4
      nodes:
        - role: control-plane
        - role: worker
          extraMounts: [{hostPath: /srv/lab, containerPath: /srv/lab, selinuxRelabel: true}]

- name: Delete the cluster unless volumes would lose data
  kindlab.volumes.kind_cluster:
    name: lab
    state: absent
    backup: /srv/lab/backup
"""

RETURN = r"""
cluster:
  description:
    - The cluster after the task, or as it would be in check mode - its C(name), C(state) and C(nodes), as
      M(kindlab.volumes.kind_cluster_info) returns them. The state of a deleted cluster is V(absent).
  returned: success
  type: dict
  sample:
    name: lab
    state: running
    nodes:
      - name: lab-control-plane
        role: control-plane
        state: running
        exit_reason: ''
        image: kindest/node:v1.34.8
        mounts:
          - {host_path: /srv/lab/volumes, node_path: /var/local-path-provisioner, read_only: false}
        ports:
          - {node_port: 30080, host_port: 8080, listen: 127.0.0.1, protocol: TCP}
kubeconfig:
  description: Path of the cluster's kubeconfig.
  returned: success
  type: str
  sample: /home/user/.kube/kind-lab.yaml
context:
  description: Context of the cluster in that file.
  returned: success
  type: str
  sample: kind-lab
kubernetes_version:
  description: Version of the API server; empty if it was not read.
  returned: success
  type: str
  sample: v1.34.8
reachable:
  description: Whether the API server answers by that file; in check mode, whether it does before anything is done.
  returned: success
  type: bool
  sample: true
seconds:
  description: Duration in seconds, C(create) of kind and C(total); empty in check mode.
  returned: success
  type: dict
  sample: {create: 21.4, total: 24.0}
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import kind_cluster as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS, others=action.OTHERS, **action.RULES)


if __name__ == "__main__":
    main()
