# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Relocate volumes: stop their workloads, relocate them, and start the workloads; what was interrupted comes first."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import stamp
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.moves.relocating import check
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.moves.relocation import Relocation
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.alone import alone
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.transfer.bringing import Carrier
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.transfer.relocated import Prepared, Request, prepare
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.transfer.relocations import Objects

from .stopping import Stopping, purpose_of

_AGAIN = "Run this again: it completes what was begun."


def run(
    verb: str, request: Request, options: Mapping[str, Any], check_mode: bool, outside: Mapping[str, Any]
) -> Outcome:
    """Relocate what the request plans; in check mode report what would happen."""
    with alone(options, check_mode=check_mode):
        return _Run(verb, request, options, outside).outcome(check_mode)


class _Run:
    """told: the workloads that were stopped and started. warnings: of starting them."""

    def __init__(self, verb: str, request: Request, options: Mapping[str, Any], outside: Mapping[str, Any]) -> None:
        self.verb = verb
        self.request = request
        self.options = options
        self.outside = outside
        self.told: list[dict[str, Any]] = []
        self.warnings: list[str] = []

    def outcome(self, check_mode: bool) -> Outcome:
        """Complete what interrupted runs have begun, and then relocate the rest."""
        prepared = self._prepare()
        begun = prepared.begun
        for purpose in dict.fromkeys(one.purpose for one in begun):
            self._complete([one for one in begun if one.purpose == purpose], prepared, check_mode)
        if begun and not check_mode:
            prepared = self._prepare()
        planned = prepared.planned
        claims = frozenset(one.claim for one in planned.relocations)
        purpose = purpose_of(self.verb, claims)
        planned = planned.recorded(purpose, stamp(time.time()))
        stopping = self._stopping(purpose, claims)
        check(self.verb, (*prepared.refusals, *stopping.refusals(claims)))
        if check_mode:
            self.told += stopping.told(Outcome(False, facts={"workloads": []}))
        elif planned.relocations:
            self._carry_out(planned.relocations, stopping, claims, prepared)
        rows = {row["name"]: row for row in (*planned.rows(), *(one.as_dict() for one in begun))}
        volumes = [rows[name] for name in sorted(rows)]
        changed = [row for row in volumes if row["action"] != "unchanged"]
        before = {row["name"]: row["nodes_before"] for row in changed}
        after = {row["name"]: {"nodes": row["nodes"], "directory": row["node_directory"]} for row in changed}
        facts = {"volumes": volumes, "workloads": self.told}
        return Outcome(bool(changed), {"volumes": before}, {"volumes": after}, facts, tuple(self.warnings))

    def _prepare(self) -> Prepared:
        return prepare(self.request, self.options, **self.outside)

    def _stopping(self, purpose: str, claims: frozenset[str]) -> Stopping:
        return Stopping(purpose, claims, self.options, self.outside)

    def _carry_out(
        self, relocations: Sequence[Relocation], stopping: Stopping, claims: frozenset[str], prepared: Prepared
    ) -> None:
        """An error before the first volume is replaced leaves everything as it was."""
        objects, carrier = self._work(prepared)
        objects.record(relocations)
        try:
            objects.retain(claims)
            stopping.stop(claims)
        except KindlabError:
            objects.forget(relocations)
            raise
        try:
            carrier.bring(relocations, self.options["verify"], prepared.sizes)
        except KindlabError as error:
            error.message += f" Nothing was changed. {stopping.undone()}"
            objects.forget(relocations)
            raise
        self._finish(relocations, stopping, objects, carrier)

    def _complete(self, begun: Sequence[Relocation], prepared: Prepared, check_mode: bool) -> None:
        """What an interrupted run has begun."""
        claims = frozenset(one.claim for one in begun)
        stopping, (objects, carrier) = self._stopping(begun[0].purpose, claims), self._work(prepared)
        if check_mode:
            self.told += stopping.told(stopping.start(check_mode=True))
            return
        try:
            objects.retain(claims)
            stopping.stop(claims)
            carrier.bring(begun, self.options["verify"], prepared.sizes)
        except KindlabError as error:
            error.next_step += f" {_AGAIN}"
            raise
        self._finish(begun, stopping, objects, carrier)

    def _finish(
        self, relocations: Sequence[Relocation], stopping: Stopping, objects: Objects, carrier: Carrier
    ) -> None:
        try:
            objects.replace(relocations)
            carrier.set_aside(relocations)
            back = stopping.start()
        except KindlabError as error:
            error.message += " Workloads that use the volumes stay at zero."
            error.next_step += f" {_AGAIN}"
            raise
        objects.forget(relocations)
        self.told += stopping.told(back)
        self.warnings += back.warnings

    def _work(self, prepared: Prepared) -> tuple[Objects, Carrier]:
        observation = prepared.observation
        return Objects(observation.cluster, self.options["wait_timeout"]), Carrier(observation.engine)
