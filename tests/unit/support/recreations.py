"""A cluster, its data and backups as far as a recreation has to do with them: fakes of all actions that it calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_cluster,
    kind_cluster_info,
    storage_provisioner,
    storage_provisioner_info,
    volume_backup,
    volume_detach,
    volume_restore,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedObjects
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.difference import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    CommandFailed,
    Declined,
    KindlabError,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.preflight import (
    Machine,
    port_text,
    wanted_images,
    wanted_ports,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Saved
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.waves import (
    AFTER_VOLUMES,
    AT_LAST,
    BEFORE_VOLUMES,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host import directories, machine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.journal import Journal
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import kind_cluster_recreate
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate import (
    context,
    survey,
    verify,
    way_back,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.contents import (
    images,
    objects,
    planned,
    pods,
    rehearsal,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.snapshot import chosen
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.start import earlier, resume
from ansible_collections.kindlab.volumes.tests.unit.support.backups import write_backup, write_data
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed, merge

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
    "generation": None,
    "options": {},
    "merge_options": True,
    "node_map": None,
    "unmanaged": "refuse",
    "accept_loss": None,
    "without_api": "refuse",
    "attach": True,
    "objects": "all",
    "images": "loaded",
    "rehearse": None,
    "jobs": "resume",
    "on_failure": "stop",
    "wait_timeout": 300,
}
SHAPE = {"nodes": [{"role": "control-plane", "image": "node:1"}, {"role": "worker", "image": "node:1"}]}
CLASS = {"name": "standard", "options": {"name": "local_path", "storage_class": "standard"}}
INSIDE = {"places": "/opt", "archive": True}
REFUSED = Declined("Removing the cluster k is not safe: v0: it is in use.")
SILENT = Unreachable("The API server does not answer.")

# What restores objects -> what the world calls it.
WAVES = {BEFORE_VOLUMES: "prepare", AFTER_VOLUMES: "apply", AT_LAST: "complete"}
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "ns", "name": "bare"}, "spec": {}}
THINGS = frozenset(WAVES.values())

ACTIONS = (
    kind_cluster,
    kind_cluster_info,
    storage_provisioner,
    storage_provisioner_info,
    volume_backup,
    volume_detach,
    volume_restore,
)


def image_of(options: Mapping[str, Any]) -> str:
    return str(options.get("image") or options["nodes"][0].get("image"))


class World:
    """One cluster k with one volume, inside its node, so that its data goes with it, or on the host.

    state: None where there is no cluster, else as kind_cluster_info says it. content: what the volume holds, a number
    that grows with each write, 0 where there is no volume; host: the same on the host, regardless of the
    cluster. has_workload: there is an application; detached: it is at zero. saved: generation -> content. latest: the
    content that has to come back. calls: what was called, ? for check mode. moments: so many are left until the run is
    killed: each action has one before it does something, one when it is done, and some one in the middle. fail:
    action -> what it raises instead. others: engines that have the cluster, too. objects: by kind, those of its API
    server. taken: host ports of other programs. lost: nodes whose container is gone. things: of the objects that
    people made, those that are there, by what restores them; with_objects: the generations that have all of them, and
    whether the application is one.
    bare: there is a pod without a controller; with_bare: the generations that have it.
    loaded: whether the nodes have the images that were loaded into them. throw_away: clusters of rehearsals; refuses:
    rows of objects that those and new clusters do not take. bad: the image of which no cluster comes up; image: that of
    the nodes.
    doubts: about options that were read from a cluster of others. settings: of nodes, that a backup has.
    left_out: objects that a backup does not have.
    proved_by: the generation that holds what the new cluster has; unshared: host directories that no other cluster
    uses, each time that was asked.
    """

    def __init__(self, top: Path, *, inside: bool = True) -> None:
        self.inside = inside
        self.data = top / "data"
        self.path = top / "backup"
        write_data(self.data, 1)
        self.state: str | None = "running"
        self.reachable = True
        self.content = self.host = self.latest = self.written = 1
        self.has_workload, self.detached = True, False
        self.saved: dict[str, int] = {}
        self.calls: list[str] = []
        self.options: dict[str, Mapping[str, Any]] = {}
        self.moments: int | None = None
        self.fail: dict[str, KindlabError] = {}
        self.held: list[Any] = []
        # retained: until the volumes are attached again.
        self.policy, self.retained = "Delete", False
        self.engine = "docker"
        self.others: set[str] = set()
        self.images = True
        mounts = [] if inside else [{"host_path": str(self.data), "node_path": "/data", "create": False}]
        self.shape: Mapping[str, Any] = (
            SHAPE if inside else {"nodes": [{**n, "mounts": mounts} for n in SHAPE["nodes"]]}
        )
        self.classes: list[Any] = [CLASS]
        self.objects: dict[str, list[Any]] = {}
        self.taken: set[int] = set()
        self.lost: set[str] = set()
        self.uid, self.created_at = 1, "2026-01-01T00:00:00Z"
        self.merged = False
        self.things: frozenset[str] = THINGS
        self.with_objects: dict[str, bool] = {}
        self.bare = False
        self.with_bare: set[str] = set()
        self.loaded = True
        self.throw_away: set[str] = set()
        self.refuses: list[dict[str, str]] = []
        self.bad, self.image = "", "node:1"
        self.doubts: list[str] = []
        self.settings: dict[str, Any] = {}
        self.left_out: list[dict[str, str]] = []
        self.proved_by, self.unshared = "", list[Mapping[str, str]]()

    # What somebody else does.

    def write(self) -> None:
        """The application writes."""
        if self.state == "running" and self.has_workload and not self.detached and self.content:
            self.written += 1
            self.content = self.host = self.latest = self.written

    def save(self) -> None:
        """A backup to the same place."""
        if self.state == "running" and self.reachable:
            self.save_data(self.content)

    def save_data(self, content: int, *, everything: bool = False) -> None:
        same = content == self.newest() and everything == (list(self.saved)[-1:] == sorted(self.with_objects)[-1:])
        if (content or everything) and not (self.saved and same):
            how = INSIDE if self.inside else {"archive": True}
            described = {
                "kind": "Cluster",
                "metadata": {"name": "k"},
                "nodes": NODES,
                "images": ["node:1"],
                "options": self.shape,
                "storage_classes": [CLASS],
                "doubts": self.doubts,
                "node_settings": self.settings,
            }
            name = write_backup(self.path, self.data, 1 if content else 0, described=described, **how)
            self.saved[name] = content
            if everything:
                self.with_objects[name] = self.has_workload

    def force_removal(self, *, killed: bool = False) -> None:
        """The cluster is removed whatever it holds; of what was inside it only what was saved can come back."""
        self.state = "unfinished" if killed and self.state else None
        self.content, self.things, self.loaded, self.bare = 0, frozenset(), False, False
        if self.inside:
            self.latest = max(self.saved.values(), default=0)

    def be(self, state: str | None) -> None:
        """Have this state, whatever came before."""
        self.state, self.reachable = state, state == "running"
        if state is None:
            self.content, self.things, self.loaded, self.bare = 0, frozenset(), False, False

    def lines(self) -> list[str]:
        """The steps of the journal."""
        journal = self.path / "recreate.jsonl"
        return [json.loads(line)["step"] for line in journal.read_text().splitlines()] if journal.exists() else []

    def newest(self) -> int:
        """The content of the newest generation, 0 where there is none."""
        return list(self.saved.values())[-1] if self.saved else 0

    # What a recreation calls.

    def run(self, check_mode: bool = False, **options: Any) -> Outcome:
        self.calls.clear()
        with pytest.MonkeyPatch.context() as patch:
            for action in ACTIONS:
                stand_in = getattr(self, action.__name__.rpartition(".")[2])
                patch.setattr(action, "run", lambda *asked, run=stand_in, **_outside: run(*asked))
            patch.setattr(verify, "changes", self.changes)
            patch.setattr(machine, "look", self.machine)
            patch.setattr(machine, "image_version", lambda _engine, _image: "v1.35.0")
            patch.setattr(survey, "proved_nodes", lambda _engine, nodes, _cluster: nodes)
            patch.setattr(survey, "check_directories", lambda _context: self.volumes())
            patch.setattr(context, "open_cluster", self.open_cluster)
            for user, name in ((context, "find_engine"), (context, "Engine"), (resume, "Engine")):
                patch.setattr(user, name, self.find_engine)
            patch.setattr("shutil.which", lambda name: f"/bin/{name}")
            patch.setattr(images, "save_images", self.save_images)
            patch.setattr(images, "load_images", self.load_images)
            patch.setattr(objects, "restore_waves", self.restore_waves)
            for reader in (objects, planned, rehearsal):
                patch.setattr(reader, "to_restore", self.to_restore)
            patch.setattr(earlier, "has_objects", lambda backup: backup.name in self.with_objects)
            self.patch_snapshots(patch)
            done = kind_cluster_recreate.run({**OPTIONS, "path": str(self.path), **options}, check_mode)
        if not check_mode and done.facts["generation"] in self.with_objects:
            assert self.things == THINGS, "objects are missing"
        return done

    def patch_snapshots(self, patch: pytest.MonkeyPatch) -> None:
        """What a return to a generation needs besides."""
        for reader in (planned, pods):
            patch.setattr(reader, "live", lambda _context: self.made("live"))
        patch.setattr(survey, "check_unshared", lambda _context, directories: self.unshared.append(directories))
        patch.setattr(chosen, "read_backup", self.read_backup)
        patch.setattr(way_back, "find_blockers", self.find_blockers)

    def read_backup(self, path: str, generation: str) -> Backup:
        backup = read_backup(path, generation)
        counted = SavedObjects(3, 0, baseline=True) if backup.name in self.with_objects else None
        return replace(backup, catalog=replace(backup.catalog, objects=counted))

    def find_blockers(self, *_where: Any, **how: Any) -> tuple[()]:
        self.proved_by = how["generation"]
        return ()

    def find_engine(self, name: str, _runner: object) -> SimpleNamespace:
        own = name in ("auto", OPTIONS["engine"])
        return SimpleNamespace(
            name=self.engine if own else name,
            runner=None,
            image_id=lambda _image: "id" if self.images else None,
            nodes=lambda cluster: self.nodes_of(cluster) if own else tuple(self.others & {name}),
            stop=lambda _nodes: self._call("stop", {}, False, self._stop, {}),
            start=lambda nodes: self._call("start", {}, False, lambda: self._start(nodes), {}),
        )

    def nodes_of(self, cluster: str) -> tuple[Node, ...]:
        if cluster in self.throw_away:
            return (Node(f"{cluster}-control-plane", cluster, "control-plane", "running", "node:1"),)
        return self.nodes() if "-rehearsal-" not in cluster else ()

    def volumes(self) -> tuple[Volume, ...]:
        """Those of the API server's objects."""
        return read_volumes(*(self.objects.get(kind, []) for kind in ("PersistentVolume", "PersistentVolumeClaim")))

    def machine(self, _engine: object, spec: ClusterSpec, *_more: object, pulls: bool) -> Machine:
        """What the host has for the new cluster."""
        images = dict.fromkeys(wanted_images(spec, ""), "" if self.images else "docker does not have it")
        ports = {port_text(port): "is taken" for port in wanted_ports(spec) if port.host_port in self.taken}
        assert not pulls, "an image may not come once the cluster is deleted"
        return Machine(images=images, ports=ports, faults=tuple(directories.refusals(spec.directories)))

    def nodes(self) -> tuple[Node, ...]:
        state = "running" if self.state == "running" else "exited"
        roles = ("control-plane", "worker")
        mounts = () if self.inside else (Mount("/data", str(self.data), propagation="rprivate"),)
        named = zip(NODES, roles, strict=True)
        found = (Node(name, "k", role, state, "node:1", mounts=mounts) for name, role in named)
        return tuple(node for node in found if self.state and node.name not in self.lost)

    def open_cluster(self, name: str, _kubeconfig: str | None = None) -> SimpleNamespace:
        return SimpleNamespace(
            name=name,
            dry_run=lambda _item: None,
            lists=lambda *kinds: [self.objects.get(kind, []) for kind in kinds],
            list=lambda kind: self.objects.get(kind, []),
            get=self._get,
            version=self._version,
            each=self._each,
            patch=self._patch,
        )

    def kind_cluster_info(self, options: Mapping[str, Any], _check_mode: bool) -> Outcome:
        if self.state is None:
            return Outcome(False, facts={"clusters": []})
        found = {
            "name": options["name"],
            "state": self.state,
            "reachable": self.reachable,
            "nodes": [
                {"name": node.name, "role": node.role, "state": node.state, "image": node.image}
                for node in self.nodes()
            ],
            "kubernetes_version": "v1.34.4",
            "options": self.shape,
            "doubts": self.doubts,
        }
        return Outcome(False, facts={"clusters": [found]})

    def kind_cluster(self, options: Mapping[str, Any], check_mode: bool) -> Outcome:
        if options["name"] != "k":
            return self._throw_away(options)
        if options["state"] == "absent":
            forced = options["force"]
            if check_mode:
                found = self._call("remove", options, check_mode, lambda: None, {})
                return Outcome(True, {"merged": self.merged}, facts=found.facts)
            saved = self.state == "stopped" and self.host in self.saved.values()
            never_used = self.state in (None, "unfinished") and not (self.content or self.things)
            assert not forced or saved or never_used or self.proved_by, "it was forced"
            return self._call("remove", options, check_mode, lambda: self._remove(forced), {})
        assert options["nodes"], "it can't be made of nothing"
        facts = {"cluster": {"nodes": [{"name": name} for name in NODES]}, "kubernetes_version": "v1.34.4"}
        return self._call("create", options, check_mode, lambda: self._create(image_of(options)), facts)

    def _throw_away(self, options: Mapping[str, Any]) -> Outcome:
        name = options["name"]
        if options["state"] == "absent":
            return self._call("clear", options, False, lambda: self.throw_away.discard(name), {})
        return self._call("try", options, False, lambda: self.throw_away.add(name), {})

    def save_images(self, *where: Any, check_mode: bool = False) -> SimpleNamespace:
        index = [{"names": ["app:1"], "digest": "sha256:1", "bytes": 9}] if self.loaded else []
        if where[3] != "none":
            self._call("save images", {"images": where[3]}, check_mode, lambda: None, {})
        return SimpleNamespace(index=index)

    def load_images(self, *where: Any) -> list[dict[str, Any]]:
        _engine, _nodes, _path, index, before, _deadline = where
        assert isinstance(index, list) and (not index or set(before) <= set(NODES))
        self._call("load images", {}, False, lambda: setattr(self, "loaded", bool(index)), {})
        return [{**row, "loaded": NODES, "present": [], "missing": []} for row in index]

    def to_restore(self, run: context.Context) -> Saved:
        return self.made(run.target.get("objects_from") or "live")

    def made(self, name: str) -> Saved:
        """The objects of a generation, or the live ones."""
        thing = {"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": name}}
        there = name in self.with_bare or (name == "live" and self.bare)
        return Saved(made=[thing, *([POD] if there else [])])

    def restore_waves(self, api: Any, saved: Saved, waves: tuple[str, ...], **how: Any) -> list[dict[str, str]]:
        if saved.made == [POD]:
            return self._create_pod()
        source = saved.made[0]["metadata"]["name"]
        if api.name != "k":
            self._call("rehearse", {**how, "source": source}, False, lambda: None, {})
            return self.refuses
        name = WAVES[waves]

        def restore() -> None:
            self.things |= {name}
            self.bare = self.bare or (name == "complete" and POD in saved.made)
            if name == "apply" and not self.has_workload and self.with_objects[source]:
                self.has_workload, self.detached = True, how["down"]

        assert source in self.with_objects
        self._call(name, {**how, "source": source}, False, restore, {})
        refused = self.refuses if self.image != "node:1" else []
        return [{"kind": "Thing", "namespace": "", "name": name, "result": "equal", "why": ""}, *refused]

    def _create_pod(self) -> list[dict[str, str]]:
        row = {"kind": "Pod", "namespace": "ns", "name": "bare", "result": "equal", "why": ""}
        if self.bare:
            return [{**row, "action": "unchanged"}]
        self._call("create pod", {}, False, lambda: setattr(self, "bare", True), {})
        return [{**row, "action": "create"}]

    def storage_provisioner(self, options: Mapping[str, Any], check_mode: bool) -> Outcome:
        return self._call("provision", options, check_mode, lambda: None, {})

    def storage_provisioner_info(self, _options: Mapping[str, Any], _check_mode: bool) -> Outcome:
        return Outcome(False, facts={"storage_classes": self.classes})

    def volume_detach(self, options: Mapping[str, Any], check_mode: bool) -> Outcome:
        shop = {"namespace": "ns", "kind": "Deployment", "name": "shop"}
        change = {"before": {"replicas": 1}, "after": {"replicas": 0}, "result": self._result()}
        workloads = [{**shop, **change}] if self.has_workload or options["path"] else []
        volumes = [{"name": "v0", "claim": "ns/c0", "in_use_by": self.held}] if self.content else []
        facts = {"workloads": workloads, "volumes": volumes, "deleted_pods": []}
        deletes = options["unmanaged"] == "delete" and self.bare
        if deletes:
            facts["deleted_pods"] = ["ns/bare"]

        def detach() -> None:
            self.retained = self.retained or (self.has_workload and self.policy == "Delete")
            self.policy = "Retain" if self.retained else self.policy
            self.detached = self.has_workload
            self.bare = self.bare and not deletes

        def attach() -> None:
            if self.retained:
                self.policy, self.retained = "Delete", False
            if "ns/Deployment/shop" in options["left_down"]:
                self.has_workload = self.detached = True
                return
            self.has_workload, self.detached = self.has_workload or bool(options["path"]), False

        name, effect = ("detach", detach) if options["state"] == "detached" else ("attach", attach)
        return self._call(name, options, check_mode, effect, facts)

    def _result(self) -> str:
        return "unchanged" if self.detached else "detached"

    def volume_backup(self, options: Mapping[str, Any], check_mode: bool) -> Outcome:
        name = "?save" if check_mode else "save"
        if not self.reachable and (options["without_api"] != "last_backup" or self.inside):
            self.calls.append(name)
            raise Declined("v0 is not mounted from the host.") if self.inside else SILENT
        content = self.content if self.reachable else self.host
        everything = options.get("objects") and self.reachable and bool(self.things)
        if not content and not everything:
            return self._call("save", options, check_mode, lambda: None, {"volumes": []})
        node, path = ("k-worker", "") if self.inside else ("", f"{self.data}/v0")
        places = {"node": node, "node_directory": "/opt/v0", "host_directory": path}
        line = {"name": "v0", "claim": "ns/c0", "bytes": 9, "reclaim_policy_before": self.policy, **places}
        line["data"] = "node" if self.inside else "host"
        in_use = self.has_workload and not self.detached and "v0" not in (options.get("assume_unused") or ())
        warnings = ("v0 is in use",) if in_use and self.reachable else ()
        warnings += () if self.reachable else ("what was made since is not known",)

        def save() -> None:
            self.policy, self.retained = "Retain", False
            self.save_data(content, everything=bool(everything))
            if everything and (self.bare or options["deleted_pods"]):
                self.with_bare.add(list(self.saved)[-1])

        def later() -> dict[str, Any]:
            return {"generation": list(self.saved)[-1]}

        facts: dict[str, Any] = {"volumes": [line] if content else [], "objects": None}
        if everything:
            facts["objects"] = {"made": {"Thing": 3}, "left_out": self.left_out}
        if check_mode:
            facts["generation"] = "next"
        return self._call("save", options, check_mode, save, facts, later, warnings)

    def volume_restore(self, options: Mapping[str, Any], check_mode: bool) -> Outcome:
        generation = options["generation"]
        facts = {"generation": generation, "volumes": [{"name": "v0"}]}

        def restore() -> None:
            if self.content:
                return
            if not self.inside and self.host != self.saved[generation]:
                raise Declined("Its data differs from the backup.")
            newest = max(self.saved.values()) if self.latest else 0
            assert not self.inside or self.saved[generation] == newest, "an older backup came back"
            self.content = self.host = self.saved[generation]

        return self._call("restore", options, check_mode, restore, facts)

    def changes(self, backup: Backup, *_where: object) -> dict[str, Difference]:
        self.calls.append("compare")
        same = self.content == self.saved[backup.name]
        return {"v0": Difference() if same else Difference(changed=("file (size)",))}

    def _get(self, kind: str, name: str) -> Any:
        if kind == "Namespace":
            return {"metadata": {"name": name, "uid": f"uid-{self.uid}", "creationTimestamp": self.created_at}}
        return next((item for item in self.objects.get(kind, []) if item["metadata"]["name"] == name), None)

    def _version(self) -> str:
        if not self.reachable:
            raise SILENT
        return "v1.34.4"

    def _each(self, function: Callable[[Any], Any], things: Iterable[Any]) -> list[Any]:
        return [function(thing) for thing in things]

    def _patch(self, kind: str, name: str, change: Mapping[str, Any]) -> None:
        if kind != "PersistentVolume":
            items = self.objects[kind]
            self.objects[kind] = [merge(o, change) if o["metadata"]["name"] == name else o for o in items]
            return
        self.calls.append(f"policy of {name}")
        if "policy" in self.fail:
            raise self.fail["policy"]
        self.policy = change["spec"]["persistentVolumeReclaimPolicy"]

    def _stop(self) -> None:
        self.be("stopped")

    def _start(self, nodes: Iterable[Any]) -> None:
        assert [node.name for node in nodes] == NODES
        self.state = "running"

    def _remove(self, forced: bool) -> None:
        if self.state in ("running", "stopped"):
            if not forced and (self.detached < self.has_workload or self.content not in (0, self.newest())):
                raise REFUSED
            self.state, self.reachable = "unfinished", False
            self._moment()
        assert self.content in (0, *self.saved.values()), "what was not saved was deleted"
        self.state, self.content, self.has_workload, self.detached = None, 0, False, False
        self.things, self.loaded, self.bare = frozenset(), False, False

    def _create(self, image: str) -> None:
        if self.state in (None, "unfinished"):
            self.state, self.content, self.has_workload, self.detached = "unfinished", 0, False, False
            self.things, self.loaded, self.bare = frozenset(), False, False
            self.lost = set()
            self.uid += 1
            self._moment()
            if image == self.bad:
                raise CommandFailed("The kubelet does not start.")
            self.image = image
        self.state, self.reachable = "running", True

    def _call(
        self,
        name: str,
        options: Mapping[str, Any],
        check_mode: bool,
        effect: Callable[[], None],
        facts: Mapping[str, Any],
        later: Callable[[], Mapping[str, Any]] = dict,
        warnings: tuple[str, ...] = (),
    ) -> Outcome:
        self.calls.append(f"?{name}" if check_mode else name)
        self.options[self.calls[-1]] = dict(options)
        if self.calls[-1] in self.fail:
            raise self.fail[self.calls[-1]]
        if check_mode:
            return Outcome(True, facts=facts, warnings=warnings)
        self._moment()
        effect()
        self._moment()
        return Outcome(True, facts={**facts, **later()}, warnings=warnings)

    def _moment(self) -> None:
        if self.moments is not None:
            if not self.moments:
                raise Killed
            self.moments -= 1


def killed_behind(last: str, run: Callable[[], Any]) -> None:
    """A run that is killed right behind this line of the journal."""

    class Ending(Journal):
        def add(self, step: str, **facts: Any) -> None:
            super().add(step, **facts)
            if step == last:
                raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "Journal", Ending)
        with pytest.raises(Killed):
            run()
