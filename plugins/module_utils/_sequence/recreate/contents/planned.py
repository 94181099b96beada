# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a recreation plans beside volumes: what is saved and what cannot be, and a rehearsal."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context

from . import images, pods, rehearsal, unsaved


def plan(context: Context) -> None:
    """Raises Declined for images and objects that could not be saved."""
    unsaved.check(context)
    images.plan(context)
    pods.plan(context)
    rehearsal.name_it(context)
