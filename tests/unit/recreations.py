"""A cluster, its data and backups as far as a recreation has to do with them: fakes of all actions that it calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.checksums import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup_store import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import cluster_recreate
from ansible_collections.kindlab.volumes.tests.unit.backups import write_backup, write_data
from ansible_collections.kindlab.volumes.tests.unit.fakes import Killed

NODES = ["k-control-plane", "k-worker"]
OPTIONS: dict[str, Any] = {
    "cluster": "k",
    "engine": "docker",
    "kubeconfig": None,
    "kind": None,
    "data": "archive",
    "checksums": "full",
    "keep": 0,
    "reclaim_policy": "original",
    "options": {},
    "unmanaged": "refuse",
    "attach": True,
    "without_api": "refuse",
    "timeout": 300,
}
SHAPE = {"nodes": [{"role": "control-plane"}, {"role": "worker"}]}
CLASS = {"name": "standard", "options": {"name": "local_path", "storage_class": "standard"}}
PLACES = {"places": "/opt", "archive": True}
REFUSED = Declined("Removing the cluster k is not safe: v0: it is in use.")


class World:
    """One cluster k with one volume, inside its node, so that its data goes with it.

    state: None where there is no cluster, else as kind_cluster_info says it. content: what the volume holds, a number
    that grows with each write, 0 where there is no volume. owners: there is an application; detached: it is at zero.
    saved: generation -> content. latest: the content that has to come back. calls: what was called, ? for check mode.
    moments: so many are left until the run is killed: each action has one before it does something, one when it is
    done, and some one in the middle. fail: action -> what it raises instead.
    """

    def __init__(self, top: Path) -> None:
        self.data = top / "data"
        self.path = top / "backup"
        write_data(self.data, 1)
        self.state: str | None = "running"
        self.reachable = True
        self.content = self.latest = self.written = 1
        self.owners, self.detached = True, False
        self.saved: dict[str, int] = {}
        self.calls: list[str] = []
        self.options: dict[str, Mapping[str, Any]] = {}
        self.moments: int | None = None
        self.fail: dict[str, KindlabError] = {}
        self.held: list[Any] = []
        self.engine = "docker"
        self.images = True

    # What somebody else does.

    def write(self) -> None:
        """The application writes."""
        if self.state == "running" and self.owners and not self.detached and self.content:
            self.written += 1
            self.content = self.latest = self.written

    def save(self) -> None:
        """A backup to the same place."""
        if self.state == "running" and self.content and self.content != self._newest():
            self.saved[write_backup(self.path, self.data, 1, **PLACES)] = self.content

    def force_removal(self, *, killed: bool = False) -> None:
        """The cluster is removed whatever it holds; only what was saved can come back."""
        self.state = "unfinished" if killed and self.state else None
        self.content = 0
        self.latest = max(self.saved.values(), default=0)

    def be(self, state: str | None) -> None:
        """Have this state, whatever came before."""
        self.state, self.reachable = state, state == "running"
        if state is None:
            self.content = 0

    def lines(self) -> list[str]:
        """The steps of the journal."""
        journal = self.path / "recreate.jsonl"
        return [json.loads(line)["step"] for line in journal.read_text().splitlines()] if journal.exists() else []

    # What a recreation calls.

    def run(self, check_mode: bool = False, **options: Any) -> Outcome:
        self.calls.clear()
        with pytest.MonkeyPatch.context() as patch:
            for name in ("kind_cluster", "kind_cluster_info", "storage_provisioner", "storage_provisioner_info"):
                patch.setattr(cluster_recreate, name, SimpleNamespace(run=getattr(self, name)))
            for name in ("volume_backup", "volume_detach", "volume_restore"):
                patch.setattr(cluster_recreate, name, SimpleNamespace(run=getattr(self, name)))
            patch.setattr(cluster_recreate, "changes", self.changes)
            patch.setattr(cluster_recreate, "open_cluster", lambda *_where: SimpleNamespace(lists=lambda *_k: ([], [])))
            patch.setattr(cluster_recreate, "find_engine", self.find_engine)
            return cluster_recreate.run({**OPTIONS, "path": str(self.path), **options}, check_mode)

    def find_engine(self, _name: str, _runner: object) -> SimpleNamespace:
        image = "id" if self.images else None
        return SimpleNamespace(name=self.engine, image_id=lambda _image: image, nodes=lambda _name: ())

    def kind_cluster_info(self, options: Mapping[str, Any], _check_mode: bool) -> Outcome:
        if self.state is None:
            return Outcome(False, facts={"clusters": []})
        roles = dict(zip(NODES, ("control-plane", "worker"), strict=True))
        node_state = "running" if self.state == "running" else "exited"
        found = {
            "name": options["name"],
            "state": self.state,
            "reachable": self.reachable,
            "nodes": [{"name": n, "role": role, "state": node_state, "image": "node:1"} for n, role in roles.items()],
            "kubernetes_version": "v1.34.4",
            "options": SHAPE,
        }
        return Outcome(False, facts={"clusters": [found]})

    def kind_cluster(self, options: Mapping[str, Any], check_mode: bool) -> Outcome:
        assert not options["force"]
        if options["state"] == "absent":
            return self._call("remove", options, check_mode, self._remove, {})
        facts = {"cluster": {"nodes": [{"name": name} for name in NODES]}, "kubernetes_version": "v1.34.4"}
        return self._call("create", options, check_mode, self._create, facts)

    def storage_provisioner(self, options: Mapping[str, Any], check_mode: bool) -> Outcome:
        return self._call("provision", options, check_mode, lambda: None, {})

    def storage_provisioner_info(self, _options: Mapping[str, Any], _check_mode: bool) -> Outcome:
        return Outcome(False, facts={"storage_classes": [CLASS]})

    def volume_detach(self, options: Mapping[str, Any], check_mode: bool) -> Outcome:
        owners = [{"namespace": "ns", "kind": "Deployment", "name": "shop"}] if self.owners or options["path"] else []
        volumes = [{"name": "v0", "held_by": self.held}] if self.content else []
        facts = {"owners": owners, "volumes": volumes, "deleted_pods": []}
        if options["unmanaged"] == "delete":
            facts["deleted_pods"] = ["ns/bare"]

        def detach() -> None:
            self.detached = self.owners

        def attach() -> None:
            self.owners, self.detached = self.owners or bool(options["path"]), False

        name, effect = ("detach", detach) if options["state"] == "detached" else ("attach", attach)
        return self._call(name, options, check_mode, effect, facts)

    def volume_backup(self, options: Mapping[str, Any], check_mode: bool) -> Outcome:
        if not self.content:
            return self._call("save", options, check_mode, lambda: None, {"volumes": []})
        places = {"node": "k-worker", "node_directory": "/opt/v0", "host_directory": ""}
        facts: dict[str, Any] = {"volumes": [{"name": "v0", "claim": "ns/c0", "bytes": 9, **places}]}
        return self._call("save", options, check_mode, self.save, facts, lambda: {"generation": list(self.saved)[-1]})

    def volume_restore(self, options: Mapping[str, Any], check_mode: bool) -> Outcome:
        generation = options["generation"]
        facts = {"generation": generation, "volumes": [{"name": "v0"}]}

        def restore() -> None:
            if not self.content:
                self.content = self.saved[generation]
                assert self.content == max(self.saved.values()), "what is older than the newest backup came back"

        return self._call("restore", options, check_mode, restore, facts)

    def changes(self, backup: Backup, *_where: object) -> dict[str, Difference]:
        self.calls.append("compare")
        same = self.content == self.saved[backup.name]
        return {"v0": Difference() if same else Difference(changed=("file (size)",))}

    def _remove(self) -> None:
        if self.state == "running":
            if self.detached < self.owners or self.content not in (0, self._newest()):
                raise REFUSED
            self.state, self.reachable = "unfinished", False
            self._moment()
        assert self.content in (0, *self.saved.values()), "what was not saved was deleted"
        self.state, self.content, self.owners, self.detached = None, 0, False, False

    def _create(self) -> None:
        if self.state in (None, "unfinished"):
            self.state, self.content, self.owners, self.detached = "unfinished", 0, False, False
            self._moment()
        self.state, self.reachable = "running", True

    def _newest(self) -> int:
        return list(self.saved.values())[-1] if self.saved else 0

    def _call(
        self,
        name: str,
        options: Mapping[str, Any],
        check_mode: bool,
        effect: Callable[[], None],
        facts: Mapping[str, Any],
        later: Callable[[], Mapping[str, Any]] = dict,
    ) -> Outcome:
        self.calls.append(f"?{name}" if check_mode else name)
        self.options[self.calls[-1]] = dict(options)
        if self.calls[-1] in self.fail:
            raise self.fail[self.calls[-1]]
        if check_mode:
            return Outcome(True, facts=facts)
        self._moment()
        effect()
        self._moment()
        return Outcome(True, facts={**facts, **later()})

    def _moment(self) -> None:
        if self.moments is not None:
            if not self.moments:
                raise Killed
            self.moments -= 1
