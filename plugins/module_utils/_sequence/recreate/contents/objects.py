# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps of a recreation that bring back the objects that people made, in waves around the volumes."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Saved
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.waves import (
    AFTER_VOLUMES,
    AGGREGATED,
    AT_LAST,
    BEFORE_VOLUMES,
    WAVES,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.contents.objects import at_zero, refusals
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects.waves import restore_waves
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate import way_back
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context, Facts

from .source import to_restore

__all__ = ["AT_LAST", "UNTIL_LAST"]

UNTIL_LAST = (*BEFORE_VOLUMES, *AFTER_VOLUMES)


def prepare(context: Context) -> Facts:
    return _step(context, "prepared", BEFORE_VOLUMES)


def apply(context: Context) -> Facts:
    """Workloads that use volumes are at zero, as if they had been detached in this cluster."""
    return _step(context, "applied", AFTER_VOLUMES)


def complete(context: Context) -> Facts:
    """By now workloads run again, if they are to."""
    return _step(context, "completed", AT_LAST)


def rehearse(context: Context, cluster: Cluster, saved: Saved, waves: Sequence[str]) -> list[Object]:
    """Create objects without running anything, and so none that servers in the cluster have; a row for each."""
    idle = at_zero(saved, lambda _key: True)
    waves = [wave for wave in waves if wave != AGGREGATED]
    return restore_waves(cluster, idle, waves, down=False, jobs="suspend", deadline=_deadline(context))


def create(context: Context, items: Sequence[Object]) -> list[Object]:
    """Create some objects in the old cluster again; a row for each."""
    return restore_waves(context.connect(), Saved(made=items), WAVES, deadline=_deadline(context))


def _step(context: Context, step: str, waves: Sequence[str]) -> Facts:
    kept = frozenset(context.target.get("kept_down", ()))
    saved = at_zero(to_restore(context), kept.__contains__)
    attached = step == "completed" and context.options["attach"]
    rows = restore_waves(
        context.connect(),
        saved,
        waves,
        down=not attached,
        jobs=context.options["jobs"],
        deadline=_deadline(context),
    )
    context.results[step] = {"objects": rows}
    if (refused := refusals(rows)) and way_back.is_wanted(context, step):
        decline("The new cluster does not take everything that the old one had", refused, effect="it is not used")
    return {"count": count(len(rows), "object")}


def _deadline(context: Context) -> Deadline:
    return Deadline(context.options["wait_timeout"])
