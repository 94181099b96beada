"""An in-memory host with docker and kind: node containers as docker inspect shows them."""

from __future__ import annotations

import base64
import itertools
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.node_processes import PROBE
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.failure import JOURNAL
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.kubeconfig import Kubeconfig
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.proof.unfinished import LIST_NETWORKS
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster, looked
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import EXEC
from ansible_collections.kindlab.volumes.tests.unit.support.process_snapshots import printed

Object = dict[str, Any]

CLUSTER, ROLE = "io.x-k8s.kind.cluster", "io.x-k8s.kind.role"
PROPAGATION = {"None": "rprivate", "HostToContainer": "rslave", "Bidirectional": "rshared"}


class Kubeconfigs(str):
    """The text of kubeconfigs; each cluster has a CA of its own."""

    def format(self, *, name: str, number: int) -> str:  # type: ignore[override]
        ca = base64.b64encode(authority(name, number).encode()).decode()
        return super().format(name=name, number=number, ca=ca)


def authority(name: str, number: int) -> str:
    """The CA of the cluster that was created as this one, as PEM."""
    content = base64.b64encode(f"{name} {number}".encode()).decode()
    return f"-----BEGIN CERTIFICATE-----\n{content}\n-----END CERTIFICATE-----\n"


KUBECONFIG = Kubeconfigs("""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {ca}
    server: https://127.0.0.1:4000{number}
  name: kind-{name}
contexts:
- context:
    cluster: kind-{name}
    user: kind-{name}
  name: kind-{name}
current-context: kind-{name}
kind: Config
users:
- name: kind-{name}
  user:
    client-key-data: {name}KEY{number}
""")
EMPTY = "apiVersion: v1\nkind: Config\n"
LISTS = ("clusters", "contexts", "users")


def containers(config: Mapping[str, Any]) -> list[Object]:
    """The nodes that kind creates, as docker shows them (planCreation, runArgsForNode, generatePortMappings)."""
    counts: dict[str, int] = {}
    made = []
    for node in config["nodes"]:
        role = node["role"]
        counts[role] = counts.get(role, 0) + 1
        port = config.get("networking", {}).get("apiServerPort", 0)
        made.append(_container(config["name"], role, counts[role], node, port))
    if counts["control-plane"] > 1:
        made.append(_container(config["name"], "external-load-balancer", 1, {"image": "envoy"}))
    return made


def _container(cluster: str, role: str, number: int, node: Mapping[str, Any], api_port: int = 0) -> Object:
    mounts = [
        {
            "Type": "bind",
            "Source": mount["hostPath"],
            "Destination": mount["containerPath"],
            "RW": not mount.get("readOnly", False),
            "Propagation": PROPAGATION[mount.get("propagation", "None")],
        }
        for mount in node.get("extraMounts", ())
    ]
    own = [
        {"Type": "volume", "Source": "/engine/volumes/x/_data", "Destination": "/var", "RW": True, "Propagation": ""},
        {
            "Type": "bind",
            "Source": "/lib/modules",
            "Destination": "/lib/modules",
            "RW": False,
            "Propagation": "rprivate",
        },
    ]
    ports: dict[str, list[Object]] = {}
    published = list(node.get("extraPortMappings", ()))
    if role == "control-plane":
        published.append({"listenAddress": "127.0.0.1", "hostPort": api_port, "containerPort": 6443})
    for index, port in enumerate(published):
        place = {
            "HostIp": port.get("listenAddress", "0.0.0.0"),
            "HostPort": str(port["hostPort"] or 45000 + index),
        }
        ports.setdefault(f"{port['containerPort']}/{port.get('protocol', 'TCP').lower()}", []).append(place)
    image = node.get("image", "kindest/node:default")
    return {
        "Name": f"/{cluster}-{role}{number if number > 1 else ''}",
        "Image": f"id of {image}",
        "State": {"Status": "running"},
        "Config": {"Image": image, "Labels": {CLUSTER: cluster, ROLE: role}},
        "Mounts": own + mounts,
        "HostConfig": {"PortBindings": ports, "Tmpfs": {"/run": "", "/tmp": ""}},
    }


