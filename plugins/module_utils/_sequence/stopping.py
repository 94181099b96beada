# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stop the workloads that use some claims for a while, and start them again, with volume_detach."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_detach
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.report import more_than_workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import row_key
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal

# What errors of stopping workloads call options that the modules do not have.
OTHERS = {"state": "", "unmanaged": ""}
_PASSED_ON = ("engine", "cluster", "kubeconfig", "context", "wait_timeout")


def purpose_of(verb: str, claims: Collection[str]) -> str:
    """What is recorded in stopped workloads, so that this run, or one that completes it, starts those and no others."""
    return f"{verb}-{hashlib.sha256(' '.join(sorted(claims)).encode()).hexdigest()[:8]}"


def scale(
    state: str,
    purpose: str,
    options: Mapping[str, Any],
    outside: Mapping[str, Any],
    *,
    check_mode: bool,
    **more: frozenset[str],
) -> Outcome:
    """Run volume_detach with the options of another module. more: the claims and workloads that it is about."""
    own = {name: options[name] for name in _PASSED_ON}
    given = {**defaults(volume_detach.ARGUMENTS), **own, "state": state, "purpose": purpose, **more}
    return volume_detach.run(given, check_mode, **outside)


def changed(outcome: Outcome) -> list[dict[str, Any]]:
    """The rows of the workloads that a detachment or attachment scales."""
    return [row for row in outcome.facts["workloads"] if row["result"] != "unchanged"]


def told(stopped: Iterable[Mapping[str, Any]], back: Outcome) -> list[dict[str, Any]]:
    """The workloads that were stopped and started, for a module's result. stopped: their rows."""
    rows = {row_key(row): row for row in (*stopped, *changed(back))}
    return [{name: row[name] for name in ("kind", "namespace", "name")} for _key, row in sorted(rows.items())]


class Stopping:
    """Of one run. claims: whose workloads are started at the end. rows: the workloads that this run stops."""

    def __init__(
        self, purpose: str, claims: Collection[str], options: Mapping[str, Any], outside: Mapping[str, Any]
    ) -> None:
        self._purpose = purpose
        self._claims = frozenset(claims) - {""}
        self._options = options
        self._outside = outside
        self._down: frozenset[str] = frozenset()
        self.rows: list[dict[str, Any]] = []

    def refusals(self, claims: frozenset[str]) -> list[Refusal]:
        """Why the workloads of these claims cannot be stopped, or something else uses the volumes."""
        if not claims:
            return []
        try:
            planned = self._scale("detached", check_mode=True, claims=claims)
        except Declined as error:
            if not error.details:
                raise
            return [Refusal(row["name"], row["why"], row["next_step"]) for row in error.details]
        self._down = frozenset(row_key(row) for row in planned.facts["workloads"] if row["result"] == "unchanged")
        self.rows = changed(planned)
        return more_than_workloads(planned.facts["volumes"])

    def stop(self, claims: frozenset[str]) -> None:
        """Stop them, and prove that nothing uses the volumes. An error starts them again, and says so."""
        if not claims:
            return
        try:
            self.rows = changed(self._scale("detached", check_mode=False, claims=claims))
        except KindlabError as error:
            error.message += f" {self.undone()}"
            raise

    def start(self, *, check_mode: bool = False) -> Outcome:
        """Start what this run stopped, and what an interrupted one did for the same purpose."""
        return self._attach(check_mode, frozenset())

    def undone(self) -> str:
        """Start what this run stopped, after an error; a sentence that says so."""
        try:
            self._attach(False, self._down)
        except KindlabError as error:
            return f"Workloads are still scaled to zero ({error.message})."
        return "The workloads were scaled back up."

    def told(self, back: Outcome) -> list[dict[str, Any]]:
        """The workloads that were stopped and started, for the module's result."""
        return told(self.rows, back)

    def _attach(self, check_mode: bool, left_down: frozenset[str]) -> Outcome:
        if not self._claims:
            return Outcome(False, facts={"workloads": []})
        stopped = frozenset(map(row_key, self.rows))
        return self._scale("attached", check_mode, claims=self._claims, stopped=stopped, left_down=left_down)

    def _scale(self, state: str, check_mode: bool, **more: frozenset[str]) -> Outcome:
        return scale(state, self._purpose, self._options, self._outside, check_mode=check_mode, **more)
