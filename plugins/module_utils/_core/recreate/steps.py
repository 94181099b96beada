# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of a recreation in their order; journal, plan, progress and resume follow from this list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """One step. name: the journal's entry once it is finished; does: what the plan says.

    undoable: whether everything can be put back as it was if it fails. begins: the entry before it starts, for a step
    that cannot be undone. needs_volumes: skipped if the backup has nothing; once: not repeated by a rerun; option: the
    option of the module that turns it off.
    """

    name: str
    does: str
    undoable: bool = False
    begins: str = ""
    needs_volumes: bool = False
    once: bool = False
    option: str = ""

    def applies(self, options: Mapping[str, Any], facts: Mapping[str, Any], finished: tuple[str, ...]) -> bool:
        """Whether a run does it. finished: the entries of this recreation so far."""
        if self.needs_volumes and not any(facts.get(name) for name in ("generation", "volumes", "saves")):
            return False
        return not (self.once and self.name in finished) and bool(not self.option or options[self.option])

    def as_dict(self) -> dict[str, Any]:
        """The row in the module's plan."""
        return {"name": self.name, "does": self.does, "undoable": self.undoable}


STEPS = (
    Step("planned", "check that every step can be done", undoable=True),
    Step("detached", "scale workloads to zero and verify that nothing uses the volumes", undoable=True),
    Step("backed_up", "back up volumes, claims, workloads and the cluster's options", undoable=True),
    Step("deleted", "delete the cluster", begins="deleting"),
    Step("created", "create the cluster"),
    Step("provisioned", "install its storage provisioners"),
    Step("configured", "set labels, taints and cordons of nodes, and storage classes, as they were"),
    Step("restored", "restore the volumes and their claims", needs_volumes=True),
    # Pods that run again may write: what was equal once is not compared again.
    Step("verified", "compare the restored data with the backup", needs_volumes=True, once=True),
    Step("attached", "scale workloads back up", needs_volumes=True, option="attach"),
)
DONE = "done"
# Journal entry of a run that was undone before the deletion.
ROLLED_BACK = "rolled_back"

DELETION = next(step for step in STEPS if step.begins)
# Where a run can start: from the beginning, with the rest of a deletion, or after it.
FIRST, DELETE, CREATE = STEPS[0].name, DELETION.name, STEPS[STEPS.index(DELETION) + 1].name

ENTRIES = (*(name for step in STEPS for name in (step.begins, step.name) if name), DONE)


def steps_from(name: str) -> tuple[Step, ...]:
    """This step and all later ones."""
    return STEPS[[step.name for step in STEPS].index(name) :]


def is_after_deletion(step: Step) -> bool:
    """True for the steps of the new cluster."""
    return STEPS.index(step) > STEPS.index(DELETION)
