# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The provisioner hostpath, this collection's own: volumes without node affinity in a directory of all nodes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.deployments import argv, containers, flag
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume

from .base import VOLUME_NAME, Images, Provisioner, Settings
from .manifests import POD_NAMESPACE, Rbac, deployment_manifest, objects, rule

NAME = "hostpath-provisioner"
DRIVER = "kindlab.volumes/hostpath"
LEASE = DRIVER.replace("/", "-")
# The annotation of a volume with the name of the directory that was made for it.
DIRECTORY = "kindlab.volumes/hostpath-directory"
# As the role node_image names it: no registry has it.
IMAGE = "kindlab/hostpath-provisioner:v13.0.0"
REPLICAS = 3
# The longest name that Linux's file systems take, in bytes.
_LONGEST = 255
# hostdir.Name: claim's namespace and name, both of which may have a "-", and the volume.
_DIRECTORY = re.compile(rf"[a-z0-9][a-z0-9.-]*-({VOLUME_NAME})")
RBAC = Rbac(
    NAME,
    f"kindlab-{NAME}",
    f"kindlab-{NAME}",
    namespace_rules=(
        rule("coordination.k8s.io", "leases", "get update", resourceNames=[LEASE]),
        rule("coordination.k8s.io", "leases", "create"),
    ),
    cluster_rules=(
        rule("", "persistentvolumeclaims", "get list watch"),
        rule("", "persistentvolumes", "get list watch create patch delete"),
        rule("", "events", "create patch"),
        rule("storage.k8s.io", "storageclasses", "get list watch"),
    ),
)


class HostPath(Provisioner):
    """Replicas that elect a leader, and no helper pods."""

    name = "hostpath"
    driver = DRIVER
    deployment = NAME
    namespace = "hostpath-storage"
    node_path = "/tmp/hostpath-provisioner"  # noqa: S108
    program = NAME
    image = IMAGE
    flags: ClassVar = {
        "worker_threads": "worker-threads",
        "provisioning_retries": "provisioning-retries",
        "deletion_retries": "deletion-retries",
    }
    unsupported = ("helper_image", "helper_timeout")

    def paths(self, deployment: Object, _config_map: Object | None) -> list[Object]:
        path = flag(argv(containers(deployment)[0]), "directory")
        return [{"node": "", "paths": [path]}] if path else []

    def cannot_delete_reason(self, volume: Volume, directories: Sequence[str]) -> str:
        if volume.node_directory.rpartition("/")[0] in directories:
            return ""
        return f"{volume.node_directory} is not in {', '.join(directories)}"

    def cannot_provision_reason(self, claim: Object) -> str:
        return "it has a selector" if claim["spec"].get("selector") else ""

    def annotations(self, directory: str) -> Object:
        """Source: madeDirectory in provisioner.go; it deletes no other directory."""
        return {**super().annotations(directory), DIRECTORY: directory}

    def directory_name(self, volume: str, claim: str) -> str:
        """As hostdir.Name does, which takes what is too long from the claim's name."""
        words = claim.replace("/", "-")[: _LONGEST - len(volume) - 1].rstrip("-.")
        return f"{words}-{volume}"

    def made_for(self, directory: str) -> tuple[str, str] | None:
        found = _DIRECTORY.fullmatch(directory)
        return (found[1], "") if found else None

    def manifests(self, settings: Settings, images: Images) -> tuple[Object, ...]:
        """The replicas fill in the lease."""
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE}}
        directory = self.directory(settings)
        container = {
            "image": images.program,
            "command": [NAME, "--provisioner", DRIVER, "--directory", directory, *self.flag_arguments(settings)],
            "env": [POD_NAMESPACE],
            # The same path inside: the directory that the program creates is the one that the volume names.
            "volumeMounts": [{"name": "volumes", "mountPath": directory}],
            # root with no capability but those needed to remove files of other users
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"add": ["DAC_OVERRIDE", "FOWNER"], "drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            },
        }
        spread = {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app": NAME}},
        }
        pod = {
            "topologySpreadConstraints": [spread],
            "volumes": [{"name": "volumes", "hostPath": {"path": directory, "type": "DirectoryOrCreate"}}],
        }
        replicas = REPLICAS if settings.replicas is None else settings.replicas
        return objects(
            settings.namespace, RBAC, lease, deployment_manifest(NAME, NAME, container, pod, replicas=replicas)
        )
