# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace the data of volumes that nothing uses: set it aside beside its directory, and extract archives instead."""

from __future__ import annotations

import glob
import os
import shlex
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.report import summary
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import moving, removing, set_aside
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.usage_check import UsageCheck
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Observation

from .compare_in_node import node_directory_of
from .extract import content_of, copy_attributes, is_begun
from .extraction import extract

_CORRECT = "Correct this."
_NOT_SET_ASIDE = "The data in {} cannot be set aside"


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
            next_step=_CORRECT,
        )


def _set_aside_on_host(step: Step, at: str) -> None:
    directory = step.host_directory
    if step.in_place or is_begun(directory):
        set_content_aside(directory, at)
    elif step.aside:
        with _explained(_NOT_SET_ASIDE.format(directory), directory):
            os.rename(directory, step.aside)


def set_content_aside(directory: str, at: str) -> None:
    """Set aside what is in a directory, which stays the same one, because nodes may have it mounted.

    at: see set_aside(). A rerun completes it; what came back under the name of what a killed run had moved is set aside
    for itself. Raises CommandFailed; nothing is overwritten.
    """
    unfinished = moving(directory)
    with _explained(_NOT_SET_ASIDE.format(directory), directory):
        names = content_of(directory)
        if not names and not is_begun(directory):
            return
        if any(os.path.lexists(os.path.join(unfinished, name)) for name in names):
            _finish(directory, at)
        os.makedirs(unfinished, mode=0o700, exist_ok=True)
        for name in names:
            os.rename(os.path.join(directory, name), os.path.join(unfinished, name))
        _finish(directory, at)


def _finish(directory: str, at: str) -> None:
    """Give what was moved its name."""
    copy_attributes(directory, moving(directory))
    os.rename(moving(directory), _unused(set_aside(directory, at)))


def what_was_set_aside(directory: str, at: str) -> list[str]:
    """What was set aside at that time, completely, and is still there."""
    path = set_aside(directory, at)
    return sorted(found for found in (path, *glob.glob(f"{glob.escape(path)}-*")) if os.path.isdir(found))


def remove_rest(directory: str) -> None:
    """Remove what killed runs left of data that they were removing: it is no data of a volume any more."""
    for left in glob.glob(f"{glob.escape(removing(directory))}*"):
        shutil.rmtree(left, ignore_errors=True)


def remove_aside(directory: str, aside: str) -> None:
    """Remove what was set aside. Raises CommandFailed."""
    target = _unused(removing(directory))
    with _explained(f"{aside} cannot be removed", aside):
        os.rename(aside, target)
    shutil.rmtree(target, ignore_errors=True)


def _unused(path: str) -> str:
    """The path, or the first one with a number that does not exist."""
    numbered = (f"{path}-{number}" for number in count(2))
    return next(candidate for candidate in chain([path], numbered) if not os.path.lexists(candidate))


@contextmanager
def _explained(failure: str, directory: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CommandFailed(
            f"{failure}: {error.strerror} ({error.filename}).",
            tried=shlex.join(["ls", "-ld", os.path.dirname(directory), directory]),
            next_step=_CORRECT,
        ) from None
