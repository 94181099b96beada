"""A cluster k in memory with one kind of volume, real files, and the actions of the document docs/volumes.md on it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_cluster,
    kind_cluster_info,
    volume_backup,
    volume_detach,
    volume_info,
    volume_restore,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import client
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import kind_cluster_recreate
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import volume_restore as replacing
from ansible_collections.kindlab.volumes.tests.unit.support import kind_host
from ansible_collections.kindlab.volumes.tests.unit.support.cluster_runs import DEFAULTS, SAVE, Place
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import binding_controller
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import Controlled, made_by, workload

Object = dict[str, Any]
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}}
CLUSTER = "k"
WORKER = "k-worker"
GOING = {
    "deletionTimestamp": "2026-11-30T00:00:00Z",
    "deletionGracePeriodSeconds": 0,
    "finalizers": ["example.com/keep"],
}


class Live(Controlled):
    """A cluster whose controllers make and end pods, and bind volumes."""

    def __init__(self, *objects: Object, **how: Any) -> None:
        super().__init__(*objects, **how)
        self.react = Live.controllers

    def controllers(self) -> None:
        self.control()
        binding_controller(self)


class World(Place):
    """The cluster k with one control plane and two workers, and the directory data mounted in nodes.

    inside: a directory of this machine that stands for one inside a node.
    """

    def __init__(self, path: Path, patch: pytest.MonkeyPatch, roles: list[str] | None = None) -> None:
        super().__init__(path)
        self.roles = roles
        self.inside = path / "inside"
        self.inside.mkdir()
        patch.setenv("KUBECONFIG", str(path / "users.yaml"))
        patch.setenv("HOME", str(path))
        made = kind_host.api_of
        patch.setattr(kind_host, "api_of", lambda config: _live(made(config)))
        self.host.images = {DEFAULTS["image"]: "id of the image"}

    @property
    def api(self) -> Any:
        return self.host.clusters[CLUSTER]

    def options(self, **options: Any) -> dict[str, Any]:
        mount: Object = {"host_path": str(self.data), "node_path": str(self.data), "mode": "0750"}
        if self.roles:
            mount["roles"] = self.roles
        return {**super().options(**options), "name": CLUSTER, "mounts": [mount], "workers": 2}

    def asked(self, action: Any, check_mode: bool = False, **options: Any) -> Outcome:
        """Run an action on this cluster."""
        given = {**defaults(action.ARGUMENTS), "engine": "docker", "cluster": CLUSTER, "wait_timeout": 5, **options}
        known = {name: value for name, value in given.items() if name in action.ARGUMENTS}
        return action.run(known, check_mode, runner=self.host, connect=lambda *_where, **_how: self.api)

    def info(self, **options: Any) -> Outcome:
        return self.asked(volume_info, **options)

    def detach(self, **options: Any) -> Outcome:
        return self.asked(volume_detach, **options)

    def back_up(self, **options: Any) -> Outcome:
        asked = {**SAVE, "cluster": CLUSTER, "path": str(self.backup), **options}
        return self.asked(volume_backup, **asked)

    def restore(self, **options: Any) -> Outcome:
        return self.asked(volume_restore, path=str(self.backup), **options)

    def replace(self, **options: Any) -> Outcome:
        """A restore over what is there."""
        return self.asked(replacing, path=str(self.backup), existing="replace", **options)

    def lose(self) -> None:
        """The cluster is deleted, and everything inside its nodes; an empty one takes its place."""
        self.run(state="absent", force=True)
        shutil.rmtree(self.inside)
        self.inside.mkdir()
        self.run()

    def recreate(self, check_mode: bool = False, **options: Any) -> Outcome:
        """kind_cluster_recreate with all of its real actions."""
        given = {
            **defaults(kind_cluster_recreate.ARGUMENTS),
            # Only volumes: the fakes have no files of containerd, and do not take writes of objects of any kind.
            "images": "none",
            "objects": "none",
            "rehearse": False,
            "engine": "docker",
            "cluster": CLUSTER,
            "path": str(self.backup),
            "kubeconfig": str(self.kubeconfig),
            "wait_timeout": 5,
            **options,
        }
        with self.everywhere():
            return kind_cluster_recreate.run(given, check_mode)

    @contextlib.contextmanager
    def everywhere(self) -> Iterator[None]:
        """All programs and API servers are those of this host, whoever calls them."""
        own, plain = self.host.run, Runner.run

        def run(runner: Runner, argv: Any, **how: Any) -> Completed:
            return own(argv, **how) if argv[0] in ("docker", "kind", "pgrep") else plain(runner, argv, **how)

        def connect(kubeconfig: str | None = None, context: str | None = None, **_how: Any) -> Any:
            return self.host.connect(kubeconfig or str(self.kubeconfig), context or f"kind-{CLUSTER}")

        deleted = self.host.during_delete

        def lost(host: Any) -> None:
            deleted(host)
            shutil.rmtree(self.inside, ignore_errors=True)
            self.inside.mkdir()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Runner, "run", run)
            patch.setattr(Runner, "argv", lambda _runner, argv: self.host.argv(argv))
            patch.setattr(self.host, "during_delete", lost)
            for module in (client, kind_cluster, kind_cluster_info):
                if hasattr(module, "Cluster"):
                    patch.setattr(module, "Cluster", connect)
            patch.setattr(
                shutil, "which", lambda name, **_how: None if name in ("podman", "nerdctl") else f"/bin/{name}"
            )
            yield

    def put(self, *objects: Object) -> None:
        for item in objects:
            self.api.put(item)
        self.api.react(self.api)


def _live(made: Any) -> Live:
    items = [item for item in made.objects.values() if item["kind"] != "Node"]
    nodes = [item for item in made.objects.values() if item["kind"] == "Node"]
    for node in nodes:
        name = node["metadata"]["name"]
        node["metadata"]["labels"] = {"kubernetes.io/hostname": name}
        if "control-plane" in name:
            node["spec"] = {"taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]}
    return Live(*items, *nodes, NAMESPACE)


def persistent_volume(name: str, source: Object, claim: str = "", phase: str = "", **spec: Any) -> Object:
    """A PersistentVolume; claim: name of its claim in ns."""
    reference = {"claimRef": {"namespace": "ns", "name": claim, "uid": f"uid-{claim}"}} if claim else {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "manual",
            **reference,
            **source,
            **spec,
        },
        "status": {"phase": phase or ("Bound" if claim else "Available")},
    }


def claim_of(name: str, volume: str, phase: str = "Bound", **metadata: Any) -> Object:
    """The claim ns/NAME."""
    bound = {"pv.kubernetes.io/bind-completed": "yes"} if phase in ("Bound", "Lost") else {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": "ns", "name": name, "uid": f"uid-{name}", "annotations": bound, **metadata},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "manual",
            **({"volumeName": volume} if volume else {}),
        },
        "status": {"phase": phase},
    }


def on_nodes(*names: str, key: str = "kubernetes.io/hostname") -> Object:
    """A node affinity."""
    term = {"matchExpressions": [{"key": key, "operator": "In", "values": list(names)}]}
    return {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}}


@dataclass(frozen=True)
class Kind:
    """A kind of volume.

    make: puts its objects into the cluster, and its files on the machine. volumes: names of its PersistentVolumes;
    claims: of its claims, in ns. roles: of the nodes with the mount. data: how recreate and backup save it.
    """

    make: Callable[[World], None]
    volumes: tuple[str, ...] = ("v",)
    claims: tuple[str, ...] = ("c",)
    roles: list[str] | None = None
    data: str = "in_place"
    where: str = ""
    options: Object = field(default_factory=dict)


def directory(path: Path, content: str = "content") -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "file").write_text(content)
    return path


def used(*claims: str) -> Object:
    """A Deployment with one pod."""
    return workload("Deployment", "app", *claims)


def host_path(path: Path) -> Object:
    return {"hostPath": {"path": str(path)}}


def mounted(world: World) -> None:
    pv = persistent_volume("v", host_path(directory(world.data / "v")), "c", **on_nodes(WORKER))
    world.put(pv, claim_of("c", "v"), used("c"))


def inside(world: World) -> None:
    pv = persistent_volume("v", host_path(directory(world.inside / "v")), "c", **on_nodes(WORKER))
    world.put(pv, claim_of("c", "v"), used("c"))


def locally(kind: Callable[[World], None]) -> Callable[[World], None]:
    """The kind with its volumes as local instead of hostPath."""

    def make(world: World) -> None:
        kind(world)
        for pv in world.api.list("PersistentVolume"):
            pv["spec"]["local"] = pv["spec"].pop("hostPath")
            world.put(pv)

    return make


def local_data(world: World) -> None:
    pv = persistent_volume("v", {"local": {"path": str(directory(world.data / "v"))}}, "c", **on_nodes(WORKER))
    pv["metadata"]["labels"] = {LABEL: "library"}
    world.put(pv, claim_of("c", "v"), used("c"))


def elsewhere(source: Object, **spec: Any) -> Callable[[World], None]:
    def make(world: World) -> None:
        world.put(persistent_volume("v", source, "c", **spec), claim_of("c", "v"), used("c"))

    return make


def ephemeral(world: World) -> None:
    """The claim is called after the pod and the pod's volume."""
    app = used()
    app["spec"]["template"]["spec"]["volumes"] = [{"name": "c", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}]
    world.put(app)
    (pod,) = world.api.list("Pod")
    owner = made_by("Pod", pod["metadata"]["name"], uid=pod["metadata"]["uid"])
    name = f"{pod['metadata']['name']}-c"
    pv = persistent_volume("v", host_path(directory(world.data / "v")), name, **on_nodes(WORKER))
    world.put(pv, claim_of(name, "v", **owner))


