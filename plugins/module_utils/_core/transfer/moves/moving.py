# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Move volumes to another node: the same volume with another node affinity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.export import saved_volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_numbers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.maps import renamed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.ends import Refused
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.observed import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.targets import check_node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import volume_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection

from .relocating import Plan, plan, selected
from .relocation import MOVE, Relocation


@dataclass(frozen=True)
class Request:
    """The options of volume_move. from_node: '' for volumes of any node."""

    cluster: str
    node: str
    selection: Selection
    from_node: str = ""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """Raises BadInput."""
        check_numbers(options)
        selection = Selection.from_options(options)
        return cls(options["cluster"], options["node"], selection, options["from_node"] or "")

    def plan(self, observed: Observed, begun: Sequence[Relocation]) -> Plan:
        """begun: what interrupted runs relocate. Raises BadInput for names that no volume has."""
        found = selected(self.selection, observed, self.cluster, begun)
        if self.from_node:
            found = tuple(volume for volume in found if self.from_node in volume.nodes)
        return plan(MOVE, found, observed, self._moved, {one.name for one in begun})

    def _moved(self, volume: Volume, pv: Object, observed: Observed) -> Object | None:
        check_node(self.node, observed)
        if self.node in {node.name for node in volume_nodes(volume, observed.nodes)} and not (
            self.from_node and self.from_node != self.node
        ):
            return None
        if len(volume.nodes) != 1:
            which = "several nodes" if volume.nodes else "no node"
            raise Refused(f"its node affinity names {which}", "Convert it first: kindlab.volumes.volume_convert.")
        return renamed(saved_volume(pv), {volume.nodes[0]: self.node})
