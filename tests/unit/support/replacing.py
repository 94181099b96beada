"""A living cluster in memory whose volumes are real directories, backed up with archives, and restored over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach import node_processes
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import volume_restore

from . import backups
from .backups import NAMESPACE, STORAGE_CLASS, inspected, write_backup, write_data
from .kinds_of_volumes import Live
from .nodes import NodesHere
from .workloads import workload

Object = dict[str, Any]
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "k-worker"}}
OPTIONS = {**defaults(volume_restore.ARGUMENTS), "engine": "docker", "cluster": "k", "existing": "replace"}


def bound(number: int, volume: str = "", policy: str = "Delete", places: str = "/data") -> tuple[Object, Object]:
    """The volume v<number> and its claim ns/c<number>, as they live in a cluster; volume: of another name."""
    pv, claim = backups.volume(number, places=places), backups.claim(number)
    name = volume or pv["metadata"]["name"]
    pv["metadata"]["name"] = claim["spec"]["volumeName"] = name
    pv["spec"]["persistentVolumeReclaimPolicy"] = policy
    pv["spec"]["hostPath"]["path"] = f"{places}/{name}"
    pv["spec"]["claimRef"]["uid"] = claim["metadata"]["uid"] = f"uid-{name}"
    claim["metadata"]["annotations"] = {"pv.kubernetes.io/bind-completed": "yes"}
    return {**pv, "status": {"phase": "Bound"}}, {**claim, "status": {"phase": "Bound"}}


class Lab:
    """Volumes v0 and v1 of a cluster, each used by a Deployment, w0 and w1. data: the host directory /data of its node.

    inside: the volumes are in directories of the node instead. busy: volume -> processes that use it.
    """

    def __init__(self, top: Path, patch: pytest.MonkeyPatch, *, inside: bool = False) -> None:
        self.data = top / "data"
        self.backup = top / "backup"
        self.patch = patch
        self.busy: dict[str, list[VolumeUser]] = {}
        self.places = str(self.data) if inside else "/data"
        write_data(self.data, 2)
        write_backup(self.backup, self.data, 2, archive=True, places=self.places if inside else "")
        self.node = inspected("k-worker", "k", "worker", **({} if inside else {"data": str(self.data)}))
        volumes = [item for number in range(2) for item in bound(number, places=self.places)]
        users = [workload("Deployment", f"w{number}", f"c{number}", replicas=2) for number in range(2)]
        self.cluster = Live(NODE, NAMESPACE, STORAGE_CLASS, *volumes, *users)
        self.cluster.react(self.cluster)

    def restore(self, check_mode: bool = False, **options: Any) -> Outcome:
        runner = NodesHere([(["docker", "ps"], "id\n"), (["docker", "inspect"], json.dumps([self.node]))])
        given = {**OPTIONS, "path": str(self.backup), "wait_timeout": 1, **options}
        with self.patch.context() as patch:
            patch.setattr(node_processes, "probe", lambda _run, _node, asked, _own: {n: self.users(n) for n in asked})
            return volume_restore.run(given, check_mode, runner=runner, connect=lambda *_where: self.cluster)

    def asked(self, action: Any, check_mode: bool = False, **options: Any) -> Outcome:
        """Run another action on the cluster."""
        runner = NodesHere([(["docker", "ps"], "id\n"), (["docker", "inspect"], json.dumps([self.node]))])
        known = {"engine": "docker", "cluster": "k", "path": str(self.backup), "wait_timeout": 1, **options}
        given = {**defaults(action.ARGUMENTS), **{k: v for k, v in known.items() if k in action.ARGUMENTS}}
        return action.run(given, check_mode, runner=runner, connect=lambda *_where: self.cluster)

    def users(self, volume: str) -> list[VolumeUser]:
        return list(self.busy.get(volume, ()))

    def write(self, number: int, text: str) -> None:
        (self.data / f"v{number}" / "file").write_text(text)

    def read(self, number: int) -> str:
        return (self.data / f"v{number}" / "file").read_text()

    def aside(self) -> list[Path]:
        """The directories that data was set aside to."""
        return sorted(self.data.glob("*.set-aside-*"))

    def left(self) -> list[str]:
        """What else is beside the directories of the volumes: nothing."""
        known = {"v0", "v1", *(path.name for path in self.aside())}
        return sorted(path.name for path in self.data.iterdir() if path.name not in known)

    def replicas(self) -> dict[str, int]:
        return {item["metadata"]["name"]: item["spec"]["replicas"] for item in self.cluster.list("Deployment")}

    def records(self) -> list[str]:
        """Labels and annotations that a run leaves in workloads and volumes until it ends."""
        items = [*self.cluster.list("Deployment"), *self.cluster.list("PersistentVolume")]
        return [key for item in items for key in _marks(item)]

    def policies(self) -> dict[str, str]:
        found = self.cluster.list("PersistentVolume")
        return {item["metadata"]["name"]: item["spec"]["persistentVolumeReclaimPolicy"] for item in found}


def _marks(item: Object) -> Iterator[str]:
    for field in ("labels", "annotations"):
        yield from (key for key in item["metadata"].get(field) or {} if key.startswith("kindlab.volumes/"))


def rows(outcome: Outcome) -> dict[str, Object]:
    """The rows of volumes by name."""
    return {row["name"]: row for row in outcome.facts["volumes"]}
