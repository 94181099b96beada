# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare the data of volumes with a backup, on the host and inside nodes, and extract it from archives."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.data import DataState
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import node_directory as node_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.hashing import cpu_count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan, scan_all
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.other_clusters import users_elsewhere
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from . import extract as on_host
from . import extract_in_node as in_node
from .nested import in_groups, inner_directories, with_outer, without_own
from .verified import check_extracted

# The difference of a directory into which a killed run was extracting.
UNFINISHED = "its extraction was interrupted"
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
    inside = [step for step in steps if step.node]
    existing = node_data.states({step.name: _node_directory(step, engine) for step in inside})
    with ThreadPoolExecutor(cpu_count()) as pool:

        def in_its_node(step: Step) -> DataState:
            return _compare_in_node(backup, step, existing[step.name], verify, engine, inner.get(step.name, ()))

        states |= {step.name: state for step, state in zip(inside, pool.map(in_its_node, inside), strict=True)}
    return with_outer(backup, steps, states)


def extract(backup: Backup, steps: Sequence[Step], verify: str, engine: Engine) -> None:
    """Extract the archives of these volumes, several at once, and compare the data with the checksum lists.

    Raises KindlabError if data differs; nothing of that volume is left behind.
    """
    extracted = [step for step in steps if step.extract]
    for step in extracted:
        if step.node:
            in_node.remove_leftovers(_node_directory(step, engine))
        else:
            on_host.remove_leftovers(host_directory(step))
    with ThreadPoolExecutor(cpu_count()) as pool:
        for group in in_groups(extracted):
            list(pool.map(partial(_extract, backup, verify, engine), group))
    for step in steps:
        if step.extracted_with:
            _check_brought(backup, step, verify, engine)


def host_directory(step: Step) -> str:
    """Its directory on the host: behind a symbolic link, which the engine follows when it mounts one."""
    return os.path.realpath(step.host_directory) if step.is_mount else step.host_directory


def _extract(backup: Backup, verify: str, engine: Engine, step: Step) -> None:
    saved = step.selected.saved
    if saved.archive is None:
        return
    entries = backup.entries(saved)
    if step.node:
        in_node.extract(backup.directory, saved.archive, _node_directory(step, engine), entries, verify)
    else:
        on_host.extract(backup.directory, saved.archive, host_directory(step), entries, verify)


def _check_brought(backup: Backup, step: Step, verify: str, engine: Engine) -> None:
    """Raises KindlabError if a directory that came with the archive of another volume is not what was saved."""
    own = step.selected.saved
    path = own.archive.path if own.archive else step.name

    def read() -> Sequence[checksums.Entry]:
        if step.node:
            return node_data.read(_node_directory(step, engine), verify)
        return scan(host_directory(step), verify)

    check_extracted(backup.directory / path, backup.entries(own), read, verify, "Find out what writes to it")


def _compare_in_node(
    backup: Backup, step: Step, state: str, verify: str, engine: Engine, inner: Sequence[str]
) -> DataState:
    directory, saved = _node_directory(step, engine), step.selected.saved
    if saved.archive and in_node.look(directory, state, partial(backup.entries, saved))[0] != state:
        return DataState(node_data.EMPTY, UNFINISHED)
    if verify == "none" or not saved.checksum_list or state not in (node_data.EMPTY, node_data.THERE):
        return DataState(state)
    return _compared(backup, step, state, node_data.read(directory, verify), verify, inner)


def _node_directory(step: Step, engine: Engine) -> NodeDirectory:
    return NodeDirectory(step.node, step.selected.volume.node_directory, engine.inside(step.node))


def _compare_on_host(
    backup: Backup, steps: Sequence[Step], verify: str, inner: Mapping[str, Sequence[str]]
) -> dict[str, DataState]:
    states = {step.name: _state(backup, step) for step in steps}
    if verify == "none":
        return states
    existing = (node_data.EMPTY, node_data.THERE)
    compared = [s for s in steps if s.selected.saved.checksum_list and states[s.name].state in existing]
    compared = [step for step in compared if not states[step.name].difference]
    directories = list(dict.fromkeys(host_directory(step) for step in compared))
    entries = dict(zip(directories, scan_all(directories, verify), strict=True))
    for step in compared:
        state, found = states[step.name].state, entries[host_directory(step)]
        states[step.name] = _compared(backup, step, state, found, verify, inner.get(step.name, ()))
    return states


def _compared(
    backup: Backup, step: Step, state: str, existing: Iterable[checksums.Entry], verify: str, inner: Sequence[str]
) -> DataState:
    """inner: the directories of other volumes in its own, relative to it."""
    saved = backup.entries(step.selected.saved)
    difference = checksums.compare(saved, without_own(saved, existing, inner) if inner else existing, verify)
    return DataState(state, difference.text() if difference else "")


def _state(backup: Backup, step: Step) -> DataState:
    directory, saved = host_directory(step), step.selected.saved
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
    return DataState(node_data.THERE if names else node_data.EMPTY)
