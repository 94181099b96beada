# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster and its files on this host as they are, and whether it is unfinished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.mounts_and_ports import HostDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal

from .mark import CREATING, Mark
from .preflight import Machine


@dataclass(frozen=True)
class Observed:
    """The cluster and its files on this host.

    kubeconfig: path of the cluster's own file; named: it contains the cluster; connects: it connects to it.
    merged: the user's own file connects to the cluster; outdated: it has an entry of an earlier cluster of this name.
    unproved: kubeconfigs whose entry of this name is not proved to be the cluster's, and may be that of another one;
    they count as files without one.
    mark: of a creation or deletion that did not finish. unused: proven for a cluster whose creation did not finish:
    no pod ever ran in it, or it has nothing of its users; doubt: why that cannot be known.
    has_credentials: false if all nodes run and kubeadm has not written credentials. image_ids: of requested images
    under other names than the nodes' own. version, record: of the API server, '' and None if it does not answer.
    missing: requested host directories. blockers: why the cluster must not be deleted; machine: what a creation needs
    of this host; both are only read if they matter. notes: what a deletion takes along nevertheless.
    """

    kubeconfig: str
    nodes: tuple[Node, ...] = ()
    mark: Mark | None = None
    unused: bool = False
    doubt: str = ""
    named: bool = False
    connects: bool = False
    merged: bool = False
    outdated: bool = False
    unproved: tuple[str, ...] = ()
    has_credentials: bool = True
    image_ids: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    record: Mapping[str, Any] | None = None
    missing: tuple[HostDirectory, ...] = ()
    blockers: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    machine: Machine | None = None
    engine: str = "docker"

    @property
    def unfinished(self) -> bool:
        """True if a creation or deletion did not finish."""
        return self.mark is not None

    @property
    def stopped(self) -> tuple[str, ...]:
        """The names of the nodes that do not run."""
        return tuple(node.name for node in self.nodes if node.state != "running")

    @property
    def half_created(self) -> bool:
        """True if kind was interrupted before it wrote the kubeconfig, and the nodes that it left may not be in use."""
        return bool(self.nodes) and self.mark is not None and self.mark.action == CREATING and not self.named

    @property
    def abandoned(self) -> bool:
        """True if such nodes are proven to be unused."""
        return self.half_created and self.unused

    @property
    def half_deleted(self) -> bool:
        """True if a deletion has removed some of the nodes."""
        names = [node.name for node in self.nodes]
        return bool(names) and self.mark is not None and not self.named and self.mark.began(names)

    @property
    def deletion_is_decided(self) -> bool:
        """True if no control plane is left of a deletion: what was true when it was found safe, or forced, is still."""
        planes = any(node.role == CONTROL_PLANE for node in self.nodes)
        return self.half_deleted and not planes

    @property
    def is_recorded(self) -> bool:
        """True if the cluster keeps its configuration, as far as is known."""
        return self.record is not None if self.version else bool(self.nodes)
