"""The machine of a drawn world: node containers with any mounts, in any state, and directories behind them."""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import platform_of
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.node_processes import PROBE
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.nodes import CTR
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images.look import BLOBS, LOOK
from ansible_collections.kindlab.volumes.tests.unit.support import fakes
from ansible_collections.kindlab.volumes.tests.unit.support.containerd import Containerd, image
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import CLUSTER as CLUSTER_LABEL
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import KUBECONFIG, ROLE, OpenKindHost, Silent
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import EXEC

from .api import WorldApi
from .choices import Choices
from .names import CLUSTER, NODES, Object

IMAGE = "kindest/node:v1.34.4"
STATES = (*["running"] * 13, "exited", "paused", "created")
# Where runtimes read and write blobs, and images that people load, by name.
RUNTIMES = "containerd"
ARCHITECTURE = platform_of(os.uname().machine).partition("/")[2]
OWN = image(b"own", architecture=ARCHITECTURE)
LOADED = {name: image(name.encode(), b"base", architecture=ARCHITECTURE) for name in ("app:1", "tool:1")}
# Namespaces of a new cluster.
SPACES = ("default", "kube-system")
# Paths that this machine does not have, and that no command of a drawn node is to look at here.
ELSEWHERE = "/kindlab-nowhere"


class WorldHost(OpenKindHost):
    """Commands inside nodes run on this machine, below one directory only.

    runtimes: of nodes, by name; what is written to them lies in RUNTIMES until it is read.
    """

    def __init__(self, top: Path) -> None:
        super().__init__()
        self.top = top
        self.runtimes: dict[str, Containerd] = {}

    def connect(self, *where: str | None) -> fakes.FakeCluster:
        """The API of the one cluster, or of one that the place names; silent while its control plane does not run."""
        named = (name for name in self.clusters if name != CLUSTER and any(name in (place or "") for place in where))
        name = next(named, CLUSTER)
        return self.clusters[name] if name in self.clusters and self.runs(name) else Silent()

    def runtime(self, node: str) -> Containerd:
        """A node's container runtime; a new one has the images of the node image."""
        if node not in self.runtimes:
            made = Containerd()
            made.load("pause:3", OWN, own=True)
            self.runtimes[node] = made
        file = self._imports(node)
        if file.exists():
            self.runtimes[node].imported(file.read_bytes(), everything=True)
            file.unlink()
        return self.runtimes[node]

    def _imports(self, node: str) -> Path:
        return self.top / RUNTIMES / f"{node}.tar"

    def _blobs(self, node: str, names: Sequence[str]) -> list[str]:
        """The command that reads blobs of a node."""
        directory = self.top / RUNTIMES / node
        directory.mkdir(exist_ok=True)
        for name in names:
            (directory / name).write_bytes(self.runtime(node).blobs[f"sha256:{name}"])
        return ["tar", "--create", f"--directory={directory}", *names]

    def _answer(self, node: str, words: list[str]) -> Completed | None:
        """What a container runtime answers, None for another command."""
        if words == ["sh", "-c", LOOK]:
            return Completed(0, self.runtime(node).looked().replace("x86_64", os.uname().machine, 1))
        if words == [*CTR, "list"]:
            return Completed(0, self.runtime(node).listing())
        if words[:5] == [*CTR, "tag", "--force"]:
            self.runtime(node).names[words[6]] = self.runtime(node).names[words[5]]
            return Completed(0)
        return Completed(0) if words == ["containerd", "config", "dump"] else None

    def argv(self, argv: Sequence[str]) -> list[str]:
        if list(argv[:3]) == EXEC and list(argv[4:7]) == ["tar", "--create", f"--directory={BLOBS}"]:
            return self._blobs(argv[3], argv[7:])
        if list(argv[:3]) == EXEC and list(argv[4:8]) == [*CTR, "import"]:
            return ["sh", "-c", 'cat >"$1"', "sh", str(self._imports(argv[3]))]
        if list(argv[:3]) == EXEC and self._leaves(argv[4:]):
            return ["false"]
        return super().argv(argv)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        check: bool = True,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        answer = self._answer(argv[3], list(argv[4:])) if list(argv[:3]) == EXEC else None
        if answer is not None:
            self.calls.append(list(argv))
            return answer
        inside = list(argv[:3]) == EXEC and list(argv[4:]) != ["sh", "-c", PROBE] and not fakes.looked(argv)
        if inside and self._leaves([*argv[4:], *(stdin or "").split("\0")]):
            self.calls.append(list(argv))
            return super().run([*argv[:4], "sh", "-c", "echo 'No such file or directory' >&2; exit 1"], check=check)
        return super().run(argv, stdin=stdin, check=check, timeout=timeout, env=env)

    def _create(self, name: str, config: Object, kubeconfig: Path, *, retain: bool) -> Completed:
        """With a cluster whose controllers act, and Nodes as kubeadm makes them."""
        done = super()._create(name, config, kubeconfig, retain=retain)
        if made := self.clusters.get(name):
            for node in made.list("Node"):
                node["metadata"]["labels"] = {"kubernetes.io/hostname": node["metadata"]["name"]}
                made.put(node)
            spaces = ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in SPACES)
            self.clusters[name] = WorldApi(*made.objects.values(), *spaces)
        return done

    def _delete(self, name: str, kubeconfig: Path) -> None:
        """What was inside nodes goes with them."""
        super()._delete(name, kubeconfig)
        if name == CLUSTER:
            self.runtimes.clear()
            shutil.rmtree(self.top / "n")
            (self.top / "n" / "a").mkdir(parents=True)

    def _leaves(self, words: Sequence[str]) -> bool:
        """True if a word is a path of a drawn volume that is not below the world's own directory."""
        paths = [posixpath.normpath(word) for word in words if word.startswith("/")]
        return any(path in ("/", "//") or path.lstrip("/").startswith(ELSEWHERE.lstrip("/")) for path in paths)


