# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the catalog of a generation says of its objects."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    SavedLeftOut,
    SavedObjects,
    SavedSelection,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.stored.collected import Collected


def counted(collected: Collected) -> SavedObjects:
    """What the catalog says of the objects."""
    chosen = collected.selection
    return SavedObjects(
        len(collected.saved.made),
        len(collected.saved.changed),
        collected.baseline,
        tuple(SavedLeftOut(**row.key._asdict(), why=row.why) for row in collected.left_out),
        SavedSelection(chosen.namespaces, chosen.kinds, chosen.labels),
    )
