# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Convert volumes: between hostPath and local, one node and all, and the directories of our provisioners."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.export import saved_volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import HOSTNAME, Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_numbers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.observed import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.provisioned import (
    annotations_for,
    check_deletes,
    created_at,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.targets import check_node, default_node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import volume_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection

from .relocating import Plan, plan, selected
from .relocation import CONVERT, Relocation

SOURCES = ("hostPath", "local")


@dataclass(frozen=True)
class Request:
    """The options of volume_convert: what is not None is changed."""

    cluster: str
    selection: Selection
    source: str | None = None
    affinity: str | None = None
    node: str | None = None
    storage_class: str | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """Raises BadInput."""
        check_numbers(options)
        own = {name: options[name] for name in ("source", "affinity", "node", "to_storage_class")}
        if not any(value is not None for value in own.values()):
            raise BadInput("Nothing is to be converted.", next_step="Set source, affinity or to_storage_class.")
        if own["node"] and own["affinity"] != "node" and own["to_storage_class"] is None:
            raise BadInput("node has no effect without affinity=node.", next_step="Set affinity=node, or omit node.")
        if own["affinity"] and own["to_storage_class"]:
            raise BadInput(
                "affinity and to_storage_class exclude each other: a class decides on which nodes its volumes are.",
                next_step="Omit affinity.",
            )
        given = {"storage_class" if name == "to_storage_class" else name: value for name, value in own.items()}
        return cls(options["cluster"], Selection.from_options(options), **given)

    def plan(self, observed: Observed, begun: Sequence[Relocation]) -> Plan:
        """begun: what interrupted runs relocate. Raises BadInput for names that no volume has."""
        found = selected(self.selection, observed, self.cluster, begun)
        return plan(CONVERT, found, observed, self._converted, {one.name for one in begun})

    def _converted(self, volume: Volume, pv: Object, observed: Observed) -> Object | None:
        if self.node:
            check_node(self.node, observed)
        storage_class = volume.storage_class if self.storage_class is None else self.storage_class
        other = storage_class != volume.storage_class
        nodes, directory = self._place(volume, storage_class, observed)
        source = self.source or ("hostPath" if other else volume.source)
        saved = saved_volume(pv)
        required = self._required(volume, nodes, source, directory, observed)
        spec = {
            **dict.fromkeys(SOURCES),
            source: {"path": directory, **({"type": "Directory"} if source == "hostPath" else {"type": None})},
            "nodeAffinity": {"required": required} if required else None,
            "storageClassName": storage_class,
        }
        if source == volume.source and directory == volume.node_directory:
            del spec["hostPath"], spec["local"]
        annotations = annotations_for(storage_class, posixpath.basename(directory), observed) if other else {}
        base = {**saved, "spec": {k: v for k, v in saved["spec"].items() if k != "nodeAffinity"}}
        manifest: Object = merged(base, {"metadata": {"annotations": annotations}, "spec": spec})
        if not manifest["metadata"].get("annotations"):
            manifest["metadata"].pop("annotations", None)
        if manifest == saved:
            return None
        if other:
            check_deletes(storage_class, read_volumes([manifest], [])[0], observed)
        return manifest

    def _place(self, volume: Volume, storage_class: str, observed: Observed) -> tuple[tuple[str, ...], str]:
        """The nodes, () for all, and the directory in them."""
        if storage_class and storage_class != volume.storage_class:
            return created_at(volume, storage_class, self.node, observed, (volume.name, volume.claim))
        if self.affinity == "shared":
            return (), volume.node_directory
        if self.affinity == "node" and (self.node or len(volume.nodes) != 1):
            return (self.node or default_node(volume, observed),), volume.node_directory
        return volume.nodes, volume.node_directory

    def _required(
        self, volume: Volume, nodes: tuple[str, ...], source: str, directory: str, observed: Observed
    ) -> Object | None:
        """The node selector: the present one, if it names the same nodes. A local volume needs one."""
        kept = self.affinity is None and self.storage_class in (None, volume.storage_class)
        if kept and (volume.required or source != "local"):
            return volume.required
        names = nodes
        if not names and source == "local":
            fitting = volume_nodes(Volume(volume.name, node_directory=directory), observed.nodes)
            names = tuple(sorted(node.name for node in fitting))
        if names and names == volume.nodes:
            return volume.required
        terms = [{"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": list(names)}]}]
        return {"nodeSelectorTerms": terms} if names else None