def directories(top: Path) -> tuple[str, ...]:
    """Paths in nodes: below mounts and not, as volumes and pods name them."""
    node = f"{top}/n"
    return (
        f"{node}/a/v1",
        f"{node}/a/v2",
        f"{node}/a/v1/",
        f"{node}/a",
        f"{node}/a/v1/below",
        f"{node}/b/v 1\n",
        f"/{node}/a/v2",
        f"{node}/a/./v3//",
        f"{node}/inside/v1",
        f"{node}/b/file",
        f"{ELSEWHERE}/v1",
        "/",
        "relative/v1",
        f"{node}/a/" + "é" * 40,
    )


def build_host(c: Choices, top: Path) -> WorldHost:
    """A host with the cluster's nodes, some of them, and directories with files."""
    for directory in ("h/0/v1/below", "h/0/v2", "h/0/v3", "h/1/v1", "h/1/v 1\n", "n/inside/v1", "h/2", "n/a", RUNTIMES):
        (top / directory).mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(
        ("h/0/v1/one", "h/0/v1/below/two", "h/0/v2/three", "h/1/v1/four", "n/inside/v1/five", "h/1/file")
    ):
        if not c.chance(4):
            (top / file).write_bytes(bytes([number]) * c.number(9))
    os.symlink("one", top / "h/0/v1/link")
    os.symlink("0", top / "h" / "link")
    host = WorldHost(top)
    shared = _mounts(c, top)
    for name in NODES:
        if name != NODES[0] and c.chance(5):
            continue
        mounts = shared if not c.chance(4) else _mounts(c, top)
        host.nodes.append(_container(c, name, "control-plane" if name == NODES[0] else "worker", mounts))
    if c.chance(8):
        host.nodes.append(_container(c, f"{CLUSTER}-external-load-balancer", "external-load-balancer", []))
    host.ready.add(CLUSTER)
    host.images |= dict.fromkeys((IMAGE, "sha256:0"), "sha256:0")
    kubeconfig = top / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG.format(name=CLUSTER, number=0))
    return host


def _mounts(c: Choices, top: Path) -> list[Object]:
    """Mounts of one node; they may lie in one another, and hide one another."""
    found = [_mount(f"{top}/n/a", f"{top}/h/0")] if not c.chance(6) else []
    others = (
        _mount(f"{top}/n/b", f"{top}/h/1"),
        _mount(f"{top}/n/a/v1", f"{top}/h/2"),
        _mount("/", f"{top}/h/1"),
        _mount(f"{top}/n/b", f"{top}/h/link"),
        _mount(f"{top}/n/b", f"{top}/h/missing"),
        _mount(f"{top}/n/b", f"{top}/h/1", RW=False, Propagation="rshared"),
        {"Type": "volume", "Name": "x", "Source": f"{top}/h/1", "Destination": f"{top}/n/inside", "RW": True},
        {"Type": "tmpfs", "Destination": f"{top}/n/b"},
        _mount(f"{top}/n/b/file", f"{top}/h/1/file"),
    )
    for mount in c.some(others, 3):
        if mount["Destination"] not in [other["Destination"] for other in found]:
            found.append(mount)
    return found


def _mount(node_path: str, host_path: str, **more: object) -> Object:
    return {
        "Type": "bind",
        "Source": host_path,
        "Destination": node_path,
        "RW": True,
        "Propagation": "rprivate",
        **more,
    }


def _container(c: Choices, name: str, role: str, mounts: list[Object]) -> Object:
    """A node container as the engine shows it; engines leave some fields out."""
    state: Object = {"Status": c.pick(STATES)}
    if state["Status"] == "exited":
        state |= c.pick(({"ExitCode": 137}, {}, {"ExitCode": 1, "OOMKilled": True}))
    shown: Object = {
        "Name": f"/{name}",
        "Image": "sha256:0",
        "State": state,
        "Config": {"Image": IMAGE, "Labels": {CLUSTER_LABEL: CLUSTER, ROLE: role}},
        "Mounts": mounts,
        "HostConfig": {
            "PortBindings": {} if role == "worker" else {"6443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "40000"}]},
            "Tmpfs": {"/run": ""},
        },
    }
    if c.chance(10):
        shown["HostConfig"] = None
    if c.chance(10):
        shown["HostConfig"] = c.pick(({}, {"PortBindings": {"80": None, "53/udp": [{"HostPort": ""}]}, "Tmpfs": None}))
    if c.chance(10):
        del shown["Config"]["Image"]
    if c.chance(20):
        shown["Mounts"] = None
    return shown