def merge(file: Path, kubeconfig: str) -> None:
    """Add a kubeconfig to a file, as kind does: its context becomes the current one."""
    added = yaml.safe_load(kubeconfig)
    name = added["current-context"]
    there = _without(yaml.safe_load(file.read_text() if file.exists() else EMPTY), name)
    lists = {kind: [*(there.get(kind) or ()), *added[kind]] for kind in LISTS}
    file.write_text(yaml.safe_dump({**there, **lists, "current-context": name}))


def without(file: Path, cluster: str) -> None:
    """Remove a cluster from a kubeconfig, as kind does."""
    content = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(_without(content, f"kind-{cluster}")))


def _without(content: Object, name: str) -> Object:
    lists = {kind: [entry for entry in content.get(kind) or () if entry["name"] != name] for kind in LISTS}
    rest = {key: value for key, value in content.items() if key not in (*LISTS, "current-context")}
    current = content.get("current-context")
    kept = {"current-context": current} if current and current != name else {}
    return {**rest, **{kind: entries for kind, entries in lists.items() if entries}, **kept}


class KindHost(Runner):
    """Answers docker and kind as they do; an API server answers while the first control plane runs.

    during_create: called with this host after kind created the node containers only; it may raise. registry: images
    that can be pulled, None for all. ran: clusters in which pods ran. journal: what each node's journal has.
    during_delete: called after kind removed the kubeconfig's entries and the last node; it may raise.
    """

    def __init__(self) -> None:
        self.nodes: list[Object] = []
        self.images: dict[str, str] = {}
        self.configs: dict[str, Object] = {}
        self.clusters: dict[str, FakeCluster] = {}
        self.ready: set[str] = set()
        self.created = 0
        self.registry: set[str] | None = None
        self.ran: set[str] = set()
        self.journal = ""
        self.entrypoint = '["/usr/local/bin/entrypoint","/sbin/init"]'
        self.root = "/"
        # Whether no container has the files of its certificate authority.
        self.lost_ca = False
        self.published: dict[str, str] = {}
        self.calls: list[list[str]] = []
        # Node -> what a look at it shows, unless that does not matter.
        self.looks: dict[str, Completed] = {}
        self.during_create: Callable[[KindHost], None] = lambda _host: None
        self.during_delete: Callable[[KindHost], None] = lambda _host: None
        self.broken: Exception | None = None
        self.kind_version = "kind v0.32.0 go1.26.8 linux/amd64"

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        check: bool = True,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        del timeout, env
        self.calls.append(list(argv))
        program, *words = argv
        if program == "pgrep":
            return Completed(1)
        if look := looked(argv):
            return self.looks.get(argv[3], look)
        done = self._docker(words) if program == "docker" else self._kind(words, stdin or "")
        if check and done.code != 0:
            raise CommandFailed(f"{program} failed: {done.err}", tried=" ".join(argv))
        return done

    def connect(self, kubeconfig: str, context: str) -> FakeCluster:
        """The API that a kubeconfig connects to; called like Cluster."""
        name = context.removeprefix("kind-")
        api = self.clusters.get(name)
        current = KUBECONFIG.format(name=name, number=self.created)
        known = Kubeconfig(kubeconfig).has_credentials_of(name, current)
        if api is None or not known or not self.runs(name):
            return Silent()
        return api

    def runs(self, name: str) -> bool:
        """Whether the first control plane of a cluster runs."""
        return any(n["Name"] == f"/{name}-control-plane" and n["State"]["Status"] == "running" for n in self.nodes)

    def writes(self) -> list[list[str]]:
        """The calls that change something."""
        reading = [
            ["docker", verb] for verb in ("ps", "inspect", "image", "exec", "info", "manifest", "logs", "cp", "run")
        ]
        reading += [["kind", "version"], ["kind", "get"]]
        tried = ["kind", "create", "cluster", "--name", "_"]
        return [c for c in self.calls if c[:2] not in reading and c[0] != "pgrep" and c[: len(tried)] != tried]

    def _docker(self, words: list[str]) -> Completed:
        verb = words[0]
        if self.broken is not None:
            raise self.broken
        if verb in ("start", "unpause"):
            for node in self.nodes:
                if node["Name"].lstrip("/") in words:
                    node["State"]["Status"] = "running"
            return Completed(0)
        if verb == "exec":
            return self._exec(words[2], words[3:])
        return self._shown(verb, words)

    def _shown(self, verb: str, words: list[str]) -> Completed:
        """The answers to commands that change nothing."""
        if words[:3] == ["ps", "--all", "--format"]:
            shown = {n["Name"].lstrip("/"): "" for n in self.nodes} | self.published
            return Completed(0, "".join(f"{name}\t{ports}\n" for name, ports in shown.items()))
        if verb == "cp" and words[1].endswith("/ca.crt"):
            name = words[1].partition(":")[0].removesuffix("-control-plane")
            known = name in self.ready and not self.lost_ca
            return (
                Completed(0, f"ca.crt\0{authority(name, self.created)}\0")
                if known
                else Completed(1, err="no such file")
            )
        ran = verb == "cp" and self._ran(words[1].partition(":")[0])
        listed = [n["Name"] for n in self.nodes if verb == "ps" and self._labelled(n, words[-1].partition("=")[2])]
        answers = {
            "ps": Completed(0, "\n".join(listed)),
            "inspect": Completed(0, json.dumps([n for n in self.nodes if n["Name"] in words])),
            "info": Completed(0, "[]" if "Mirrors" in words[-1] else f"{platform.node()}\t{self.root}"),
            "manifest": Completed(0, "{}") if self._is_pullable(words[-1]) else Completed(1, err="no such manifest"),
            "logs": Completed(0),
            "run": Completed(0, "v1.34.4"),
            "cp": Completed(0, "etc".ljust(512, "\0") + ("10-kindnet.conflist" if ran else "").ljust(1024, "\0")),
            "image": self._image(words),
        }
        return answers[verb]

    def _image(self, words: list[str]) -> Completed:
        found = self.images.get(words[-1])
        if found is None:
            return Completed(1, err="no such image")
        return Completed(0, self.entrypoint if "Entrypoint" in words[-2] else found)

    def _is_pullable(self, image: str) -> bool:
        return self.registry is None or image in self.registry

    def _exec(self, node: str, argv: list[str]) -> Completed:
        if argv == list(LIST_NETWORKS):
            return Completed(0, "10-kindnet.conflist\n" if self._ran(node) else "")
        if argv == list(JOURNAL):
            return Completed(0, self.journal)
        raise AssertionError(f"nodes do not know {argv}")

    def _ran(self, node: str) -> bool:
        clusters = {n["Config"]["Labels"][CLUSTER] for n in self.nodes if n["Name"] == f"/{node}"}
        return bool(clusters & self.ran)

    def _labelled(self, node: Object, wanted: str) -> bool:
        return wanted in (CLUSTER, f"{CLUSTER}={node['Config']['Labels'][CLUSTER]}")

    def _kind(self, words: list[str], stdin: str) -> Completed:
        options = dict(itertools.pairwise(words))
        if words[0] == "version":
            return Completed(0, self.kind_version)
        name = options["--name"]
        if name == "_":
            return Completed(1, err=f"ERROR: failed to create cluster: {self._said_of(json.loads(stdin))}")
        current = KUBECONFIG.format(name=name, number=self.created)
        if words[:2] == ["get", "kubeconfig"]:
            usable = name in self.ready and self.runs(name)
            return Completed(0, current) if usable else Completed(1, err="could not locate any control plane nodes")
        kubeconfig = Path(options["--kubeconfig"])
        if words[0] == "create":
            return self._create(name, json.loads(stdin), kubeconfig, retain="--retain" in words)
        if words[0] == "delete":
            if self.broken is not None:
                return Completed(1, err="ERROR: failed to delete cluster: the engine does not answer")
            self._delete(name, kubeconfig)
            return Completed(0)
        if words[0] == "export":
            kubeconfig.parent.mkdir(parents=True, exist_ok=True)
            merge(kubeconfig, current)
            return Completed(0)
        raise AssertionError(f"kind does not know {words}")

    def _said_of(self, config: Object) -> str:
        """What kind says of a configuration of no cluster: the name is looked at last."""
        if "bogus" in config:
            return "unable to decode config: yaml: unmarshal errors:\n  line 2: field bogus not found in type v1alpha4"
        return "'_' is not a valid cluster name, cluster names must match `^[a-z0-9.-]+$`"

    def _create(self, name: str, config: Object, kubeconfig: Path, *, retain: bool) -> Completed:
        if any(n["Config"]["Labels"][CLUSTER] == name for n in self.nodes):
            return Completed(1, err=f'node(s) already exist for a cluster with the name "{name}"')
        assert config["name"] == name
        self.nodes += containers(config)
        self.configs[name] = config
        self.created += 1
        try:
            self.during_create(self)
        except CommandFailed as error:
            if not retain and self.broken is None:
                self._delete(name, kubeconfig)
            return Completed(1, err=error.message)
        self.clusters[name] = api_of(config)
        self.ready.add(name)
        self.ran.add(name)
        merge(kubeconfig, KUBECONFIG.format(name=name, number=self.created))
        return Completed(0)

    def _delete(self, name: str, kubeconfig: Path) -> None:
        if kubeconfig.exists():
            without(kubeconfig, name)
        own = [n for n in self.nodes if n["Config"]["Labels"][CLUSTER] == name]
        self.nodes = [n for n in self.nodes if n not in own[-1:]]
        self.during_delete(self)
        self.nodes = [n for n in self.nodes if n["Config"]["Labels"][CLUSTER] != name]
        self.clusters.pop(name, None)
        self.ready.discard(name)
        self.ran.discard(name)


