# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The provisioner hostpath, this collection's own: its manifests, and how to recognise and read one that runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.deployments import argv, containers, flag
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume

from . import manifests as parts
from .manifests import Images
from .request import Request

NAME = "hostpath-provisioner"
DRIVER = "kindlab.volumes/hostpath"
LEASE = DRIVER.replace("/", "-")
# As the role node_image names it: no registry has it.
IMAGE = "kindlab/hostpath-provisioner:v13.0.0"
REPLICAS = 3
FLAGS = {
    "worker_threads": "worker-threads",
    "provisioning_retries": "provisioning-retries",
    "deletion_retries": "deletion-retries",
}
RIGHTS = parts.Rights(
    NAME,
    f"kindlab-{NAME}",
    f"kindlab-{NAME}",
    inside=(
        parts.rule("coordination.k8s.io", "leases", "get update", resourceNames=[LEASE]),
        parts.rule("coordination.k8s.io", "leases", "create"),
    ),
    everywhere=(
        parts.rule("", "persistentvolumeclaims", "get list watch"),
        parts.rule("", "persistentvolumes", "get list watch create patch delete"),
        parts.rule("", "events", "create patch"),
        parts.rule("storage.k8s.io", "storageclasses", "get list watch"),
    ),
)


class HostPath:
    """The provisioner hostpath: volumes without node affinity in a directory that is the same on all nodes."""

    driver = DRIVER
    deployment = NAME
    config_map = ""
    binds_at_once = True
    shared = True

    def check(self, request: Request) -> None:
        """Raise BadInput for what this provisioner can't do."""
        parts.one_directory(request)
        parts.refuse_options(request, "helper_image", "helper_timeout")

    def serves(self, deployment: Object) -> bool:
        """True for a Deployment that makes volumes under this driver's name, whoever installed it."""
        return parts.serves(deployment, NAME, ("", ""), self.driver, "provisioner")

    def is_configured(self, config_map: Object | None) -> bool:
        """True: one of this driver is this provisioner."""
        del config_map
        return True

    def images(
        self, request: Request, deployment: Object | None, config_map: Object | None, nodes: Iterable[Object]
    ) -> Images:
        """As asked for, else as the current provisioner has it, else as all nodes have it, else as it is built here."""
        del config_map
        return Images(parts.program_image(request.image, deployment, nodes, NAME, IMAGE))

    def running(self, deployment: Object | None, config_map: Object | None) -> tuple[str, str]:
        """The image of a provisioner that is there, '' where there is none; it runs no other."""
        del config_map
        return (containers(deployment)[0].get("image", "") if deployment else ""), ""

    def paths(self, deployment: Object, config_map: Object | None) -> list[Object]:
        """Where a provisioner that is there makes volumes: [{node, paths}], node '' for all."""
        del config_map
        path = flag(argv(containers(deployment)[0]), "directory")
        return [{"node": "", "paths": [path]}] if path else []

    def abandons(self, volume: Volume, directories: Sequence[str]) -> str:
        """Why it would not remove a volume's directory; '' where it would. directories: where it makes volumes."""
        if volume.node_directory.rpartition("/")[0] in directories:
            return ""
        return f"{volume.node_directory} is not in {', '.join(directories)}"

    def refuses(self, claim: Object) -> str:
        """Why it would make no volume for a claim; '' where it would."""
        return "it has a selector" if claim["spec"].get("selector") else ""

    def manifests(self, request: Request, images: Images) -> tuple[Object, ...]:
        """All objects but the class, in the order in which they are made. The lease is filled in by the replicas."""
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE}}
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME}}
        spec = {"spec": _deployment(request, images.program)}
        return parts.objects(request.namespace, RIGHTS, lease, {**deployment, **spec})


def _deployment(request: Request, image: str) -> Object:
    labels, directory = {"app": NAME}, parts.one_directory(request)
    container = {
        "name": NAME,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": [
            *(NAME, "--provisioner", DRIVER, "--directory", directory),
            *parts.flags(request, FLAGS),
        ],
        "env": [parts.POD_NAMESPACE],
        # The same path inside: what the program makes is what a volume names.
        "volumeMounts": [{"name": "volumes", "mountPath": directory}],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        # root without its powers, but for those that remove what pods of other users have written
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
        "labelSelector": {"matchLabels": labels},
    }
    spec = {
        "serviceAccountName": NAME,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [parts.CONTROL_PLANE],
        "topologySpreadConstraints": [spread],
        "containers": [container],
        "volumes": [{"name": "volumes", "hostPath": {"path": directory, "type": "DirectoryOrCreate"}}],
    }
    return {
        "replicas": REPLICAS if request.replicas is None else request.replicas,
        # The program has no probe: one that ends at once is not taken for one that serves.
        "minReadySeconds": 1,
        # Replicas of two configurations must not stand in for each other.
        "strategy": {"type": "Recreate", "rollingUpdate": None},
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": spec},
    }
