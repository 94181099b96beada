# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prepare relocations: observe the cluster, what interrupted runs have begun, plan, and look at all directories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.looks import refusals
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.moves.relocating import Plan, details_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.moves.relocation import Relocation, records
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.observed import READ, Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.other_clusters import users_elsewhere
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation, observe

from .look import look


class Request(Protocol):
    """What can be planned: volume_move or volume_convert."""

    def plan(self, observed: Observed, begun: Sequence[Relocation]) -> Plan:
        """begun: what interrupted runs relocate."""


@dataclass(frozen=True)
class Prepared:
    """begun: what interrupted runs left. refusals: all but those of workloads that cannot be stopped.

    sizes: name -> bytes of what is copied.
    """

    planned: Plan
    begun: tuple[Relocation, ...]
    refusals: tuple[Refusal, ...]
    observation: Observation
    sizes: Mapping[str, int]


def prepare(request: Request, options: Mapping[str, Any], **outside: Any) -> Prepared:
    """Raises BadInput and Unreachable; nothing is written."""
    observation = observe(options, READ, **outside)
    begun = records(observation.objects["ConfigMap"])
    planned = request.plan(Observed.from_objects(observation.nodes, observation.objects), begun)
    copied = [one for one in planned.relocations if one.copies]
    ends = [(one.name, one.source, one.target) for one in copied]
    details = details_of(copied)
    looks = look(ends, observation.engine, {})
    found = refusals(ends, looks, details)
    directories = {one.name: one.source.host_directory for one in planned.relocations if one.source.host_directory}
    elsewhere = users_elsewhere(observation.engine, observation.sharing, directories)
    then = "Relocate it from there, or remove that cluster's volume."
    found += [Refusal(name, why, then, details.get(name, {})) for name, why in elsewhere.items()]
    sizes = {name: seen.bytes for name, seen in looks.items()}
    return Prepared(planned, tuple(begun), (*planned.refusals, *found), observation, sizes)