def block(world: World) -> None:
    pv = persistent_volume("v", {"local": {"path": "/dev/loop7"}}, "c", volumeMode="Block", **on_nodes(WORKER))
    claim = claim_of("c", "v")
    claim["spec"]["volumeMode"] = "Block"
    world.put(pv, claim, used("c"))


def never_used(world: World) -> None:
    world.put(persistent_volume("v", host_path(world.data / "missing"), **on_nodes(WORKER)))


def missing(world: World) -> None:
    pv = persistent_volume("v", host_path(world.data / "missing"), "c", **on_nodes(WORKER))
    world.put(pv, claim_of("c", "v"), used("c"))


def nested(world: World) -> None:
    for name, path in (("v", world.data / "v"), ("w", world.data / "v" / "below"), ("x", world.data / "v")):
        pv = persistent_volume(name, host_path(directory(path)), f"c{name}", **on_nodes(WORKER))
        world.put(pv, claim_of(f"c{name}", name))
    world.put(used("cv", "cw", "cx"))


def shared(world: World) -> None:
    pv = persistent_volume("v", host_path(directory(world.data / "v")), "c", accessModes=["ReadWriteMany"])
    world.put(pv, claim_of("c", "v"), used("c"))


def released(world: World) -> None:
    for name, phase in (("v", "Released"), ("w", "Failed")):
        where = host_path(directory(world.data / name))
        world.put(persistent_volume(name, where, f"gone-{name}", phase, **on_nodes(WORKER)))


