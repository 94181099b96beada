# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the provisioner of a storage class would create a volume, so that it deletes what it gets as its own."""

from __future__ import annotations

import posixpath

from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.found import provisioner_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.base import Provisioner
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.hostpath import HostPath
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import (
    PROVISIONERS,
    node_annotations,
)

from .ends import Refused
from .observed import Observed
from .targets import check_node, default_node

# The longest name that Linux's file systems take, in bytes.
_LONGEST = 255


def provisioner_for(storage_class: str, observed: Observed) -> Provisioner | None:
    """The provisioner of a storage class, None for no class. Raises Refused for one of others."""
    if not storage_class:
        return None
    item = observed.storage_classes.get(storage_class)
    if item is None:
        step = "Install it (kindlab.volumes.storage_provisioner), or set storage_class to another one."
        raise Refused(f"storage class {storage_class} does not exist", step)
    found = provisioner_of(item, observed.config_maps)
    if found is None:
        raise Refused(
            f"storage class {storage_class} has the provisioner {item.get('provisioner')}, which creates volumes "
            "elsewhere",
            "Set storage_class to a class of kindlab.volumes.storage_provisioner.",
        )
    return found


def directory_on(provisioner: Provisioner, node: str, observed: Observed) -> str:
    """The directory in which it creates volumes on a node. Raises Refused if that is not known."""
    for deployment in filter(provisioner.serves, observed.deployments):
        where = deployment["metadata"]["namespace"], provisioner.config_map
        config = next((item for item in observed.config_maps if _key(item) == where), None)
        entries = provisioner.paths(deployment, config)
        named = [e for e in entries if node and e["node"] == node] or [e for e in entries if not e["node"]]
        if named and named[0]["paths"]:
            return posixpath.normpath(str(named[0]["paths"][0]))
    raise Refused(
        f"it is not known where the provisioner {provisioner.name} creates volumes{f' on {node}' if node else ''}",
        "Look at the cluster's provisioners: kindlab.volumes.storage_provisioner_info.",
    )


def own_directory(provisioner: Provisioner, top: str, volume: str, claim: str) -> str:
    """The directory that it would make for a volume. Raises Refused for a name that is too long."""
    name = provisioner.directory_name(volume, claim)
    if len(name.encode()) > _LONGEST:
        raise Refused(f"its directory would be {name}, which is too long a name", "Give the claim a shorter name.")
    return posixpath.join(top, name)


def created_at(
    source: Volume, storage_class: str, node: str | None, observed: Observed, names: tuple[str, str]
) -> tuple[tuple[str, ...], str]:
    """The nodes of a new volume, () for all, and its directory there. names: its own, and that of its claim.

    Without a class that is beside the source. Raises Refused.
    """
    provisioner = provisioner_for(storage_class, observed)
    if provisioner is not None and provisioner.shared:
        if node:
            why = f"volumes of storage class {storage_class} are on all nodes, not only on {node}"
            raise Refused(why, "Omit node, or set storage_class.")
        return (), own_directory(provisioner, directory_on(provisioner, "", observed), *names)
    chosen = node or default_node(source, observed)
    check_node(chosen, observed)
    if provisioner is not None:
        return (chosen,), own_directory(provisioner, directory_on(provisioner, chosen, observed), *names)
    nodes = (chosen,) if node or source.nodes else ()
    return nodes, posixpath.join(posixpath.dirname(source.node_directory), names[0])


def annotations_for(storage_class: str, directory: str, observed: Observed) -> Object:
    """The change of a volume's annotations when it becomes one of this class. directory: the name of its directory."""
    known = [key for each in PROVISIONERS.values() for key in each.annotations(directory)]
    provisioner = provisioner_for(storage_class, observed)
    own = provisioner.annotations(directory) if provisioner else {}
    return {**dict.fromkeys([*node_annotations(), *known]), **own}


def check_deletes(storage_class: str, volume: Volume, observed: Observed) -> None:
    """Raise Refused if the provisioner of a class would not delete a volume that becomes one of it."""
    provisioner = provisioner_for(storage_class, observed)
    if provisioner is None:
        return
    why = provisioner.cannot_delete_reason(volume, [posixpath.dirname(volume.node_directory)])
    if not why and volume.source != "hostPath" and isinstance(provisioner, HostPath):
        why = "it is not hostPath"
    if why:
        raise Refused(f"the provisioner of {storage_class} would not delete it: {why}", "Choose another class.")


def _key(item: Object) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]
