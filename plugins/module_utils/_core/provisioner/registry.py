# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Provisioners by name: the name and options of one to its manifests, and its class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import DEFAULT_ANNOTATIONS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume

from .hostpath import HostPath
from .local_path import LocalPath
from .local_path_shared import LocalPathShared
from .manifests import Images
from .request import Request

LABEL = "kindlab.volumes/provisioner"
CONFIG_REPLACED = "kindlab.volumes/replaced-config"


class Provisioner(Protocol):
    """What differs between one provisioner and another; to add one, write this and name it in PROVISIONERS.

    driver: what a StorageClass calls it; deployment, config_map: the names of those objects, config_map '' where it
    has none; binds_at_once: whether it serves classes with binding mode Immediate; shared: whether it makes volumes in
    one directory that all nodes have in common.
    """

    driver: str
    deployment: str
    config_map: str
    binds_at_once: bool
    shared: bool

    def check(self, request: Request) -> None:
        """Raise BadInput for what this provisioner can't do."""

    def serves(self, deployment: Object) -> bool:
        """True for a Deployment that makes volumes under this driver's name, whoever installed it."""

    def is_configured(self, config_map: Object | None) -> bool:
        """True where one of this driver is this provisioner, and not the one that its other configuration makes it."""

    def images(
        self, request: Request, deployment: Object | None, config_map: Object | None, nodes: Iterable[Object]
    ) -> Images:
        """What it runs: as asked for, else what the cluster has."""

    def running(self, deployment: Object | None, config_map: Object | None) -> tuple[str, str]:
        """The images that a provisioner in the cluster runs."""

    def paths(self, deployment: Object, config_map: Object | None) -> list[Object]:
        """Where a provisioner in the cluster makes volumes: [{node, paths}]."""

    def abandons(self, volume: Volume, directories: Sequence[str]) -> str:
        """Why it would not remove a volume's directory; '' where it would. directories: where it makes volumes."""

    def refuses(self, claim: Object) -> str:
        """Why it would make no volume for a claim; '' where it would."""

    def manifests(self, request: Request, images: Images) -> tuple[Object, ...]:
        """All objects but the class, in the order in which they are made."""


PROVISIONERS: dict[str, Provisioner] = {
    "local_path": LocalPath(),
    "local_path_shared": LocalPathShared(),
    "hostpath": HostPath(),
}
# Their default classes give way to each other without being asked.
OWN_DRIVERS = frozenset(provisioner.driver for provisioner in PROVISIONERS.values())


def labelled(request: Request, item: Object) -> Object:
    """The object marked as made here, so that it is found again in whatever namespace."""
    return {**item, "metadata": {**item["metadata"], "labels": {LABEL: request.name}}}


def storage_class(request: Request, driver: str) -> Object:
    """The class that leads to the provisioner. As the default it also loses the beta annotation's say."""
    default, beta = DEFAULT_ANNOTATIONS
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": request.storage_class,
            "annotations": {default: "true" if request.default_class else "false", beta: None},
        },
        "provisioner": driver,
        "reclaimPolicy": request.reclaim_policy,
        "volumeBindingMode": request.binding_mode,
    }
