"""A living cluster in memory with two workers, whose volumes are real directories, to copy and move these."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.usage import VolumeUser
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach import node_processes

from .backups import NAMESPACE, STORAGE_CLASS, inspected
from .fakes import looked
from .kinds_of_volumes import Live
from .nodes import EXEC, NodesHere
from .provisioners import config_map, deployment
from .replacing import bound
from .workloads import workload

Object = dict[str, Any]
NODES = ("k-worker", "k-worker2")
_AS_IN_NODE = """import os, sys
words = [word.replace(sys.argv[1], sys.argv[2]) for word in sys.argv[3:]]
os.execvp(words[0], words)"""


class Machine(NodesHere):
    """The container engine. inside: a directory that each node has for itself, in a directory of its name in it."""

    def __init__(self, nodes: Sequence[Mapping[str, Any]], inside: Path) -> None:
        super().__init__([(["docker", "ps"], "id\n" * len(nodes)), (["docker", "inspect"], json.dumps(nodes))])
        self._inside = str(inside)

    def argv(self, argv: Sequence[str]) -> list[str]:
        """Of a program to which more arguments may be added."""
        if list(argv[:3]) != EXEC:
            return list(argv)
        return [sys.executable, "-c", _AS_IN_NODE, self._inside, f"{self._inside}/{argv[3]}", *argv[4:]]

    def run(self, argv: Sequence[str], *, stdin: str | None = None, **rest: Any) -> Completed:  # type: ignore[override]
        if list(argv[:3]) != EXEC or looked(argv):
            return super().run(argv, stdin=stdin, **rest)
        node, given = argv[3], stdin and self._own(argv[3], [stdin])[0]
        done = Runner().run(self._own(node, argv[4:]), stdin=given, **rest)
        return Completed(done.code, done.out.replace(f"{self._inside}/{node}", self._inside), done.err)

    def _own(self, node: str, words: Sequence[str]) -> list[str]:
        return [word.replace(self._inside, f"{self._inside}/{node}") for word in words]


class Lab:
    """Volumes v0 and v1 on k-worker, each used by a Deployment, w0 and w1. data: the host directory /data of the nodes.

    inside: the volumes are in a directory that each node has for itself. separate: /data of k-worker2 is data2.
    """

    def __init__(self, top: Path, patch: pytest.MonkeyPatch, *, inside: bool = False, separate: bool = False) -> None:
        self.top, self.data, self.data2, self.inside = top, top / "data", top / "data2", top / "inside"
        self.patch = patch
        self.busy: dict[str, list[VolumeUser]] = {}
        self.places = str(self.inside) if inside else "/data"
        self.home = self.inside / "k-worker" if inside else self.data
        for node in NODES:
            (self.inside / node).mkdir(parents=True)
        self.data.mkdir()
        self.data2.mkdir()
        for number in range(2):
            (self.home / f"v{number}").mkdir()
            (self.home / f"v{number}" / "file").write_text(f"content {number}")
        hosts = (self.data, self.data2 if separate else self.data)
        mounts = [{} if inside else {"data": str(host)} for host in hosts]
        self.nodes = [inspected(name, "k", "worker", **mount) for name, mount in zip(NODES, mounts, strict=True)]
        paths = {"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [self.places]}]}
        volumes = [item for number in range(2) for item in bound(number, places=self.places)]
        self.cluster = Live(
            *({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {}} for name in NODES),
            *(NAMESPACE, STORAGE_CLASS, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}),
            *(deployment(), config_map(config=json.dumps(paths))),
            *volumes,
            *(workload("Deployment", f"w{number}", f"c{number}", replicas=2) for number in range(2)),
        )
        self.cluster.react(self.cluster)

    def run(self, action: Any, check_mode: bool = False, **options: Any) -> Outcome:
        machine = Machine(self.nodes, self.inside)
        own = {"engine": "docker", "cluster": "k", "wait_timeout": 1, "kubeconfig": str(self.top / "kubeconfig")}
        with self.patch.context() as patch:
            patch.setattr(node_processes, "probe", lambda _run, _node, asked, _own: {n: self.users(n) for n in asked})
            given = {**defaults(action.ARGUMENTS), **own, **options}
            return action.run(given, check_mode, runner=machine, connect=lambda *_where: self.cluster)

    def users(self, volume: str) -> list[VolumeUser]:
        return list(self.busy.get(volume, ()))

    def replicas(self) -> dict[str, int]:
        found = self.cluster.list("Deployment", "ns")
        return {item["metadata"]["name"]: item["spec"]["replicas"] for item in found}

    def policies(self) -> dict[str, str]:
        found = self.cluster.list("PersistentVolume")
        return {item["metadata"]["name"]: item["spec"]["persistentVolumeReclaimPolicy"] for item in found}

    def phases(self, claim: str) -> list[str]:
        """The phases of a claim and its volume, which know each other."""
        namespace, _slash, name = claim.partition("/")
        pvc = self.cluster.get("PersistentVolumeClaim", name, namespace)
        pv = self.cluster.get("PersistentVolume", pvc["spec"]["volumeName"])
        assert pv["spec"]["claimRef"]["uid"] == pvc["metadata"]["uid"]
        return [pvc["status"]["phase"], pv["status"]["phase"]]

    def left(self) -> list[str]:
        """What is hidden beside directories of volumes: nothing."""
        tops = (self.data, self.data2, *(self.inside / node for node in NODES))
        return sorted(path.name for top in tops for path in top.glob(".*"))
