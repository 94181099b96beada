# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Interface of a provisioner; to add one, write a subclass beside this and list it in registry.py."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import plain_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import rollout_complete
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.deployments import (
    argv,
    containers,
    env,
    find_image,
    flag,
    images_on,
    repository,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import PROVISIONED_BY, Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import is_number

# What the provisioners' library calls a volume: by the uid of its claim.
VOLUME_NAME = r"pvc-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True)
class NodePaths:
    """The directories for volumes on one node; node is '' for all nodes without an entry of their own."""

    node: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """All that the manifests depend on. Images are '' and numbers None unless requested."""

    name: str
    namespace: str
    paths: tuple[NodePaths, ...]
    binding_mode: str = "WaitForFirstConsumer"
    image: str = ""
    helper_image: str = ""
    replicas: int | None = None
    worker_threads: int | None = None
    provisioning_retries: int | None = None
    deletion_retries: int | None = None
    helper_timeout: int | None = None


@dataclass(frozen=True)
class Images:
    """The images of the program and of its helper pods ('' for none)."""

    program: str
    helper: str = ""


class Provisioner(ABC):
    """One provisioner; methods that are not abstract are defaults.

    name: the value of the option name. driver: the provisioner of its storage classes; of several with one driver only
    one is installed at a time. deployment, config_map: its objects' names ('' for none).
    namespace, node_path: where it runs and creates volumes by default. shared: whether that is one directory, the same
    in all nodes.
    program: the executable, and the repository of its image. image: the default one. flags: option -> flag for those
    options that are numbers. name_flag: the flag that changes the driver's name.
    stock: (namespace, name) of a Deployment that is this program whatever its image is called.
    helper_env: the variable that holds the directory which a helper pod works on. node_annotations: annotations of its
    volumes that name a node. unsupported: options that it rejects.
    """

    name: ClassVar[str]
    driver: ClassVar[str]
    deployment: ClassVar[str]
    config_map: ClassVar[str] = ""
    namespace: ClassVar[str]
    node_path: ClassVar[str]
    shared: ClassVar[bool] = True
    supports_immediate_binding: ClassVar[bool] = True
    program: ClassVar[str]
    image: ClassVar[str]
    flags: ClassVar[Mapping[str, str]] = {}
    name_flag: ClassVar[str] = "provisioner"
    stock: ClassVar[tuple[str, str]] = ("", "")
    helper_env: ClassVar[str] = ""
    node_annotations: ClassVar[Sequence[str]] = ()
    unsupported: ClassVar[Sequence[str]] = ()

    @abstractmethod
    def manifests(self, settings: Settings, images: Images) -> tuple[Object, ...]:
        """All objects but the storage class, in the order of their creation; the Deployment is the last."""

    @abstractmethod
    def paths(self, deployment: Object, config_map: Object | None) -> list[Object]:
        """Where an installed one creates volumes: [{node, paths}], node '' for all others."""

    def check(self, settings: Settings) -> None:
        """Raise BadInput for settings that it cannot have."""
        given = [name for name in self.unsupported if getattr(settings, name) not in (None, "")]
        if given:
            raise BadInput(f"{self.name} does not support {' or '.join(given)}.", next_step="Remove the option.")
        if settings.binding_mode == "Immediate" and not self.supports_immediate_binding:
            raise BadInput(
                f"{self.name} does not support binding_mode Immediate: it creates a volume on the node of the first pod"
                " that uses it.",
                next_step="Use binding_mode WaitForFirstConsumer.",
            )
        if self.shared:
            self.directory(settings)

    def directory(self, settings: Settings) -> str:
        """The directory of a shared provisioner. Raises BadInput if there are several."""
        entry = settings.paths[0]
        if len(settings.paths) > 1 or entry.node or len(entry.paths) != 1:
            raise BadInput(
                f"{self.name} needs exactly one directory, the same in all nodes; paths names several.",
                next_step="Use node_path.",
            )
        return entry.paths[0]

    def serves(self, deployment: Object) -> bool:
        """True for a Deployment that provisions for this driver, whoever installed it.

        One without a name of its own (flag, or variable PROVISIONER_NAME) has the driver's.
        """
        metadata = deployment["metadata"]
        for container in containers(deployment):
            words = argv(container)
            executable = words[0].rpartition("/")[2] if container.get("command") else ""
            names = (executable, repository(container.get("image", "")))
            if self.program in names or self.stock == (metadata["namespace"], metadata["name"]):
                name = flag(words, self.name_flag) or env(container, "PROVISIONER_NAME") or self.driver
                return name == self.driver
        return False

    def is_configured(self, _config_map: Object | None) -> bool:
        """True if a Deployment with this configuration is this provisioner, and not another one of its driver."""
        return True

    def installed_images(self, deployment: Object | None, _config_map: Object | None) -> Images:
        """The images of an installed one, '' if there is none."""
        return Images(containers(deployment)[0].get("image", "") if deployment else "")

    def images(
        self, settings: Settings, deployment: Object | None, config_map: Object | None, nodes: Iterable[Object]
    ) -> Images:
        """The images as requested, else as installed, else as all nodes have them, else the default.

        An installed image that neither runs nor is on any node is a mistake and must not be kept for ever.
        """
        nodes = tuple(nodes)
        installed = self.installed_images(deployment, config_map).program
        known = set(map(plain_name, images_on(nodes, any)))
        if deployment is not None and not rollout_complete(deployment) and plain_name(installed) not in known:
            installed = ""
        return Images(settings.image or installed or find_image(images_on(nodes, all), (self.program,)) or self.image)

    def flag_arguments(self, settings: Settings) -> list[str]:
        """The requested numbers as arguments of the program."""
        values = {name: getattr(settings, option) for option, name in self.flags.items()}
        return [word for name, value in values.items() if value is not None for word in (f"--{name}", str(value))]

    def numbers(self, deployment: Object, _config_map: Object | None) -> dict[str, int]:
        """The options that are numbers, as an installed one has them."""
        words = argv(containers(deployment)[0])
        found = {option: flag(words, name) for option, name in self.flags.items()}
        return {option: int(value) for option, value in found.items() if is_number(value)}

    def configured_paths(self, _config_map: Object) -> Iterable[NodePaths]:
        """All directories for volumes that its ConfigMap names, those of single storage classes too."""
        return ()

    def cannot_delete_reason(self, _volume: Volume, _directories: Sequence[str]) -> str:
        """Why it would not delete a volume's directory, '' if it would. directories: where it creates volumes."""
        return ""

    def cannot_provision_reason(self, _claim: Object) -> str:
        """Why it would not create a volume for a claim, '' if it would."""
        return ""

    def annotations(self, _directory: str) -> Object:
        """The annotations of a volume whose directory has this name, by which the program knows it as its own."""
        return {PROVISIONED_BY: self.driver}

    def directory_name(self, volume: str, claim: str) -> str:
        """What it calls the directory of a volume. claim: 'namespace/name'."""
        return f"{volume}_{claim.replace('/', '_')}"

    def made_for(self, _directory: str) -> tuple[str, str] | None:
        """The volume, and its claim, that it made a directory of this name for; None for a name that it gives to none.

        The claim is 'namespace/name', '' if the name does not say where one ends and the other begins.
        """
        return None
