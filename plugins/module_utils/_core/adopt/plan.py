# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan an adoption: a volume and a claim, bound to each other, for each row; refused as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import Binding, bound
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import node_directory
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count

from . import refusals
from .found import mounting_nodes, provisioner_of
from .manifests import claim_manifest, volume_manifest
from .model import Observed, Request, Step
from .rows import Row


@dataclass(frozen=True)
class Plan:
    """The steps, and the namespaces to create."""

    request: Request
    steps: tuple[Step, ...]
    namespaces: tuple[str, ...]

    @property
    def bindings(self) -> list[Binding]:
        """What is written."""
        return [step.binding for step in self.steps if step.binding]

    def diff(self) -> tuple[Object, Object]:
        """Volumes and their claims before and after."""
        after = {step.row.volume: step.row.claim for step in self.steps}
        before = {step.row.volume: step.row.claim for step in self.steps if not step.binding}
        return {"volumes": before}, {"volumes": after}

    def result(self) -> Object:
        """What the module returns."""
        return {"volumes": [step.as_dict() for step in self.steps]}


def plan(request: Request, rows: Sequence[Row], observed: Observed) -> Plan:
    """Raises Declined if a row cannot be adopted."""
    shared, directories = refusals.shared_values(rows), frozenset(row.directory for row in rows)
    steps = tuple(_step(row, observed) for row in rows)
    found = [
        Refusal(step.row.directory, why, then, {"claim": step.row.claim})
        for step in steps
        if step.binding
        for why, then in (*_whys(step, request, observed, shared), *refusals.of_nested(step.row, directories))
    ]
    decline(f"{count(len({refusal.name for refusal in found}), 'volume')} cannot be adopted", found)
    named = {row.claim.partition("/")[0] for row in rows}
    return Plan(request, steps, tuple(sorted(named - observed.namespaces.keys())))


def _step(row: Row, observed: Observed) -> Step:
    pv, claim = observed.volumes.get(row.volume), observed.claims.get(row.claim)
    provisioner = provisioner_of(observed.storage_classes.get(row.storage_class), observed.config_maps)
    path = _node_directory(row, observed)
    if pv is not None and bound(pv, claim) and node_directory(pv) == path:
        return Step(row, path)
    return Step(row, path, Binding(volume_manifest(row, path, provisioner), claim_manifest(row), pv, claim))


def _node_directory(row: Row, observed: Observed) -> str:
    """Its directory in the nodes, '' if none has it."""
    named = [node for node in observed.nodes if node.name in row.nodes]
    nodes = named or mounting_nodes(row.directory, observed.nodes)
    return next((path for node in nodes for path in node.paths_of(row.directory)), "")


def _whys(
    step: Step, request: Request, observed: Observed, shared: Mapping[refusals.Why, Sequence[str]]
) -> Iterator[refusals.Why]:
    row = step.row
    yield from refusals.of_text(row)
    yield from refusals.of_directory(row, observed)
    yield from refusals.of_nodes(row, observed)
    yield from refusals.of_objects(row, step.node_directory, request, observed)
    yield from refusals.of_pairs(row, shared)
