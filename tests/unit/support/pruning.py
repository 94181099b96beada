"""A machine with clusters that have directories of volumes, as volume_prune finds them, in a temporary directory."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_prune
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim, inspected, volume, write_data
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster
from ansible_collections.kindlab.volumes.tests.unit.support.process_snapshots import QuietNodes

# As provisioners call directories.
VOLUME = "pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de"
OLD, OTHER = f"{VOLUME}_ns_old", f"{VOLUME.replace('77', '88')}_other_data"
DAY = 86_400
PLANE, WORKER = "k-control-plane", "k-worker"


def script(engine: str, nodes: Sequence[Mapping[str, Any]] | None) -> list[tuple[list[str], str | Completed]]:
    """The answers of an engine with these containers, None for one that does not run."""
    if nodes is None:
        return [([engine], Completed(1, "", "Cannot connect"))]
    return [([engine, "ps"], "id\n" * len(nodes)), ([engine, "inspect"], json.dumps(nodes))]


class Machine(QuietNodes):
    """The container engine: node containers, and control planes that answer with what their cluster has."""

    def __init__(self, planes: Mapping[str, FakeCluster | KindlabError], *nodes: Mapping[str, Any]) -> None:
        super().__init__()
        self.planes = planes
        self.script = script("docker", nodes)

    def run(self, argv: Sequence[str], **rest: Any) -> Completed:  # type: ignore[override]
        if list(argv[4:5]) != ["kubectl"]:
            return super().run(argv, **rest)
        answer = self.planes[argv[3]]
        if isinstance(answer, KindlabError):
            raise answer
        return Completed(0, json.dumps(answer.read(argv[-1].removeprefix("--raw="))))


class Lab:
    """Cluster k with the volumes v0, Bound, and v1, Released, and an orphan directory, in /data of its nodes.

    others: further containers; planes: their control planes. of_podman: containers of another engine.
    """

    def __init__(self, top: Path, kill_after: int | None = None) -> None:
        self.top, self.data, self.backup = top, top / "data", top / "backup"
        self.cluster = FakeCluster(
            *({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}} for name in (PLANE, WORKER)),
            {**volume(0), "status": {"phase": "Bound"}},
            {**claim(0), "status": {"phase": "Bound"}},
            {**volume(1), "status": {"phase": "Released", "lastPhaseTransitionTime": "2026-01-01T00:00:00Z"}},
            kill_after=kill_after,
        )
        write_data(self.data, 2)
        self.old = self.make(OLD)
        self.others: list[Mapping[str, Any]] = []
        self.planes: dict[str, FakeCluster | KindlabError] = {PLANE: self.cluster}
        self.busy: dict[str, str] = {}
        self.own = True
        self.of_podman: list[Mapping[str, Any]] | None = []

    def make(self, name: str) -> Path:
        """A directory with a file."""
        path = self.data / name
        path.mkdir(parents=True)
        (path / "file").write_text("content")
        return path

    def nodes(self) -> list[Mapping[str, Any]]:
        own = [
            inspected(PLANE, "k", "control-plane", data=str(self.data)),
            inspected(WORKER, "k", "worker", data=str(self.data)),
        ]
        return [*(own if self.own else ()), *self.others]

    def prune(self, *, check: bool = False, days: float = 100, **options: Any) -> Outcome:
        """The module, so many days from now on."""
        given = {**defaults(volume_prune.ARGUMENTS), "engine": "docker", "cluster": "k"}
        given |= {"kubeconfig": str(self.top / "kubeconfig"), **options}
        machine = Machine(self.planes, *self.nodes())
        machine.busy = self.busy
        machine.script = [*machine.script, *script("podman", self.of_podman)]
        return volume_prune.run(
            given,
            check,
            runner=machine,
            connect=lambda *_where: self.cluster,
            now=lambda: time.time() + days * DAY,
        )


def rows(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """The rows of a result by the last part of their names."""
    return {row["name"].rpartition("/")[2]: row for row in outcome.facts["found"]}


def trash(top: Path) -> list[str]:
    """What is in the trash of a directory, without the time at which it was moved."""
    return sorted(path.name for path in (top / ".kindlab-trash").glob("*/*"))
