# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data types of volume_detach: request, observed cluster, and the step for one workload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.lost import on_containers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import why_node_not_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import (
    Object,
    merged,
    namespaced_name,
    uid_of,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_numbers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection

READ = ("Node", "PersistentVolume", "PersistentVolumeClaim", "Pod", *workloads.WORKLOAD_KINDS)


@dataclass(frozen=True)
class Request:
    """The options of volume_detach.

    left_down: workloads (workloads.key) that state attached leaves at zero: they were there before the caller began.
    For a caller that stops workloads for a while, claims: the volumes are those of these claims, and claims without a
    volume count; purpose: what it records in the workloads that it stops, and state attached scales up those, and those
    of another purpose whose claims are all among these; stopped: the workloads that it stopped, which need not use the
    claims any more.
    unfinished: claims whose data a restore left unfinished; without a purpose, their workloads that were stopped for
    one stay at zero.
    """

    cluster: str
    selection: Selection = field(default_factory=Selection)
    state: str = "detached"
    unmanaged: str = "refuse"
    wait: bool = False
    wait_timeout: int = 300
    left_down: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    purpose: str = ""
    stopped: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """Raises BadInput if a number is out of range."""
        check_numbers(options)
        own = {option.name: options[option.name] for option in fields(cls) if option.name in options}
        return cls(selection=Selection.from_options(options), **own)

    def selects(self, volume: Volume) -> bool:
        """True for a selected volume."""
        return volume.claim in self.claims if self.claims else self.selection.matches(volume)

    def leaves_down(self, item: Object, known: workloads.Claims) -> bool:
        """True for a workload at zero that state attached does not scale up. known: the claims of the cluster."""
        return workloads.key(item) in self.left_down or self.of_others(item, known) is not None

    def of_others(self, item: Object, known: workloads.Claims) -> str | None:
        """The purpose of who scaled a workload to zero, '' for none, if that is not for this caller to undo."""
        before = workloads.recorded(item) if workloads.is_scalable(item) else None
        purpose = str((before or {}).get(workloads.PURPOSE, ""))
        if before is None or purpose == self.purpose:
            return None
        if not self.purpose:
            return purpose if workloads.used_claims(item, known) & self.unfinished else None
        kin = purpose.partition("-")[0] == self.purpose.partition("-")[0]
        return None if kin and workloads.used_claims(item, known) <= self.claims else purpose


@dataclass(frozen=True)
class Observed:
    """The cluster's volumes, pods and workloads (by uid), and the manifests of workloads in a backup.

    not_ready: node -> why it is not ready, for those that are not.
    """

    volumes: tuple[Volume, ...]
    claims: Mapping[str, Object]
    pods: tuple[Object, ...]
    workloads: Mapping[str, Object]
    saved: tuple[Object, ...] = ()
    not_ready: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_objects(
        cls, objects: Mapping[str, Sequence[Object]], saved: Sequence[Object] = (), nodes: Sequence[str] | None = None
    ) -> Observed:
        """objects: those of each kind in READ. nodes: names of the containers; pods of others are not running."""
        claims = objects["PersistentVolumeClaim"]
        return cls(
            read_volumes(objects["PersistentVolume"], claims),
            {namespaced_name(claim): claim for claim in claims},
            tuple(objects["Pod"] if nodes is None else on_containers(objects["Pod"], nodes)),
            {uid_of(item): item for kind in workloads.WORKLOAD_KINDS for item in objects[kind]},
            tuple(saved),
            {node["metadata"]["name"]: why for node in objects["Node"] if (why := why_node_not_ready(node))},
        )


@dataclass(frozen=True)
class Step:
    """A workload and the fields that scale it. change: the patch that leads from before to after, None for nothing.

    before: from before it was scaled to zero. missing: it is in the backup only, and is created. purpose: see Request.
    """

    item: Object
    before: Object
    after: Object
    change: Object | None = None
    missing: bool = False
    purpose: str = ""

    @property
    def writes(self) -> bool:
        """True if something is changed."""
        return self.missing or self.change is not None

    def row(self, result: str) -> Object:
        """The workload in the module's result. result: if something is changed."""
        return {
            "kind": self.item["kind"],
            "namespace": self.item["metadata"]["namespace"],
            "name": self.item["metadata"]["name"],
            "before": {field: self.before[field] for field in self.after if field in self.before},
            "after": self.after,
            "result": ("created" if self.missing else result) if self.writes else "unchanged",
        }


def scaled_down(item: Object, purpose: str = "") -> Step:
    """The step that scales a workload to zero or suspends it."""
    before = workloads.recorded(item) or workloads.state(item)
    change = workloads.scale_down_patch(item, purpose)
    return Step(item, before, workloads.scaled_to_zero(item), change, purpose=purpose)


def scaled_up(item: Object, before: Object) -> Step:
    """The step that scales a workload back up."""
    after = {field: before.get(field, value) for field, value in workloads.state(item).items()}
    return Step(item, before, after, workloads.scale_up_patch(item, before))


def created(item: Object, *, at_zero: bool = False) -> Step:
    """The step that creates a workload of a backup; at_zero: scaled to zero, with its record."""
    if at_zero:
        item = merged(item, workloads.scale_down_patch(item) or {})
    return Step(item, workloads.state(item), workloads.state(item), missing=True)
