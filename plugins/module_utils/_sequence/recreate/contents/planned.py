# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a recreation plans beside volumes: what is saved and what cannot be, a rehearsal, and what goes back."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate import snapshot
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate import survey
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context, Facts
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.snapshot import data
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.start.new_shape import check_generation

from . import images, pods, rehearsal, unsaved
from .source import live, to_restore


def saving(context: Context) -> Facts:
    """How the present state is saved before the cluster goes back to a generation, {} if it does not.

    Raises Declined for what prevents that.
    """
    if not context.facts.get("back_to"):
        return {}
    check_generation(context)
    options = data.saving(context)
    survey.check_unshared(context, context.facts["replaced"])
    return options


def plan(context: Context) -> None:
    """Raises Declined for images and objects that could not be saved."""
    unsaved.check(context)
    images.plan(context)
    pods.plan(context)
    rehearsal.name_it(context)
    if context.facts.get("back_to"):
        wanted = context.options["objects"] == "all"
        objects = snapshot.compare(live(context), to_restore(context)) if wanted else {}
        context.results["rollback"] = snapshot.rollback(context.target, context.facts["volumes"], objects)


def plan_last(context: Context) -> None:
    """The same where only the last backup is known."""
    pods.keep(context)
    rehearsal.name_it(context, known=bool(context.facts.get("objects_from")))
