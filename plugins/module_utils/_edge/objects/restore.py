# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore objects into a cluster: observe, plan, try out, and write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, poll
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Saved, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.restoring import Request, defined, plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.asked import Asked
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.chosen import choose
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.outcome import COMPLETE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.step import CREATE, Plan, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.waves import AGGREGATED, aggregated_groups
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from . import reader
from .live import observe
from .writer import PAUSE, Writer


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


def restore_waves(
    cluster: Cluster,
    saved: Saved,
    waves: Iterable[str],
    *,
    down: bool = False,
    jobs: str = Request.jobs,
    deadline: Deadline,
) -> list[Object]:
    """Restore these waves of what was saved, in a cluster that is being recreated; a row for each object.

    down: what uses a claim is created scaled to zero, as volume_detach leaves it. The rows say what is refused; the
    others are restored. After an interruption it is completed by calling this again.
    """
    waves = tuple(waves)
    options = {"down": down, "jobs": jobs, "deadline": deadline}
    rows = _restored(cluster, saved, [wave for wave in waves if wave != AGGREGATED], **options)
    if AGGREGATED in waves and _is_served(cluster, saved, deadline):
        rows += _restored(cluster, saved, [AGGREGATED], **options)
    return rows


def _is_served(cluster: Cluster, saved: Saved, deadline: Deadline) -> bool:
    """Wait until the servers in the cluster answer for their objects, if there are any. False if there are none."""
    groups = aggregated_groups(saved.made) & {key_of(item).group for item in saved.made}
    for _turn in poll(deadline, PAUSE) if groups else ():
        if groups <= {found.group for found in reader.discover(cluster)}:
            break
    return bool(groups)


def _restored(
    cluster: Cluster, saved: Saved, waves: Sequence[str], *, down: bool, jobs: str, deadline: Deadline
) -> list[Object]:
    planned = plan(Request(COMPLETE, jobs, down), saved, observe(cluster, saved, reader.discover(cluster)))
    wanted = replace(planned, steps=tuple(step for step in planned.steps if step.wave in waves))
    checked = try_out(cluster, wanted, deadline, creations=False)
    done: list[Step] = Writer(cluster, planned.with_steps(checked.steps), deadline).waves(waves)
    return [step.row() for step in done]


def try_out(cluster: Cluster, planned: Plan, deadline: Deadline, *, creations: bool = True) -> Plan:
    """The plan with what the API server says about it; nothing is written. creations: ask about new objects, too."""
    asked = [step for step in planned.to_try() if creations or step.action != CREATE]
    return planned.with_steps(Writer(cluster, planned, deadline, dry=True).steps(asked))
