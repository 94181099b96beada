# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a step comes to, by what the API server answers: equal, adapted, kept or refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.managed.fields import has_managers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import has_finished
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.cleaning import cleaned
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key

from .comparing import (
    address_of,
    compared,
    differences,
    differing,
    is_equal,
    missing_owners,
    owner_keys,
)
from .done_jobs import is_done
from .step import CREATE, KEEP, OWN, PATCH, REPLACE, UNCHANGED, Step

# What happens to an object that is there, and differs.
EXISTING = ("refuse", "keep", "replace")
# In a cluster that is being recreated: whatever differs is replaced, and what only has more is left as it is.
COMPLETE = "complete"


def owned(step: Step) -> Step:
    """OWN instead of UNCHANGED if what owns the object, or its fields, is missing: after an interruption."""
    live = step.live or {}
    missing = not has_managers(step.saved, live) or missing_owners(step.saved, live)
    return replace(step, action=OWN) if missing else step


def tried(step: Step, answer: Object, existing: str) -> Step:
    """The step, once the API server told what a write would make of the object; it knows which fields are defaults."""
    if step.live is None or step.action == PATCH:
        same = step.live is not None and compared(cleaned(answer)) == compared(cleaned(step.live))
        return replace(step, action=UNCHANGED) if same else replace(step, found=found_in(step, answer))
    if compared(cleaned(answer)) == compared(cleaned(step.live)):
        return owned(replace(step, action=UNCHANGED, found=found_in(step, step.live)))
    decided = _existing(step, step.live, existing)
    return replace(decided, found=found_in(step, answer)) if decided.action == REPLACE else decided


def not_accepted(step: Step, why: str, existing: str) -> Step:
    """The step, once the API server refused what a write would make of the object: a field may be immutable."""
    if step.action != REPLACE or step.live is None or existing == "replace":
        return step.refused(why)
    decided = _existing(step, step.live, existing)
    return step.refused(why) if decided.action == REPLACE else decided


def meanwhile(step: Step, live: Object, existing: str) -> Step:
    """The step if somebody else created the object after the plan was made: REPLACE if it is to be written."""
    step = replace(step, live=live)
    if is_equal(step.saved, live):
        return replace(step, action=UNCHANGED, found=found_in(step, live))
    return _existing(step, live, existing)


def _existing(step: Step, live: Object, existing: str) -> Step:
    """The step of an object that is there, and differs."""
    differs = f"it exists, and differs in {differing(step.saved, live)}"
    if existing != "replace" and not differences(step.saved, live):
        return owned(replace(step, action=UNCHANGED, found=(f"it has more: {differing(step.saved, live)}",)))
    if existing == "keep":
        return replace(step, action=KEEP, why=differs)
    if existing == "refuse":
        return step.refused(differs, "Set existing=keep to leave such objects as they are, or existing=replace.")
    return replace(step, action=REPLACE)


def written(step: Step, answer: Object) -> Step:
    """The step, once its object is written. answer: as the API server stored it."""
    return replace(step, live=answer, found=found_in(step, answer), why="")


def without_lost_owners(step: Step, there: Collection[Key]) -> Step:
    """UNCHANGED instead of OWN if nothing can be set, because the owners do not exist. there: what exists, or will."""
    live = step.live or {}
    found = any(key in there for ref in missing_owners(step.saved, live) for key in owner_keys(step.key, ref))
    if found or not has_managers(step.saved, live):
        return step
    return with_owners_told(replace(step, action=UNCHANGED))


def with_owners_told(step: Step) -> Step:
    """The step with the owners that the object does not have, because they do not exist."""
    missing = missing_owners(step.saved, step.live or {"metadata": {}})
    names = ", ".join(f"{reference['kind']} {reference['name']}" for reference in missing)
    return replace(step, found=(*step.found, f"its owner does not exist: {names}")) if missing else step


def found_in(step: Step, live: Object) -> tuple[str, ...]:
    """How the API server changed the object: its cluster IP, or fields."""
    before, now = address_of(step.saved), address_of(live)
    address = before not in ("", "None", now)
    told = (f"its cluster IP is {now or 'another one'} instead of {before}",) if address else ()
    # A Job that was done is suspended until its status says so.
    saved = step.item if is_done(step.saved) and not has_finished(live) else step.saved
    lost = differences(saved, live) if step.action in (CREATE, REPLACE) else []
    rest = f" and {len(lost) - 5} more fields" if len(lost) > 5 else ""
    return (*told, f"the API server changed {', '.join(lost[:5])}{rest}") if lost else told
