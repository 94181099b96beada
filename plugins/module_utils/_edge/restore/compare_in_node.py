# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare data inside nodes with a backup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.data import DataState
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import node_directory as node_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.hashing import cpu_count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import ATTEMPTS
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from . import extract_in_node as in_node
from .nested import UNFINISHED, Existing, compared


def compare_in_nodes(
    backup: Backup, steps: Sequence[Step], verify: str, engine: Engine, inner: Mapping[str, Sequence[str]]
) -> dict[str, DataState]:
    """Volume's name -> the state of its data. inner: as inner_directories returns it."""
    existing = node_data.states({step.name: node_directory_of(step, engine) for step in steps})

    def compare(step: Step) -> DataState:
        return _compare(backup, step, existing[step.name], verify, engine, inner.get(step.name, ()))

    with ThreadPoolExecutor(cpu_count()) as pool:
        return {step.name: state for step, state in zip(steps, pool.map(compare, steps))}


def node_directory_of(step: Step, engine: Engine) -> NodeDirectory:
    """Its directory inside a node."""
    return NodeDirectory(step.node, step.selected.volume.node_directory, engine.inside(step.node))


def _compare(backup: Backup, step: Step, state: str, verify: str, engine: Engine, inner: Sequence[str]) -> DataState:
    directory, saved = node_directory_of(step, engine), step.selected.saved
    if saved.archive and in_node.look(directory, state, partial(backup.entries, saved))[0] != state:
        return DataState(node_data.EMPTY, UNFINISHED)
    if verify == "none" or not saved.checksum_list or state not in (node_data.EMPTY, node_data.THERE):
        return DataState(state)
    return compared(backup, step, state, _read(directory, verify), verify, inner)


def _read(directory: NodeDirectory, verify: str) -> Existing:
    """Its entries, or why they cannot be read; what changes is read again."""
    failure = KindlabError("")
    for _attempt in range(ATTEMPTS):
        try:
            return node_data.read(directory, verify)
        except KindlabError as error:
            failure = error
            if not isinstance(error, Conflict):
                break
    return failure
