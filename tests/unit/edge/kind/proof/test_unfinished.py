"""Whether a cluster whose creation did not finish is proven to be unused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.proof.unfinished import look
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster, ScriptedRunner

EMPTY = "net.d/".ljust(512, "\0") + "\0" * 1024
FULL = "net.d/".ljust(512, "\0") + "net.d/10-kindnet.conflist".ljust(1024, "\0")
GONE = Completed(1, err="Error: No such container:path: n:/etc/cni/net.d: no such file or directory")


def silent() -> AbstractContextManager[FakeCluster]:
    raise Unreachable("The API server does not answer")


def made(kind: str, name: str, namespace: str = "") -> Object:
    return {"kind": kind, "metadata": {"name": name, **({"namespace": namespace} if namespace else {})}}


# What a new cluster has.
OWN = (
    *(made("Namespace", name) for name in ("default", "kube-system", "local-path-storage")),
    made("Service", "kubernetes", "default"),
    made("ConfigMap", "kube-root-ca.crt", "default"),
    *(made(kind, "coredns", "kube-system") for kind in ("Pod", "Deployment", "ReplicaSet", "ConfigMap", "Secret")),
    made("Service", "kube-dns", "kube-system"),
    made("DaemonSet", "kindnet", "kube-system"),
    made("Deployment", "local-path-provisioner", "local-path-storage"),
)


@pytest.mark.parametrize(
    ("state", "answer", "found"),
    [
        ("running", "", (True, "")),
        ("running", "10-kindnet.conflist\n", (False, "its API server cannot be asked: The API server does not answer")),
        (
            "running",
            Completed(126, err="OCI runtime exec failed"),
            (False, "its API server cannot be asked"),
        ),
        (
            "running",
            TimedOut("docker did not finish"),
            (False, "its API server cannot be asked"),
        ),
        ("exited", EMPTY, (True, "")),
        ("exited", GONE, (True, "")),
        ("exited", FULL, (False, "n is not running")),
        ("exited", Completed(1, err="permission denied"), (False, "n is not running")),
        ("exited", TimedOut("docker did not finish"), (False, "n is not running")),
    ],
)
def test_without_an_api_server_its_nodes_prove_it(state: str, answer: object, found: tuple[bool, str]) -> None:
    verb = "exec" if state == "running" else "cp"
    runner = ScriptedRunner(script=[(["docker", verb], answer)])
    unused, doubt = look(Engine("docker", runner), [Node("n", "lab", "control-plane", state)], silent)
    assert unused is found[0] and doubt.startswith(found[1]) and bool(doubt) == bool(found[1])


def test_an_api_server_proves_it() -> None:
    assert asked(*OWN) == (True, "")


@pytest.mark.parametrize(
    "used",
    [
        made("Namespace", "shop"),
        made("PersistentVolume", "v"),
        made("CustomResourceDefinition", "databases.example.com"),
        made("PersistentVolumeClaim", "c", "default"),
        *(made(kind, "web", "default") for kind in ("Pod", "Service", "ConfigMap", "Secret", "Deployment")),
        *(made(kind, "web", "default") for kind in ("StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet")),
    ],
    ids=lambda item: item["kind"],
)
def test_whatever_people_made_is_a_use(used: Object) -> None:
    assert asked(*OWN, used) == (False, "")


def asked(*objects: Object) -> tuple[bool, str]:
    """The answer about a cluster whose network is up and whose API server has these objects."""
    runner = ScriptedRunner(script=[(["docker", "exec"], "10-kindnet.conflist\n")])

    @contextmanager
    def connect() -> Iterator[FakeCluster]:
        yield FakeCluster(*objects)

    return look(Engine("docker", runner), [Node("n", "lab", "control-plane")], connect)
