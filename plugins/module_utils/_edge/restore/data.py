# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare the data of volumes with a backup."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.data import DataState
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import node_directory as node_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan_each
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.other_clusters import users_elsewhere
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from . import extract as on_host
from .compare_in_node import compare_in_nodes
from .nested import UNFINISHED, Existing, compared, inner_directories, with_outer

# The difference of a directory that a killed run was setting aside: what is left may well be equal.
_BEGUN = "a part of it was set aside by a run that was interrupted"
# Volumes whose lists are in memory at the same time.
BATCH = 32


def compare(
    backup: Backup, steps: Sequence[Step], verify: str, engine: Engine, sharing: Sequence[Node] = ()
) -> dict[str, DataState]:
    """Volume's name -> the state of its data. sharing: nodes of other clusters that may have host directories of it."""
    inner = inner_directories(steps)
    used = users_elsewhere(engine, sharing, {s.name: s.host_directory for s in steps if s.writes_to_host})
    states = {name: DataState(node_data.THERE, elsewhere=why) for name, why in used.items()}
    on_this_host = [step for step in steps if not step.node and step.name not in used]
    for first in range(0, len(on_this_host), BATCH):
        states |= _compare_on_host(backup, on_this_host[first : first + BATCH], verify, inner)
    states |= compare_in_nodes(backup, [step for step in steps if step.node], verify, engine, inner)
    return with_outer(backup, steps, states)


def _compare_on_host(
    backup: Backup, steps: Sequence[Step], verify: str, inner: Mapping[str, Sequence[str]]
) -> dict[str, DataState]:
    states = {step.name: _state(backup, step) for step in steps}
    if verify == "none":
        return states
    existing = (node_data.EMPTY, node_data.THERE)
    read = [s for s in steps if s.selected.saved.checksum_list and states[s.name].state in existing]
    read = [step for step in read if not states[step.name].difference]
    directories = list(dict.fromkeys(step.host_directory for step in read))
    entries = dict(zip(directories, _scan(directories, verify)))
    for step in read:
        state, found = states[step.name].state, entries[step.host_directory]
        states[step.name] = compared(backup, step, state, found, verify, inner.get(step.name, ()))
    return states


def _scan(directories: Sequence[str], verify: str) -> Sequence[Existing]:
    """The entries of each directory, or why they cannot be read: one that is busy or unreadable fails alone."""
    try:
        return scan_each(directories, verify)
    except KindlabError as error:
        if len(directories) == 1:
            return [error]
    return [found for directory in directories for found in _scan([directory], verify)]


def _state(backup: Backup, step: Step) -> DataState:
    directory, saved = step.host_directory, step.selected.saved
    if os.path.islink(directory):
        # A node would follow it to a directory of its own.
        return DataState(node_data.OTHER)
    try:
        names = os.listdir(directory)
        if saved.archive and names and not on_host.content_of(directory):
            return DataState(node_data.EMPTY, UNFINISHED)
        if saved.archive and names and on_host.unfinished(directory, partial(backup.entries, saved)):
            return DataState(node_data.EMPTY, UNFINISHED)
    except FileNotFoundError:
        return DataState(node_data.MISSING)
    except NotADirectoryError:
        return DataState(node_data.OTHER)
    except OSError:
        # It exists; the comparison reports why it cannot be read.
        return DataState(node_data.THERE)
    return DataState(node_data.THERE if names else node_data.EMPTY, _BEGUN if on_host.is_begun(directory) else "")
