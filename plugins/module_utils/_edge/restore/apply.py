# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry out the plan of a restore."""

from __future__ import annotations

from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import policy_change
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.binder import prebind, wait_bound
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import Key
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation

from .data import extract


def apply(plan: Plan, backup: Backup, observation: Observation, watch: Stopwatch) -> dict[Key, str]:
    """Extract the data, write all objects and wait until they are bound; the phases of volumes and claims then."""
    cluster = observation.cluster
    extract(backup, [step for step in plan.steps if step.extract], plan.request.verify, observation.engine)
    watch.lap("extract")
    cluster.each(cluster.create_missing, plan.prerequisites)
    bindings = [step.binding for step in plan.pending]
    cluster.each(partial(prebind, cluster), bindings)
    watch.lap("write")
    phases = wait_bound(cluster, bindings, plan.request.wait_timeout)
    watch.lap("wait")
    changes = plan.policy_changes
    cluster.each(lambda name: cluster.patch("PersistentVolume", name, policy_change(changes[name])), changes)
    return phases
