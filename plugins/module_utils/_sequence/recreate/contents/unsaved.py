# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a recreation would lose, because nobody can read it, and what will not be as it was: told before it begins."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.contents.objects import (
    unread,
    unsaved_warning,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import decline
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context


def check(context: Context) -> None:
    """Raises Declined for kinds whose objects cannot be read."""
    left_out = (context.results["backed_up"].get("objects") or {}).get("left_out", ())
    if context.options["objects"] == "all":
        decline(f"Cluster {context.name} cannot be recreated with everything in it", unread(left_out))
    context.warnings += unsaved_warning(left_out)
