# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares volumes, on the host and inside nodes, with a backup, and puts their data back from its archives."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedVolume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.data import Finding, judge
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import REFUSE, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import node_directory as node_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.hashing import cpu_count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan_all
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from . import extract as extraction
from . import extract_in_node as node_extraction

# Volumes whose lists are in memory at the same time.
BATCH = 32


def judged(backup: Backup, steps: Sequence[Step], verify: str, engine: Engine) -> tuple[Step, ...]:
    """The steps with what their data says; those that don't touch data, or are refused already, as they are."""
    looked_at = [step for step in steps if step.data_matters and step.action != REFUSE]
    on_host = [step for step in looked_at if not step.node]
    found: dict[str, Step] = {}
    for first in range(0, len(on_host), BATCH):
        batch = on_host[first : first + BATCH]
        findings = _findings(backup, batch, verify)
        found |= {step.wanted.volume.name: judge(step, findings[step.host_directory], verify) for step in batch}
    inside = {step.wanted.volume.name: step for step in looked_at if step.node}
    states = node_data.states({name: _inside(step, engine) for name, step in inside.items()})
    with ThreadPoolExecutor(cpu_count()) as pool:
        judging = pool.map(lambda name: _judged_inside(backup, inside[name], states[name], verify, engine), inside)
        found |= zip(inside, judging, strict=True)
    return tuple(found.get(step.wanted.volume.name, step) for step in steps)


def check_archives(backup: Backup, steps: Sequence[Step]) -> None:
    """Raise BadInput where an archive that is to be extracted is not the one that was written."""
    needed = tuple(step.wanted.saved for step in steps if step.extract)
    replace(backup, catalog=replace(backup.catalog, volumes=needed)).check_archives()


def extract(backup: Backup, steps: Sequence[Step], verify: str, engine: Engine) -> None:
    """Put the data of these volumes back, several at once, and prove it.

    Raises KindlabError where what came out is not what the checksum list says: nothing of that volume is left, and
    nothing is written to the cluster.
    """
    for step in steps:
        if step.node:
            node_extraction.remove_leftovers(_inside(step, engine))
        else:
            extraction.remove_leftovers(step.host_directory)
    with ThreadPoolExecutor(cpu_count()) as pool:
        list(pool.map(partial(_extract, backup, verify, engine), steps))


def _extract(backup: Backup, verify: str, engine: Engine, step: Step) -> None:
    saved = step.wanted.saved
    if saved.archive is None:
        return
    entries = backup.entries(saved)
    if step.node:
        node_extraction.extract(backup.directory, saved.archive, _inside(step, engine), entries, verify)
    else:
        extraction.extract(backup.directory, saved.archive, step.host_directory, entries, verify)


def _judged_inside(backup: Backup, step: Step, state: str, verify: str, engine: Engine) -> Step:
    saved = step.wanted.saved
    difference = checksums.Difference()
    if saved.checksum_list and verify != "none" and state in (node_data.EMPTY, node_data.THERE):
        now = node_data.read(_inside(step, engine), verify)
        difference = checksums.compare(backup.entries(saved), now, verify)
    return judge(step, Finding(state, difference), verify)


def _inside(step: Step, engine: Engine) -> NodeDirectory:
    return NodeDirectory(step.node, step.wanted.volume.node_directory, engine.inside(step.node))


def _findings(backup: Backup, steps: Sequence[Step], verify: str) -> dict[str, Finding]:
    """Host directory -> what is there."""
    states = {step.host_directory: _state(step.host_directory) for step in steps}
    saved = {step.host_directory: step.wanted.saved for step in steps if step.wanted.saved.checksum_list}
    there = [directory for directory in saved if states[directory] != "missing"]
    now = dict(zip(there, scan_all(there, verify)))  # noqa: B905
    differences = {
        directory: checksums.compare(_saved(backup, saved[directory], verify), now[directory], verify)
        for directory in there
    }
    return {d: Finding(state, differences.get(d, checksums.Difference())) for d, state in states.items()}


def _saved(backup: Backup, volume: SavedVolume, verify: str) -> list[checksums.Entry]:
    return [] if verify == "none" else backup.entries(volume)


def _state(directory: str) -> str:
    try:
        with os.scandir(directory) as entries:
            return "there" if any(True for _entry in entries) else "empty"
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except OSError:
        # It is there; why it can't be read is said where it is read.
        return "there"
