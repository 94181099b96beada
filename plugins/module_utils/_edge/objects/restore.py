# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore objects into a cluster: observe, plan, try out, and write."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Saved, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.restoring import defined, plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.asked import Asked
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.chosen import choose
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.step import CREATE, Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from . import reader
from .live import observe
from .writer import Writer


def prepare(cluster: Cluster, saved: Saved, asked: Asked, deadline: Deadline) -> Plan:
    """The plan of what is asked for, with what the API server says about it; nothing is written.

    Raises BadInput for a selection that does not fit, and Declined if an object cannot be restored.
    """
    types = reader.discover(cluster)
    known = {**{(found.group, found.kind): found for found in types}, **defined(saved.made)}
    plurals = {kind: found.plural for kind, found in known.items()}
    chosen = choose(saved, asked.selection, asked.namespace_map, plurals)
    wanted = replace(chosen.saved, made=[*chosen.saved.made, *chosen.needed])
    observed = observe(cluster, wanted, types)
    there = {key_of(item) for item in chosen.needed} & observed.live.keys()
    wanted = replace(wanted, made=[item for item in wanted.made if key_of(item) not in there])
    planned = plan(asked.request, wanted, observed).with_notes(chosen.notes)
    planned.check()
    planned = try_out(cluster, planned, deadline)
    planned.check()
    return planned


def write(cluster: Cluster, planned: Plan, deadline: Deadline) -> Plan:
    """The plan with its steps as they came out. What is refused now does not keep the others from being restored."""
    waves = dict.fromkeys(step.wave for step in planned.steps)
    return planned.with_steps(Writer(cluster, planned, deadline).waves(waves))


def try_out(cluster: Cluster, planned: Plan, deadline: Deadline, *, creations: bool = True) -> Plan:
    """The plan with what the API server says about it; nothing is written. creations: ask about new objects, too."""
    asked = [step for step in planned.to_try() if creations or step.action != CREATE]
    return planned.with_steps(Writer(cluster, planned, deadline, dry=True).steps(asked))
