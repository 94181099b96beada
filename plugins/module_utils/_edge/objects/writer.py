# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the steps of a restore, wave by wave: in parallel, and again where a refusal may pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    Conflict,
    KindlabError,
    TimedOut,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps import answers, bodies
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.done_jobs import missing
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.outcome import (
    meanwhile,
    not_accepted,
    tried,
    with_owners_told,
    written,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.step import (
    CREATE,
    FINISH,
    OWN,
    PATCH,
    REPLACE,
    Plan,
    Step,
    type_of,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import JSON, Missing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import MANAGER, MERGE, Cluster

PAUSE = 0.5
# Definitions are established within a second, also if the deadline is over.
LEAST = 5.0


@dataclass(frozen=True)
class _Again:
    """A step to try once more: at once, or if there is an error when that may have passed."""

    step: Step
    error: KindlabError | None = None


@dataclass
class Writer:
    """Writes the steps of a plan. dry: the API server only tells what it would do. uids: of what exists, by key."""

    cluster: Cluster
    plan: Plan
    deadline: Deadline
    dry: bool = False
    sleep: Callable[[float], None] = time.sleep
    uids: dict[Key, str] = field(init=False)

    def __post_init__(self) -> None:
        self.uids = dict(self.plan.uids)

    def waves(self, waves: Iterable[str]) -> list[Step]:
        """Write these waves. Their steps as they came out, and those of other waves whose owners exist by now.

        A run that is killed may leave objects without their owners and managers: the next plan has steps for these.
        """
        done: dict[Key, Step] = {}
        defined: list[Step] = []
        for wave in waves:
            steps = [step for step in self.plan.steps if step.wave == wave]
            if {type_of(step.live or step.saved) for step in defined} & {step.key[:2] for step in steps}:
                done |= self._established(defined)
                defined = []
            results = self.steps(steps)
            done |= {step.key: step for step in results}
            defined += [step for step in results if step.defines and step.writes]
        done |= self._established(defined)
        rest = [step for step in self.plan.steps if step.action == OWN and step.key not in done]
        return self.cluster.each(self._linked, [*done.values(), *self.steps(rest)])

    def steps(self, steps: Sequence[Step]) -> list[Step]:
        """Write these steps side by side; each as it came out, in their order. Raises Unreachable."""
        done = {step.key: step for step in steps if not step.writes}
        left = [step for step in steps if step.writes]
        while left:
            results = self.cluster.each(self._write, left)
            done |= {result.key: result for result in results if isinstance(result, Step)}
            again = [result for result in results if isinstance(result, _Again)]
            if again and all(result.error for result in again):
                if self.dry or self.deadline.over():
                    done |= {result.step.key: self._given_up(result) for result in again}
                    break
                self.sleep(PAUSE)
            left = [result.step for result in again]
        return [done[step.key] for step in steps]

    def _write(self, step: Step) -> Step | _Again:
        try:
            if step.action == CREATE:
                return self._create(step)
            if step.action in (OWN, FINISH):
                return step if self.dry else self._own(self._finish(step))
            return self._change(step)
        except (Unreachable, Conflict) as error:
            return _Again(step, error)
        except KindlabError as error:
            found = answers.without_refused(step, error.message)
            if found:
                return _Again(found)
            if answers.is_passing(error.message):
                return _Again(step, error)
            why = answers.why(error.message)
            return not_accepted(step, why, self.plan.existing) if self.dry else step.refused(why)

    def _create(self, step: Step) -> Step | _Again:
        body = bodies.to_create(step, self.uids)
        try:
            answer = self._send("POST", step, body, bodies.manager(step, MANAGER))
        except Conflict as error:
            return self._existing(step, error)
        if self.dry:
            return tried(step, answer, self.plan.existing)
        self.uids[step.key] = answer["metadata"]["uid"]
        return self._own(self._finish(written(step, answer)))

    def _finish(self, step: Step) -> Step:
        """A Job that was done is done again, without running."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for part, patch in missing(step.saved, step.live or {}, now):
            step = replace(step, live=self._send("PATCH", step, patch, part=part))
        return step

    def _change(self, step: Step) -> Step | _Again:
        """Replace or patch an object; one that was deleted meanwhile is created."""
        try:
            if step.action == PATCH:
                answer = self._send("PATCH", step, step.item)
            else:
                answer = self._send("PUT", step, bodies.to_replace(step, step.live or {}, self.uids))
        except Conflict as error:
            return _Again(replace(step, live=self._read(step) or step.live), error)
        except Missing as error:
            return _Again(step, error) if step.action == PATCH else _Again(replace(step, action=CREATE, live=None))
        return tried(step, answer, self.plan.existing) if self.dry else self._own(written(step, answer))

    def _existing(self, step: Step, error: Conflict) -> Step | _Again:
        """Somebody else created the object since the plan was made."""
        live = self._read(step)
        if live is None or "deletionTimestamp" in live["metadata"]:
            return _Again(step, error)
        self.uids[step.key] = live["metadata"]["uid"]
        step = meanwhile(step, live, self.plan.existing)
        return _Again(step) if step.action == REPLACE else self._own(step)

    def _own(self, step: Step) -> Step:
        """With what owns the object and its fields, as far as that exists; an object may be gone again."""
        if self.dry or step.live is None or step.action == PATCH:
            return step
        patch = bodies.to_own(step, step.live, self.uids, MANAGER)
        try:
            return replace(step, live=self._send("PATCH", step, patch)) if patch else step
        except Missing:
            return step

    def _linked(self, step: Step) -> Step:
        """With owners that were created after it."""
        if not step.writes or step.live is None or not step.saved.get("metadata", {}).get("ownerReferences"):
            return step
        found = self._write(replace(step, action=OWN))
        return with_owners_told(replace(step, live=found.live) if isinstance(found, Step) else step)

    def _given_up(self, again: _Again) -> Step:
        step, error = again.step, again.error
        if isinstance(error, Unreachable):
            raise error
        why = answers.why(error.message if error else "")
        if self.dry:
            return replace(step, why=f"the API server refuses it now, which may pass: {why}")
        return step.refused(f"{why} (still so after {self.deadline.seconds:g} seconds)")

    def _established(self, defined: Sequence[Step]) -> dict[Key, Step]:
        """Wait until the API server serves the types that were defined; the steps of those that it does not."""
        names = [("", step.key.name) for step in defined]
        try:
            if names:
                self.cluster.wait("CustomResourceDefinition", is_ready, names, self.deadline.left(LEAST))
        except TimedOut as error:
            return {step.key: step.refused(error.message) for step in defined if step.key.name in error.details}
        return {}

    def _read(self, step: Step) -> Object | None:
        try:
            return {**self._send("GET", step), "kind": step.key.kind}
        except Missing:
            return None

    def _send(
        self, method: str, step: Step, body: Object | None = None, manager: str = MANAGER, *, part: str = ""
    ) -> Object:
        path = step.resource.path(step.key.namespace, "" if method == "POST" else step.key.name)
        if method == "GET":
            return self.cluster.read(path)
        path += f"/{part}" if part else ""
        query = {"fieldManager": manager, **({"dryRun": "All"} if self.dry else {})}
        return self.cluster.write(method, path, body, query, MERGE if method == "PATCH" else JSON)
