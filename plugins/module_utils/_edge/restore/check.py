# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check before anything is changed: how data compares, and whether archives are whole and can be extracted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import check_compressor
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.ways import steps as ways
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.ways.obstacles import obstacles

from .data import compare


def complete(planned: Plan, backup: Backup, observation: Observation, earlier: Plan | None = None) -> Plan:
    """The plan with the comparison of data. Raises Declined or BadInput if data or archives prevent the restore.

    earlier: the complete plan of a moment ago. Data that differed then is not read again, nor are archives.
    """
    REPORTER.step("compare the data")
    verify, engine, sharing = planned.request.verify, observation.engine, observation.sharing
    planned = planned.using(ways.for_comparing(planned.to_compare, observation.nodes))
    before = {step.name: step for step in (earlier.steps if earlier else ()) if step.extract}
    differing = [step for step in planned.to_compare if step.name in before and before[step.name].difference]
    known = {step.name for step in differing}
    others = [step for step in planned.to_compare if step.name not in known]
    states = compare(backup, others, verify, engine, sharing)
    if differing:
        there = compare(backup, differing, "none", engine, sharing)
        states |= {name: replace(state, difference=before[name].difference) for name, state in there.items()}
    planned = planned.with_data(states)
    planned = planned.using(ways.for_writing(backup, planned.extracted, observation.nodes))
    check_archives(backup, [step for step in planned.steps if step.name not in before])
    planned.check_extraction(obstacles(backup, planned.steps, verify, engine))
    return planned


def check_archives(backup: Backup, steps: Sequence[Step]) -> None:
    """Raise BadInput if an archive to extract was changed after the backup, or a program for it is missing."""
    needed = tuple(step.selected.saved for step in steps if step.extract or step.extracted_with)
    for compression in {saved.archive.compression for saved in needed if saved.archive}:
        check_compressor(compression)
    replace(backup, catalog=replace(backup.catalog, volumes=needed)).check_archives()
