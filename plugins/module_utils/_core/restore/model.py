# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A restore's words: what is wanted, what is there, and the step that leads from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedVolume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import Binding
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume

CREATE, REBIND, FINISH, ALREADY, REFUSE = "create", "rebind", "finish", "already", "refuse"
EQUAL, NOT_COMPARED = "equal", "not compared"


@dataclass(frozen=True)
class Wanted:
    """A volume of the backup that is to be restored.

    volume, pv: with the nodes that it has in this cluster. claim: as saved, None where only the volume is restored.
    saved: what the backup says of it and its data.
    """

    volume: Volume
    pv: Object
    claim: Object | None
    saved: SavedVolume


@dataclass(frozen=True)
class Observed:
    """The cluster as it is: objects by name (claims by 'namespace/name'), Kubernetes' nodes, node containers."""

    volumes: Mapping[str, Object]
    claims: Mapping[str, Object]
    namespaces: Mapping[str, Object]
    storage_classes: Mapping[str, Object]
    node_names: frozenset[str]
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Step:
    """What happens to one volume. why: for people.

    host_directory: where its data is, '' where it has none on the host; node: the one that has it inside, else ''.
    pv, claim: the objects as they are now. data_matters: whether its data must be compared before.
    extract: whether its archive goes there. checksum: equal, or why that isn't known.
    """

    wanted: Wanted
    action: str
    why: str
    next_step: str = ""
    host_directory: str = ""
    node: str = ""
    pv: Object | None = None
    claim: Object | None = None
    data_matters: bool = False
    extract: bool = False
    checksum: str = NOT_COMPARED

    @property
    def data_at(self) -> str:
        """Where its data is, for people."""
        return self.host_directory or f"{self.wanted.volume.node_directory} in {self.node}"

    @property
    def binding(self) -> Binding:
        """What is written for it."""
        return Binding(self.wanted.pv, self.wanted.claim, self.pv, self.claim)

    def refused(self, why: str, next_step: str) -> Step:
        return replace(self, action=REFUSE, why=why, next_step=next_step)
