# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare the data of volumes with a backup, on the host and inside nodes, and extract it from archives."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.data import DataState
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import node_directory as node_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.hashing import cpu_count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan_all
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.other_clusters import users_elsewhere
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from . import extract as on_host
from . import extract_in_node as in_node

# Volumes whose lists are in memory at the same time.
BATCH = 32


def compare(
    backup: Backup, steps: Sequence[Step], verify: str, engine: Engine, sharing: Sequence[Node] = ()
) -> dict[str, DataState]:
    """Volume's name -> the state of its data. sharing: nodes of other clusters that may have host directories of it."""
    used = users_elsewhere(engine, sharing, {s.name: s.host_directory for s in steps if s.writes_to_host})
    states = {name: DataState(node_data.THERE, elsewhere=why) for name, why in used.items()}
    on_this_host = [step for step in steps if not step.node and step.name not in used]
    for first in range(0, len(on_this_host), BATCH):
        states |= _compare_on_host(backup, on_this_host[first : first + BATCH], verify)
    inside = [step for step in steps if step.node]
    existing = node_data.states({step.name: _node_directory(step, engine) for step in inside})
    with ThreadPoolExecutor(cpu_count()) as pool:
        compared = pool.map(lambda step: _compare_in_node(backup, step, existing[step.name], verify, engine), inside)
        states |= {step.name: state for step, state in zip(inside, compared, strict=True)}
    return states


def check_archives(backup: Backup, steps: Sequence[Step]) -> None:
    """Raise BadInput if an archive to extract was changed after the backup."""
    needed = tuple(step.selected.saved for step in steps if step.extract)
    replace(backup, catalog=replace(backup.catalog, volumes=needed)).check_archives()


def extract(backup: Backup, steps: Sequence[Step], verify: str, engine: Engine) -> None:
    """Extract the archives of these volumes, several at once, and compare the data with the checksum lists.

    Raises KindlabError if data differs; nothing of that volume is left behind.
    """
    for step in steps:
        if step.node:
            in_node.remove_leftovers(_node_directory(step, engine))
        else:
            on_host.remove_leftovers(step.host_directory)
    with ThreadPoolExecutor(cpu_count()) as pool:
        list(pool.map(partial(_extract, backup, verify, engine), steps))


def _extract(backup: Backup, verify: str, engine: Engine, step: Step) -> None:
    saved = step.selected.saved
    if saved.archive is None:
        return
    entries = backup.entries(saved)
    if step.node:
        in_node.extract(backup.directory, saved.archive, _node_directory(step, engine), entries, verify)
    else:
        on_host.extract(backup.directory, saved.archive, step.host_directory, entries, verify)


def _compare_in_node(backup: Backup, step: Step, state: str, verify: str, engine: Engine) -> DataState:
    if verify == "none" or not step.selected.saved.checksum_list or state not in (node_data.EMPTY, node_data.THERE):
        return DataState(state)
    return _compared(backup, step, state, node_data.read(_node_directory(step, engine), verify), verify)


def _node_directory(step: Step, engine: Engine) -> NodeDirectory:
    return NodeDirectory(step.node, step.selected.volume.node_directory, engine.inside(step.node))


def _compare_on_host(backup: Backup, steps: Sequence[Step], verify: str) -> dict[str, DataState]:
    states = {step.name: DataState(_state(step.host_directory)) for step in steps}
    if verify == "none":
        return states
    existing = (node_data.EMPTY, node_data.THERE)
    compared = [s for s in steps if s.selected.saved.checksum_list and states[s.name].state in existing]
    directories = list(dict.fromkeys(step.host_directory for step in compared))
    entries = dict(zip(directories, scan_all(directories, verify), strict=True))
    for step in compared:
        states[step.name] = _compared(backup, step, states[step.name].state, entries[step.host_directory], verify)
    return states


def _compared(backup: Backup, step: Step, state: str, existing: Sequence[checksums.Entry], verify: str) -> DataState:
    difference = checksums.compare(backup.entries(step.selected.saved), existing, verify)
    return DataState(state, difference.text() if difference else "")


def _state(directory: str) -> str:
    try:
        with os.scandir(directory) as entries:
            return node_data.THERE if any(True for _entry in entries) else node_data.EMPTY
    except FileNotFoundError:
        return node_data.MISSING
    except NotADirectoryError:
        return node_data.OTHER
    except OSError:
        # It exists; the comparison reports why it cannot be read.
        return node_data.THERE
