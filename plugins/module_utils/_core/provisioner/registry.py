# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Registry of provisioners, and queries across all of them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.deployments import env
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

from .backends.base import Provisioner
from .backends.hostpath import HostPath
from .backends.local_path import LocalPath
from .backends.local_path_shared import LocalPathShared

PROVISIONERS: dict[str, Provisioner] = {
    provisioner.name: provisioner
    for provisioner in (
        LocalPath(),
        LocalPathShared(),
        HostPath(),
    )
}


def drivers() -> set[str]:
    """What storage classes of this collection's provisioners name."""
    return {provisioner.driver for provisioner in PROVISIONERS.values()}


def serves_volumes(deployment: Object) -> bool:
    """True for a Deployment that is one of the provisioners, whoever installed it."""
    return any(provisioner.serves(deployment) for provisioner in PROVISIONERS.values())


def provisioner_directories(config_maps: Iterable[Object]) -> dict[str, tuple[str, ...]]:
    """Node directory -> the nodes on which provisioners create volumes in it, () for any node."""
    nodes: dict[str, set[str]] = {}
    for item in config_maps:
        for provisioner in PROVISIONERS.values():
            if item["metadata"]["name"] == provisioner.config_map:
                for entry in provisioner.configured_paths(item):
                    for path in entry.paths:
                        nodes.setdefault(posixpath.normpath(path), set()).add(entry.node)
    return {path: () if "" in nodes[path] else tuple(sorted(nodes[path])) for path in sorted(nodes)}


def helper_directories(pod: Object) -> set[str]:
    """The node directories that a provisioner's helper pod is told to create or remove."""
    spec = pod["spec"]
    variables = {provisioner.helper_env for provisioner in PROVISIONERS.values()} - {""}
    every = [*(spec.get("initContainers") or ()), *spec["containers"]]
    return {env(container, variable) for container in every for variable in variables} - {""}


def made_for(directory: str) -> tuple[str, str] | None:
    """The volume, and its claim, that a provisioner made a directory of this name for; see Provisioner.made_for."""
    return next(filter(None, (provisioner.made_for(directory) for provisioner in PROVISIONERS.values())), None)


def makers(directory: str) -> list[Provisioner]:
    """The provisioners that give directories such names."""
    return [provisioner for provisioner in PROVISIONERS.values() if provisioner.made_for(directory)]


def node_annotations() -> tuple[str, ...]:
    """Annotations of volumes that name a node."""
    every = (annotation for provisioner in PROVISIONERS.values() for annotation in provisioner.node_annotations)
    return tuple(dict.fromkeys(every))