def lost(world: World) -> None:
    world.put(claim_of("c", "gone", "Lost"))


def pending(world: World) -> None:
    world.put(claim_of("c", "", "Pending"), workload("Deployment", "app", "c", replicas=0))


def terminating(world: World) -> None:
    pv = persistent_volume("v", host_path(directory(world.data / "v")), "c", **on_nodes(WORKER))
    world.put(pv, claim_of("c", "v", **GOING), used("c"))


def terminating_volume(world: World) -> None:
    mounted(world)
    pv = world.api.get("PersistentVolume", "v")
    world.put({**pv, "metadata": {**pv["metadata"], **GOING}})


def by_label(world: World) -> None:
    node = world.api.get("Node", WORKER)
    node["metadata"]["labels"]["example.com/disk"] = "ssd"
    where = host_path(directory(world.data / "v"))
    pv = persistent_volume("v", where, "c", **on_nodes("ssd", key="example.com/disk"))
    world.put(node, pv, claim_of("c", "v"), used("c"))


def not_on(*names: str) -> Callable[[World], None]:
    """These workers lack the directory, which any of them may use."""

    def make(world: World) -> None:
        for node in world.host.nodes:
            if node["Name"] in [f"/{name}" for name in names]:
                node["Mounts"] = [mount for mount in node["Mounts"] if mount["Source"] != str(world.data)]
        pv = persistent_volume("v", host_path(directory(world.data / "v")), "c")
        world.put(pv, claim_of("c", "v"), used("c"))

    return make


