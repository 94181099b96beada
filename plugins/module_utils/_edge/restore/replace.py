# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace the data of volumes that nothing uses: set it aside beside its directory, and extract archives instead."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.report import summary
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import moving, set_aside
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.usage_check import UsageCheck
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation

from .compare_in_node import node_directory_of
from .extract import content_of, copy_attributes
from .extraction import extract

_AGAIN = "Correct this and run it again: it completes the restore."


def check_unused(steps: Sequence[Step], observation: Observation) -> None:
    """Raise Conflict if anything uses the volumes of these steps: pods, or processes in nodes of any cluster."""
    volumes = [step.selected.volume for step in steps]
    if not volumes:
        return
    check = UsageCheck(observation.cluster, observation.engine, observation.nodes, observation.sharing)
    users = check.users(volumes)
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
    for step in steps:
        if step.node and step.aside:
            _rename_in_node(step, engine)
        elif step.extract and not step.node:
            _set_aside_on_host(step, at)
    extract(backup, steps, verify, engine)


def _rename_in_node(step: Step, engine: Engine) -> None:
    directory = node_directory_of(step, engine)
    done = directory.inside.run(["mv", "--no-target-directory", "--", directory.path, step.aside], check=False)
    if done.code:
        raise CommandFailed(
            f"The data of {step.name} cannot be set aside: {done.err.strip()}",
            tried=shlex.join(directory.inside.argv(["ls", "-ld", directory.path, step.aside])),
            next_step=_AGAIN,
        )


def _set_aside_on_host(step: Step, at: str) -> None:
    directory, unfinished = step.host_directory, moving(step.host_directory)
    try:
        if step.in_place or os.path.isdir(unfinished):
            _move_content(directory, unfinished, step.aside or set_aside(directory, at))
        elif step.aside:
            os.rename(directory, step.aside)
    except OSError as error:
        raise CommandFailed(
            f"The data of {step.name} cannot be set aside: {error.strerror} ({error.filename}).",
            tried=shlex.join(["ls", "-ld", os.path.dirname(directory), directory]),
            next_step=_AGAIN,
        ) from None


def _move_content(directory: str, unfinished: str, aside: str) -> None:
    """Move what is in a directory that nodes have mounted, which stays the same one; a rerun completes it."""
    names = content_of(directory)
    if not names and not os.path.isdir(unfinished):
        return
    os.makedirs(unfinished, mode=0o700, exist_ok=True)
    for name in names:
        os.rename(os.path.join(directory, name), os.path.join(unfinished, name))
    copy_attributes(directory, unfinished)
    os.rename(unfinished, aside)
