# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read and write the file of a provisioner's manifests."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.refusals import foreign_file
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import State
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import text_file
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.manifests import manifests_of, to_text


def read(dest: str) -> State:
    """The objects in the file. Raises Declined if it has something else."""
    text = text_file.read(dest)
    existing = by_ref(manifests_of(text))
    if text.strip() and not existing:
        raise foreign_file(dest)
    return existing


def check(dest: str) -> None:
    """Raise BadInput if the file cannot be written; changes nothing."""
    text_file.check(dest)


def write(dest: str, objects: Iterable[Object]) -> None:
    """Write the objects. Raises BadInput."""
    text_file.write(dest, to_text(objects))
