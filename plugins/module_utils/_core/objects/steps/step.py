# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A step of a restore: one object, and what is done about it; and the plan of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key, Resource
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.waves import DEFINITION
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .comparing import differing

CREATE, REPLACE, PATCH, OWN, FINISH = "create", "replace", "patch", "own", "finish"
UNCHANGED, KEEP, SKIP, REFUSE = "unchanged", "keep", "skip", "refuse"
EQUAL, ADAPTED, KEPT, SKIPPED, REFUSED = "equal", "adapted", "kept", "skipped", "refused"
_RESULTS = {KEEP: KEPT, SKIP: SKIPPED, REFUSE: REFUSED}
NAMESPACE = ("", "Namespace")
# Of an object that is refused, because the cluster has no such type, or that needs none.
UNKNOWN = Resource("", "", "", "", False)


@dataclass(frozen=True)
class Step:
    """One object. item: what is written, for PATCH a merge patch; saved: what the cluster should have then.

    OWN only sets what owns the object and its fields, FINISH the status of a Job that was done. live: the object before
    it was written, then after that; None for none. adapted: how it differs from the saved one on purpose, or why it
    must; found: how the API server changed it. why: it is kept, skipped or refused.
    """

    key: Key
    wave: str
    action: str
    item: Object
    saved: Object
    resource: Resource = UNKNOWN
    live: Object | None = None
    adapted: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    why: str = ""
    next_step: str = ""

    @property
    def writes(self) -> bool:
        """True if something is written."""
        return self.action in (CREATE, REPLACE, PATCH, OWN, FINISH)

    @property
    def defines(self) -> bool:
        """True for a CustomResourceDefinition."""
        return self.key[:2] == DEFINITION

    @property
    def is_refused(self) -> bool:
        """True if the object cannot be restored."""
        return self.action == REFUSE

    def refused(self, why: str, next_step: str = "") -> Step:
        """The step if the object cannot be restored."""
        return replace(self, action=REFUSE, why=why.strip().rstrip("."), next_step=next_step)

    def row(self) -> Object:
        """The row in a result."""
        return {
            "kind": kind_text(self.key),
            "namespace": self.key.namespace,
            "name": self.key.name,
            "action": self.action,
            "result": _RESULTS.get(self.action, ADAPTED if self.adapted or self.found else EQUAL),
            "why": self.why or "; ".join((*self.adapted, *self.found)),
        }


@dataclass(frozen=True)
class Plan:
    """The steps, in the order of their waves. existing: what happens to an object that differs.

    uids: of what exists; notes: on objects that still name another namespace.
    """

    existing: str
    steps: tuple[Step, ...] = ()
    uids: Mapping[Key, str] = field(default_factory=dict)
    notes: Mapping[Key, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """True if something is written."""
        return any(step.writes for step in self.steps)

    def with_steps(self, steps: Iterable[Step]) -> Plan:
        """The plan with these steps instead of those of the same objects."""
        new = {step.key: step for step in steps}
        return replace(self, steps=tuple(new.get(step.key, step) for step in self.steps))

    def to_try(self) -> list[Step]:
        """The steps that the API server can check without writing.

        Types and namespaces must exist; and a pod needs its ServiceAccount and classes, which the restore may create.
        """
        made = [step for step in self.steps if step.action == CREATE]
        namespaces = {step.key.name for step in made if step.key[:2] == NAMESPACE}
        types = {type_of(step.saved) for step in made if step.defines}
        return [
            step
            for step in self.steps
            if step.action in (CREATE, REPLACE, PATCH)
            and step.key.namespace not in namespaces
            and step.key[:2] not in types
            and not (step.action == CREATE and step.key[:2] == ("", "Pod"))
        ]

    def with_notes(self, notes: Mapping[Key, str]) -> Plan:
        """The plan with notes about how objects are adapted, by key."""
        noted = (replace(s, adapted=(*s.adapted, notes[s.key])) if s.key in notes else s for s in self.steps)
        return replace(self, steps=tuple(noted), notes=notes)

    def check(self, effect: str = "nothing was changed") -> None:
        """Raise Declined if an object is refused."""
        refused = [step for step in self.steps if step.is_refused]
        refusals = [Refusal(str(step.key), step.why, step.next_step) for step in refused]
        decline("These objects cannot be restored", refusals, effect=effect)

    def diff(self) -> tuple[Object, Object]:
        """What is written, before and after, without the contents: there are Secrets among them."""
        steps = [step for step in self.steps if step.writes]
        before = {str(step.key): _before(step) for step in steps}
        return {"objects": before}, {"objects": {str(step.key): "as saved" for step in steps}}

    def result(self) -> Object:
        """What the module returns."""
        rows = [step.row() for step in self.steps]
        return {"objects": rows, "counts": dict(sorted(Counter(row["result"] for row in rows).items()))}

    def warnings(self) -> tuple[str, ...]:
        """Names of other namespaces that were left as they are."""
        if not self.notes:
            return ()
        told = listed([f"{key} ({note})" for key, note in sorted(self.notes.items())], 5)
        return (f"References that only these objects' own programs understand were not changed: {told}.",)


def kind_text(key: Key) -> str:
    """'Deployment.apps', 'Service'."""
    return f"{key.kind}.{key.group}" if key.group else key.kind


def type_of(definition: Mapping[str, Any]) -> tuple[str, str]:
    """The group and kind that a CustomResourceDefinition defines."""
    return definition["spec"]["group"], definition["spec"]["names"]["kind"]


def _before(step: Step) -> str:
    if step.action in (OWN, FINISH):
        return "not complete"
    if step.action == PATCH:
        return "without what people changed"
    return "absent" if step.live is None else f"differs in {differing(step.saved, step.live)}"
