# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore waves of objects into a cluster that is being recreated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, poll
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Saved, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.restoring import Request, plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.outcome import COMPLETE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.step import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.waves import AGGREGATED, aggregated_groups
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from . import reader
from .live import observe
from .restore import try_out
from .writer import PAUSE, Writer


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
    request = Request(COMPLETE, jobs, down)
    rows = _restored(cluster, saved, request, [wave for wave in waves if wave != AGGREGATED], deadline)
    if AGGREGATED in waves and _is_served(cluster, saved, deadline):
        rows += _restored(cluster, saved, request, [AGGREGATED], deadline)
    return rows


def _is_served(cluster: Cluster, saved: Saved, deadline: Deadline) -> bool:
    """Wait until the servers in the cluster answer for their objects, if there are any. False if there are none."""
    groups = aggregated_groups(saved.made) & {key_of(item).group for item in saved.made}
    for _turn in poll(deadline, PAUSE) if groups else ():
        if groups <= {found.group for found in reader.discover(cluster)}:
            break
    return bool(groups)


def _restored(
    cluster: Cluster, saved: Saved, request: Request, waves: Sequence[str], deadline: Deadline
) -> list[Object]:
    planned = plan(request, saved, observe(cluster, saved, reader.discover(cluster)))
    wanted = replace(planned, steps=tuple(step for step in planned.steps if step.wave in waves))
    checked = try_out(cluster, wanted, deadline, creations=False)
    done: list[Step] = Writer(cluster, planned.with_steps(checked.steps), deadline).waves(waves)
    return [step.row() for step in done]
