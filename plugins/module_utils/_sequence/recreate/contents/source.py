# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects that a recreation brings back: of the generation that is restored, or of the running cluster."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Saved
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects.collect import collect_all
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context


def to_restore(context: Context) -> Saved:
    """The objects of the generation that is restored, or those of the running cluster if none is saved yet."""
    generation = context.target.get("objects_from")
    return read_backup(context.path, generation).saved_objects() if generation else live(context)


def live(context: Context) -> Saved:
    """The objects of the running cluster, as they would be saved."""
    return collect_all(context.connect()).saved
