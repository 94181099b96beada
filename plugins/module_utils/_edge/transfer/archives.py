# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extract the archive of a volume to another directory than it was saved from, on this host or inside a node."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedVolume
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore import extract as on_host
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore import extract_in_node as in_node


def extract_to(backup: Backup, saved: SavedVolume, target: NodeDirectory, verify: str) -> None:
    """target: missing or empty; of node '' it is on this host. Raises KindlabError, and leaves nothing behind then."""
    if saved.archive is None:
        return
    # The list of a backup that was made faster has no checksums.
    mode = verify if backup.catalog.checksums == "full" else backup.catalog.checksums
    entries = backup.entries(saved)
    if target.node:
        in_node.remove_leftovers(target)
        in_node.extract(backup.directory, saved.archive, target, entries, mode)
    else:
        on_host.remove_leftovers(target.path)
        on_host.extract(backup.directory, saved.archive, target.path, entries, mode)
