# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace the data of volumes that nothing uses: set it aside beside its directory, and extract archives instead."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.report import summary
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.usage_check import UsageCheck
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.aside.anywhere import data_in

from .extraction import extract, source_of


def check_unused(steps: Sequence[Step], observation: Observation, stopped: Collection[str] = ()) -> None:
    """Raise Conflict if anything uses the volumes of these steps: pods, or processes in nodes of any cluster.

    stopped: claims whose pods will be stopped before.
    """
    volumes = [step.selected.volume for step in steps]
    if not volumes:
        return
    check = UsageCheck(observation.cluster, observation.engine, observation.nodes, observation.sharing)
    users = check.users(volumes, stopped)
    if any(users.values()):
        raise Conflict(
            f"Volumes whose data is to be replaced are in use: {summary(volumes, users)}. Their data was not changed.",
            next_step="End these pods and processes, and run this again.",
        )


def replace_data(backup: Backup, steps: Sequence[Step], verify: str, engine: Engine, at: str) -> None:
    """Set current data aside where a step says so, and extract and compare the archives in its place.

    at: the time in the names of data that a killed run was setting aside. The process may be killed at any time: a
    directory then has its data, or is missing or empty with its data beside it, or has that of the archive, and the
    next plan completes what it finds. Raises KindlabError; nothing is overwritten or deleted.
    """
    extracted = sum(bool(step.extract) for step in steps)
    if extracted:
        REPORTER.step("extract archives")
        REPORTER.done("volumes extracted", 0, of=extracted)
    for step in steps:
        if step.extract:
            _set_aside(step, engine, at)
    extract(backup, steps, verify, engine)


def _set_aside(step: Step, engine: Engine, at: str) -> None:
    source = source_of(step, engine)
    data = data_in(source)
    if not step.node and (step.in_place or data.is_begun(source)):
        data.set_content_aside(source, at)
    elif step.aside:
        data.rename(source, step.aside)
