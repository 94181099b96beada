# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file with a provisioner's manifests that kind applies when it creates a cluster."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.refusals import foreign_file
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import State
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import text_file
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.manifests import manifests_of, to_text


def read(path: str) -> State:
    """Its objects; {} if it is missing or blank. Raises Declined for a file that has no manifests."""
    text = text_file.read(path)
    state = by_ref(manifests_of(text))
    if text.strip() and not state:
        raise foreign_file(path)
    return state


def write(path: str, state: State) -> None:
    """Replace the file at once."""
    text_file.write(path, to_text(state.values()))
