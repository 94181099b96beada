"""Clusters of their own for a section, and single runs of modules against them with their result."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import scene
from harness import BUILD, SCRATCH, Row, row, run, until

Object = dict[str, Any]
MODULES = "ansible_collections.kindlab.volumes.plugins.modules"


@dataclass(frozen=True)
class Told:
    """What a module returned. output: everything that it printed; seconds: of the whole run."""

    result: Object
    output: str
    seconds: float

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed", True))

    @property
    def text(self) -> str:
        """The message, or the names of what was returned."""
        return " ".join(str(self.result.get("msg", "")).split()) or ("failed" if self.failed else "done")

    @property
    def is_ours(self) -> bool:
        """Whether it succeeded, or failed with an error of the collection."""
        return "Traceback" not in self.output and (not self.failed or bool(self.result.get("reason")))

    def names(self, *words: str) -> bool:
        """Whether all words are in what was printed."""
        return all(word in self.output for word in words)


@dataclass(frozen=True)
class Lab:
    """One cluster with its files below SCRATCH/name."""

    name: str

    @property
    def top(self) -> Path:
        return SCRATCH / self.name

    @property
    def kubeconfig(self) -> Path:
        return self.top / "kubeconfig"

    @property
    def backup(self) -> Path:
        return self.top / "backup"

    def node(self, suffix: str = "control-plane") -> str:
        return f"{self.name}-{suffix}"

    def create(self, **options: object) -> None:
        """Create the cluster. Raises SystemExit if that fails."""
        self.top.mkdir(parents=True, exist_ok=True)
        given = {"name": self.name, "kubeconfig": str(self.kubeconfig), "image": node_image(), **options}
        made = ask_module("kind_cluster", given)
        if made.failed:
            raise SystemExit(f"{self.name} was not created: {made.text}")

    def ask(
        self, module: str, *, check: bool = False, environment: dict[str, str] | None = None, **options: object
    ) -> Told:
        """Run a module against this cluster."""
        name = "name" if module in ("kind_cluster", "kind_cluster_info") else "cluster"
        given = {name: self.name, "kubeconfig": str(self.kubeconfig), **options}
        return ask_module(module, given, check=check, environment=environment)

    def kubectl(self, *words: str, stdin: str = "", check: bool = True) -> str:
        """The output of kubectl in the first node."""
        argv = ["docker", "exec", "-i", self.node(), "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", *words]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise SystemExit(f"kubectl {' '.join(words)}: {done.stderr}")
        return done.stdout

    def apply(self, *items: Object) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(items)}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(listed))

    def objects(self, kind: str) -> dict[str, Object]:
        """Name -> object, in all namespaces."""
        items = json.loads(self.kubectl("get", kind, "-A", "-o", "json"))["items"]
        return {item["metadata"]["name"]: item for item in items}

    def phases(self) -> dict[str, str]:
        """The phases of volumes (pv/NAME) and claims (pvc/NAME)."""
        found = {f"pv/{name}": item for name, item in self.objects("pv").items()}
        found |= {f"pvc/{name}": item for name, item in self.objects("pvc").items()}
        return {name: item["status"]["phase"] for name, item in found.items()}

    def ready(self) -> None:
        """Wait until nodes are ready and pods can be created."""
        self.kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=180s")
        until("the service account", lambda: "default" in self.kubectl("get", "sa", "-o", "name", check=False), 60)

    def remove(self) -> None:
        """Delete the cluster and its files, in whatever state they are."""
        run(["kind", "delete", "cluster", "--name", self.name, "--kubeconfig", self.kubeconfig], check=False)
        shutil.rmtree(self.top, ignore_errors=True)


@contextmanager
def labs(*names: str) -> Iterator[list[Lab]]:
    """Labs that are removed before and after."""
    find_kind()
    made = [Lab(name) for name in names]
    for lab in made:
        lab.remove()
    try:
        yield made
    finally:
        for lab in made:
            lab.remove()


def ask_module(module: str, options: Object, *, check: bool = False, environment: dict[str, str] | None = None) -> Told:
    """Run one module, as Ansible does it on the managed machine."""
    begun = time.monotonic()
    built = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(BUILD / "collections")]))
    given = {**options, "_ansible_check_mode": check}
    done = subprocess.run(
        [sys.executable, "-m", f"{MODULES}.{module}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": given}),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": built, **(environment or {})},
        check=False,
    )
    output = done.stdout + done.stderr
    begin = done.stdout.find("{")
    result = json.JSONDecoder().raw_decode(done.stdout[begin:])[0] if begin >= 0 else {"failed": True, "msg": output}
    return Told({"failed": False, **result}, output, time.monotonic() - begun)


@cache
def node_image() -> str:
    """The node image that the role node_image provides."""
    return scene.facts_of("engine", "node_image", image="kindlab_node_image")["image"]


@cache
def workload_image() -> str:
    """An image in every node, with a shell."""
    return scene.facts_of("engine", "node_image", image="kindlab_workload_image")["image"]


@cache
def find_kind() -> None:
    """Have kind on PATH."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    kind = scene.facts_of("engine", kind="kindlab_kind")["kind"]
    os.environ["PATH"] = f"{Path(kind).parent}:{os.environ['PATH']}"


def told(point: str, ok: bool, *runs: Told) -> Row:
    """A row with what the runs said. It fails for a traceback, too."""
    ours = all(one.is_ours for one in runs)
    found = "; ".join(f"{'refused' if one.failed else 'done'} in {one.seconds:.1f} s" for one in runs)
    said = " | ".join(one.text[-300:] for one in runs)
    return row(point, found, ok and ours, "" if ok and ours else f"{'' if ours else 'not an error of ours: '}{said}")


def volume(name: str, source: Object, claim: str = "", *, node: str = "", **spec: object) -> list[Object]:
    """A PersistentVolume, and its claim in the namespace default."""
    affinity = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    terms: Object = {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [affinity]}]}}}
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": "manual", **spec}
    mode = {"volumeMode": spec["volumeMode"]} if "volumeMode" in spec else {}
    pv = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "persistentVolumeReclaimPolicy": "Delete",
            **({"claimRef": {"namespace": "default", "name": claim}} if claim else {}),
            **(terms if node else {}),
            **common,
            **source,
        },
    }
    if not claim:
        return [pv]
    return [
        pv,
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": claim, "namespace": "default"},
            "spec": {
                "accessModes": common["accessModes"],
                "storageClassName": common["storageClassName"],
                "volumeName": name,
                "resources": {"requests": {"storage": "1Gi"}},
                **mode,
            },
        },
    ]


def deployment(name: str, spec: Object, replicas: int = 1) -> Object:
    """A Deployment in the namespace default."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