def tied_by_driver(world: World) -> None:
    """As the driver's registrar labels the node."""
    node = world.api.get("Node", WORKER)
    node["metadata"]["labels"]["topology.example.com/node"] = WORKER
    world.put(node)
    elsewhere(CSI, **on_nodes(WORKER, key="topology.example.com/node"))(world)


NFS = {"nfs": {"server": "nas.example.com", "path": "/export/v"}}
ISCSI = {"iscsi": {"targetPortal": "nas.example.com:3260", "iqn": "iqn.2026-01.com.example:v", "lun": 0}}
CSI = {"csi": {"driver": "disk.csi.example.com", "volumeHandle": "vol-1"}}
# By the names of the rows in docs/volumes.md.
KINDS = {
    "hostPath or local, mounted from the host": Kind(mounted),
    "hostPath or local, inside one node": Kind(inside, data="archive"),
    "local data": Kind(local_data),
    "NFS, iSCSI and other network sources": Kind(elsewhere(NFS), where="nas.example.com:/export/v"),
    "CSI": Kind(elsewhere(CSI), where="disk.csi.example.com"),
    "CSI, tied to nodes by its affinity": Kind(tied_by_driver, where="disk.csi.example.com"),
    "generic ephemeral": Kind(ephemeral, claims=("app-1-0-c",)),
    "block": Kind(block),
    "static, directory missing, never used": Kind(never_used, claims=()),
    "static, directory missing, bound": Kind(missing),
    "nested, or two on one directory": Kind(nested, ("v", "w", "x"), ("cv", "cw", "cx")),
    "shared directory on all nodes": Kind(shared),
    "Released or Failed": Kind(released, ("v", "w"), ()),
    "Lost claim": Kind(lost, ()),
    "Pending claim": Kind(pending, ()),
    "Terminating": Kind(terminating),
    "affinity to nodes": Kind(mounted),
    "affinity to another label": Kind(by_label),
    "no affinity, mounted on some nodes or on none": Kind(not_on("k-worker2")),
}
# Further kinds of a row, by what tells them from the first one.
OTHERS = {
    "hostPath or local, mounted from the host": {"local": Kind(locally(mounted))},
    "hostPath or local, inside one node": {"local": Kind(locally(inside), data="archive")},
    "NFS, iSCSI and other network sources": {"iSCSI": Kind(elsewhere(ISCSI), where="nas.example.com:3260")},
    "static, directory missing, never used": {"local": Kind(locally(never_used), claims=())},
    "static, directory missing, bound": {"local": Kind(locally(missing))},
    "Terminating": {"volume": Kind(terminating_volume)},
    "no affinity, mounted on some nodes or on none": {"none": Kind(not_on(WORKER, "k-worker2"), data="archive")},
}
