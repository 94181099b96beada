# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a recreation returns: its plan, the cluster before and after, what came back, and warnings."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate import report, snapshot
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.contents import objects as brought_back
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.running.times import away
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import shown
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import DONE, Step
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.start.resume import Start


def outcome(context: Context, start: Start, pending: Sequence[Step]) -> Outcome:
    """pending: the steps that were to be done."""
    rows = brought_back.rows(context.results)
    stopped = away(context.journal.entries()) if DONE in context.watch.seconds else None
    rolled_back = context.results.get("rollback") or {}
    plan = report.plan_rows(pending, context.target, context.results, context.options["data"])
    facts = {
        "first_step": start.step,
        "without_api": start.without_api,
        "resumed": start.resumed,
        "journal": str(context.journal.path),
        "plan": {**plan, **({"rollback": rolled_back} if rolled_back else {})},
        **report.result(context.facts, context.results),
        "objects": brought_back.summary(rows),
        "images": context.results.get("images_loaded", {}).get("images", []),
        "seconds": {
            **context.watch.seconds,
            "checksums": report.checksum_seconds(context.results),
            **({"away": stopped} if stopped is not None else {}),
        },
    }
    # What is planned warns as a run does; its own warnings count once it has been carried out.
    foreseen = () if DONE in context.watch.seconds else context.foreseen
    warnings = (
        *context.warnings,
        *(warning for warning in foreseen if warning not in context.warnings),
        *brought_back.warnings(rows),
        *report.foreign_classes(context.target["storage_classes"]),
        *report.lost_settings(context.target, plan["nodes"]),
    )
    before, after = (shown(context.name, context.facts[name]) for name in ("old_options", "options"))
    there, wanted = snapshot.shown(rolled_back)
    volumes = {row["name"]: row["does"] for row in plan["volumes"]}
    return Outcome(
        True,
        {"cluster": "existing", **before, **there},
        {"cluster": "recreated", **after, **wanted, "volumes": volumes},
        facts,
        warnings,
    )
