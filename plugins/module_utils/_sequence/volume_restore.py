# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""volume_restore with existing=replace: stop the workloads of volumes, restore these, and start the workloads again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_restore
from ansible_collections.kindlab.volumes.plugins.module_utils._action.volume_restore import Prepared
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import row_key
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.replace import check_stoppable
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.directory import all_held, held
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect

from .stopping import changed, purpose_of, scale, told

ARGUMENTS = volume_restore.ARGUMENTS
OTHERS = volume_restore.OTHERS
_AGAIN = (
    "Run this again: it completes the restore. To start the workloads with the data as it was, rename what was set "
    "aside of volumes without a directory back to that, and use kindlab.volumes.volume_detach with state=attached."
)


def run(
    options: Mapping[str, Any], check_mode: bool, *, runner: Runner | None = None, connect: Connect = open_cluster
) -> Outcome:
    """Restore the volumes; in check mode report what would happen."""
    if options["existing"] == "refuse":
        prepared = volume_restore.prepare(options, runner=runner, connect=connect)
        if check_mode:
            return prepared.outcome({})
        with _alone(prepared, options["path"]):
            return prepared.carry_out()
    replacement = _Replacement(options, {"runner": runner, "connect": connect})
    with nullcontext() if check_mode else held(options["path"]):
        replacement.plan()
        if check_mode:
            return replacement.predicted()
        with _alone(replacement.prepared, options["path"]):
            return replacement.carried_out()


class _Replacement:
    """down: workloads that were at zero before this run. stopped: rows of those that it stops."""

    def __init__(self, options: Mapping[str, Any], outside: Mapping[str, Any]) -> None:
        self.options = options
        self.outside = outside
        self.watch = Stopwatch()
        self.down: frozenset[str] = frozenset()
        self.stopped: list[dict[str, Any]] = []

    def plan(self) -> None:
        """Plan the restore, and how the workloads are stopped. Raises Declined before anything is changed."""
        self.prepared = self._prepare()
        claims, checked = self.prepared.planned.stopped_claims, set()
        if claims:
            planned = self._detach(claims, check_mode=True)
            check_stoppable(planned.facts["volumes"])
            checked = {row["name"] for row in planned.facts["volumes"]}
            self.down = frozenset(row_key(row) for row in planned.facts["workloads"] if row["result"] == "unchanged")
            self.stopped = changed(planned)
        self.prepared.check_unused(checked, claims)
        self.watch.lap("plan")

    def predicted(self) -> Outcome:
        """What a run would return, also if it completes an earlier one."""
        return self._outcome(self.prepared.outcome({}), self._attach(check_mode=True))

    def carried_out(self) -> Outcome:
        """Stop the workloads, restore the volumes, and start the workloads."""
        self._stop()
        self.watch.lap("detach")
        try:
            done = self.prepared.carry_out()
        except KindlabError as error:
            error.message += self._left()
            error.next_step += f" {_AGAIN}"
            raise
        self.watch.lap("restore")
        back = self._attach(check_mode=False)
        self.watch.lap("attach")
        seconds = self.watch.seconds
        times = {"plan": seconds["plan"], "detach": seconds["detach"], **done.facts["seconds"]}
        outcome = self._outcome(done, back)
        return replace(outcome, facts={**outcome.facts, "seconds": {**times, "attach": seconds["attach"]}})

    def _left(self) -> str:
        """What a run leaves that failed halfway, as sentences."""
        planned = self.prepared.planned
        stopped = " Workloads that use the volumes stay at zero." if self.stopped or self.down else ""
        if not any(step.aside for step in planned.steps):
            return stopped
        aside = (
            f" Data that was set aside is beside the volume's directory, in one named *.set-aside-{planned.request.at}."
        )
        return stopped + aside

    def _stop(self) -> None:
        """Stop all workloads that use volumes whose data is written, and plan again once it rests.

        Data that was equal before may differ by then.
        """
        claims: frozenset[str] = frozenset()
        planned, self.stopped = self.stopped, []
        try:
            while not self.prepared.planned.stopped_claims <= claims:
                claims |= self.prepared.planned.stopped_claims
                self.stopped += changed(self._detach(claims, check_mode=False))
                self.prepared = self._prepare(self.prepared)
            self.prepared.check_unused()
        except KindlabError as error:
            if claims:
                # One that failed tells nothing of what it stopped.
                self.stopped += planned
                error.message += f" {self._undone()}"
            raise

    def _undone(self) -> str:
        try:
            self._attach(check_mode=False, left_down=self.down)
        except KindlabError as error:
            return f"Nothing was restored. Workloads are still scaled to zero ({error.message})."
        return "Nothing was restored, and the workloads were scaled back up."

    def _prepare(self, earlier: Prepared | None = None) -> Prepared:
        return volume_restore.prepare(self.options, earlier.planned if earlier else None, **self.outside)

    def _detach(self, claims: frozenset[str], *, check_mode: bool) -> Outcome:
        return self._scale("detached", check_mode, claims=claims)

    def _attach(self, *, check_mode: bool, left_down: frozenset[str] = frozenset()) -> Outcome:
        """Start what this run stopped, and what an interrupted one did that was to restore these volumes."""
        if not self._claims:
            return Outcome(False, facts={"workloads": []})
        stopped = frozenset(map(row_key, self.stopped))
        return self._scale("attached", check_mode, claims=self._claims, stopped=stopped, left_down=left_down)

    @property
    def _claims(self) -> frozenset[str]:
        """Those of the volumes that are restored, or equal already."""
        return frozenset(step.selected.volume.claim for step in self.prepared.planned.steps) - {""}

    def _scale(self, state: str, check_mode: bool, **more: frozenset[str]) -> Outcome:
        # Of all claims that it restores: without their other volumes' data, applications would begin with none.
        purpose = purpose_of("restore", self._claims)
        return scale(state, purpose, self.options, self.outside, check_mode=check_mode, **more)

    def _outcome(self, restored: Outcome, back: Outcome) -> Outcome:
        return replace(
            restored,
            changed=restored.changed or back.changed,
            facts={**restored.facts, "workloads": told(self.stopped, back)},
            warnings=(*restored.warnings, *back.warnings),
        )


def _alone(prepared: Prepared, path: str) -> AbstractContextManager[None]:
    """Raises Conflict if another run restores beside these volumes, from whichever backup. path: of this one."""
    return all_held(prepared.written_in - {os.path.abspath(path)})
