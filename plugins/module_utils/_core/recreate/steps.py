# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of a recreation in their order; journal, plan, progress and resume follow from this list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What a step needs -> the facts that have it: the first once it is saved, the others while that is planned.
_NEEDS = {
    "backup": ("generation", "volumes", "saves"),
    "objects": ("objects_from", "saves_objects"),
    "rehearsal": ("rehearsal",),
    "replaced": ("replaced", "back_to"),
}


@dataclass(frozen=True)
class Step:
    """One step. name: the journal's entry once it is finished; does: what the plan says.

    undoable: whether everything can be put back as it was if it fails. begins: the entry before it starts, for a step
    that cannot be undone. needs: skipped without that, see _NEEDS; once: not repeated by a rerun; option: the option of
    the module that turns it off.
    """

    name: str
    does: str
    undoable: bool = False
    begins: str = ""
    needs: str = ""
    once: bool = False
    option: str = ""

    def applies(self, options: Mapping[str, Any], facts: Mapping[str, Any], finished: tuple[str, ...]) -> bool:
        """Whether a run does it. finished: the entries of this recreation so far."""
        if self.needs and not any(facts.get(name) for name in _NEEDS[self.needs]):
            return False
        wanted = not self.option or options[self.option] not in (False, "none")
        return wanted and not (self.once and self.name in finished)

    def is_possible(self, facts: Mapping[str, Any]) -> bool:
        """Whether what it needs is there when it is its turn."""
        return not self.needs or bool(facts.get(_NEEDS[self.needs][0]))

    def as_dict(self) -> dict[str, Any]:
        """The row in the module's plan."""
        return {"name": self.name, "does": self.does, "undoable": self.undoable}


STEPS = (
    Step("planned", "check that every step can be done", undoable=True),
    Step("images_saved", "save the images that were loaded into nodes", undoable=True, option="images"),
    Step("rehearsed", "create all objects in a throw-away cluster", undoable=True, needs="rehearsal"),
    Step("detached", "scale workloads to zero and verify that nothing uses the volumes", undoable=True),
    Step("backed_up", "back up volumes, claims, all other objects and the cluster's options", undoable=True),
    Step("deleted", "delete the cluster", begins="deleting"),
    Step("created", "create the cluster"),
    Step("images_loaded", "load the saved images into the nodes", option="images"),
    Step("provisioned", "install its storage provisioners"),
    Step("configured", "set labels, taints and cordons of nodes, and storage classes, as they were"),
    Step("prepared", "create definitions, namespaces, accounts and configuration", needs="objects", option="objects"),
    # Once pods may have started, what differs is theirs.
    Step("set_aside", "set data aside that the generation replaces", needs="replaced", once=True),
    Step("restored", "restore the volumes and their claims", needs="backup"),
    # Before anything that could start pods exists. They may write: what was equal once is not compared again.
    Step("verified", "compare the restored data with the backup", needs="backup", once=True),
    Step("applied", "create services, workloads and custom resources", needs="objects", option="objects"),
    Step("attached", "scale workloads back up", needs="backup", option="attach"),
    Step("completed", "create autoscalers, budgets, CronJobs and webhooks", needs="objects", option="objects"),
)
DONE = "done"
# Journal entries of a run that was undone before the deletion, of one that resumes with what is there, and of one that
# goes back to the old shape, because the new cluster failed.
ROLLED_BACK, RESUMED, TURNED_BACK = "rolled_back", "resumed", "turned_back"
# The fact way of a recreation that goes back.
BACK = "back"

DELETION = next(step for step in STEPS if step.begins)
# The first one that stops something, and those that bring applications back.
DETACHMENT = next(step for step in STEPS if step.name == "detached")
AGAIN = ("applied", "attached")
# Where a run can start: from the beginning, with the rest of a deletion, or after it.
FIRST, DELETE, CREATE = STEPS[0].name, DELETION.name, STEPS[STEPS.index(DELETION) + 1].name

ENTRIES = (*(name for step in STEPS for name in (step.begins, step.name) if name), DONE)


def steps_from(name: str) -> tuple[Step, ...]:
    """This step and all later ones."""
    return STEPS[[step.name for step in STEPS].index(name) :]


def stops_nothing(step: Step) -> bool:
    """True for the steps before the first one that stops something."""
    return STEPS.index(step) < STEPS.index(DETACHMENT)


def can_turn_back(name: str) -> bool:
    """True for the steps of the new cluster in which nothing writes to its volumes yet."""
    names = [step.name for step in STEPS]
    return names.index(CREATE) <= names.index(name) < names.index("attached")


def is_after_deletion(step: Step) -> bool:
    """True for the steps of the new cluster."""
    return STEPS.index(step) > STEPS.index(DELETION)
