# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore objects into a cluster: observe, plan, try out, and write the waves that are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Saved
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.restoring import Request, plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.desired import RESUME
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.outcome import COMPLETE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.step import CREATE, Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from .live import observe
from .writer import Writer


def restore_waves(
    cluster: Cluster,
    saved: Saved,
    waves: Iterable[str],
    *,
    down: bool = False,
    jobs: str = RESUME,
    deadline: Deadline,
) -> list[Object]:
    """Restore these waves of what was saved, in a cluster that is being recreated; a row for each object.

    down: what uses a claim is created scaled to zero, as volume_detach leaves it. The rows say what is refused; the
    others are restored. After an interruption it is completed by calling this again.
    """
    waves = tuple(waves)
    planned = plan(Request(COMPLETE, jobs, down), saved, observe(cluster, saved))
    wanted = replace(planned, steps=tuple(step for step in planned.steps if step.wave in waves))
    checked = try_out(cluster, wanted, deadline, creations=False)
    return [step.row() for step in Writer(cluster, planned.with_steps(checked.steps), deadline).waves(waves)]


def try_out(cluster: Cluster, planned: Plan, deadline: Deadline, *, creations: bool = True) -> Plan:
    """The plan with what the API server says about it; nothing is written. creations: ask about new objects, too."""
    asked = [step for step in planned.to_try() if creations or step.action != CREATE]
    return planned.with_steps(Writer(cluster, planned, deadline, dry=True).steps(asked))
