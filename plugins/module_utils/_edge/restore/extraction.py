# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extract the archives of volumes, on the host and inside nodes, those of outer directories first."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data import node_directory as node_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.hashing import cpu_count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import Source
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from . import extract as on_host
from . import extract_in_node as in_node
from .compare_in_node import node_directory_of
from .nested import in_groups
from .verified import check_extracted


def extract(backup: Backup, steps: Sequence[Step], verify: str, engine: Engine) -> None:
    """Extract the archives of these volumes, several at once, and compare the data with the checksum lists.

    Raises KindlabError if data differs; nothing of that volume is left behind.
    """
    extracted = [step for step in steps if step.extract]
    for step in extracted:
        if step.place.node:
            in_node.remove_leftovers(node_directory_of(step, engine))
        else:
            on_host.remove_leftovers(step.host_directory)
    with ThreadPoolExecutor(cpu_count()) as pool:
        for group in in_groups(extracted):
            list(pool.map(partial(_extract, backup, verify, engine), group))
    for step in steps:
        if step.extracted_with:
            _check_brought(backup, step, verify, engine)


def source_of(step: Step, engine: Engine) -> Source:
    """Where its data is read and written."""
    return node_directory_of(step, engine) if step.place.node else step.host_directory


def _extract(backup: Backup, verify: str, engine: Engine, step: Step) -> None:
    saved = step.selected.saved
    if saved.archive is None:
        return
    entries = backup.entries(saved)
    if step.place.node:
        in_node.extract(backup.directory, saved.archive, node_directory_of(step, engine), entries, verify)
    else:
        on_host.extract(backup.directory, saved.archive, step.host_directory, entries, verify)


def _check_brought(backup: Backup, step: Step, verify: str, engine: Engine) -> None:
    """Raises KindlabError if a directory that came with the archive of another volume is not what was saved."""
    own = step.selected.saved
    path = own.archive.path if own.archive else step.name

    def read() -> Sequence[checksums.Entry]:
        if step.place.node:
            return node_data.read(node_directory_of(step, engine), verify)
        return scan(step.host_directory, verify)

    check_extracted(backup.directory / path, backup.entries(own), read, verify, "Find out what writes to it")