class OpenKindHost(KindHost):
    """A host whose nodes accept exec: commands run on this machine, and no process is found in them."""

    def argv(self, argv: Sequence[str]) -> list[str]:
        return list(argv[4:] if list(argv[:3]) == EXEC else argv)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        check: bool = True,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        if list(argv[:3]) != EXEC or looked(argv):
            return super().run(argv, stdin=stdin, check=check, timeout=timeout, env=env)
        self.calls.append(list(argv))
        if list(argv[4:]) == ["sh", "-c", PROBE]:
            return Completed(0, printed((stdin or "").split("\0")[:-1]))
        if list(argv[4:]) in (list(JOURNAL), list(LIST_NETWORKS)):
            return self._exec(argv[3], list(argv[4:]))
        return Runner().run(argv[4:], stdin=stdin, check=check)


class Silent(FakeCluster):
    """An API server that does not answer."""

    def version(self) -> str:
        raise Unreachable("The API server does not answer", tried="GET /version")

    def list(self, kind: str, namespace: str = "", labels: str = "") -> list[Object]:
        del namespace, labels
        raise Unreachable("The API server does not answer", tried=f"GET {kind}")

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        del name, namespace
        raise Unreachable("The API server does not answer", tried=f"GET {kind}")


def api_of(config: Mapping[str, Any]) -> FakeCluster:
    """The API of a new cluster, everything ready."""
    nodes = [c["Name"].lstrip("/") for c in containers(config) if "load-balancer" not in c["Name"]]
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    return FakeCluster(
        *({"kind": "Node", "metadata": {"name": name}, "status": ready} for name in nodes),
        {"kind": "ServiceAccount", "metadata": {"namespace": "default", "name": "default"}},
        {
            "kind": "StorageClass",
            "metadata": {"name": "standard", "annotations": default},
            "provisioner": "rancher.io/local-path",
        },
    )
