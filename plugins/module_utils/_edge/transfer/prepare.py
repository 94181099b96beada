# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prepare copies of volumes: observe the cluster and the backup, plan, and look at all directories."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.copies import Plan, Request, Source, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.copying import plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.looks import (
    MISSING,
    Look,
    refusals,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.observed import READ, Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation, observe

from .look import look


@dataclass(frozen=True)
class Prepared:
    """The plan, and what it was made from. refusals: all of them. sizes: name -> bytes of what is copied."""

    planned: Plan
    sizes: Mapping[str, int]
    refusals: tuple[Refusal, ...]
    observation: Observation
    backup: Backup | None


def prepare(request: Request, options: Mapping[str, Any], **outside: Any) -> Prepared:
    """Raises BadInput and Unreachable; nothing is written."""
    observation = observe(options, READ, **outside)
    backup = read_backup(request.path, options["generation"]) if request.path else None
    saved = [Source.of_backup(volume) for volume in backup.catalog.volumes if volume.claim] if backup else []
    observed = Observed.from_objects(observation.nodes, observation.objects)
    while True:
        planned = plan(request, observed, backup.name if backup else "", saved)
        pending = planned.pending
        sizes = {step.name: step.source.saved.bytes for step in pending if step.source.saved}
        ends = [(step.name, step.origin, step.target) for step in pending]
        looks = look(ends, observation.engine, sizes)
        taken = {step.name for step in pending if step.is_new and looks[step.name].target != MISSING}
        if not taken:
            break
        # A directory of that name is left of a volume that is gone. Not even an empty one is used: an archive
        # would come into it piece by piece, and a killed run would look like one that had finished.
        observed = replace(observed, taken=observed.taken | taken)
    done = {step.name for step in pending if not step.is_new and looks[step.name].target == "there"}
    steps = tuple(replace(step, copied=step.name in done) for step in planned.steps)
    todo = [step for step in pending if step.name not in done]
    if backup:
        looks |= {step.name: _of_archive(step, looks[step.name], backup) for step in todo}
        _check_archives(backup, todo)
    details = {step.name: {"claim": step.row.claim} for step in todo}
    found = refusals([(step.name, step.origin, step.target) for step in todo], looks, details)
    own = {step.name: looks[step.name].bytes for step in todo}
    return Prepared(replace(planned, steps=steps), own, (*planned.refusals, *found), observation, backup)


def _of_archive(step: Step, seen: Look, backup: Backup) -> Look:
    """With a path in the archive that this user cannot extract with its owner."""
    if os.geteuid() == 0 or step.source.saved is None or not step.target.host_directory:
        return seen
    entries = backup.entries(step.source.saved)
    return replace(seen, foreign=next((entry.path for entry in entries if entry.uid != os.geteuid()), ""))


def _check_archives(backup: Backup, steps: list[Step]) -> None:
    """Raise BadInput if one was changed after the backup."""
    needed = tuple(step.source.saved for step in steps if step.source.saved)
    replace(backup, catalog=replace(backup.catalog, volumes=needed)).check_archives()
