"""Which directories of nodes people's workloads write to without a PersistentVolume."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.host_paths import inside, users_of, written

Object = dict[str, Any]


def spec(path: str = "/data", *, kind: str | None = None, **mount: Any) -> Object:
    """Of a pod with a directory of its node."""
    source = {"path": path, **({} if kind is None else {"type": kind})}
    container = {"name": "app", "volumeMounts": [{"name": "d", "mountPath": "/d", **mount}]}
    return {"containers": [container], "volumes": [{"name": "d", "hostPath": source}]}


def deployment(pod: Object, kind: str = "Deployment", namespace: str = "shop", **metadata: Any) -> Object:
    named = {"name": "web", "namespace": namespace, **metadata}
    return {"kind": kind, "metadata": named, "spec": {"template": {"spec": pod}}}


def bare(pod: Object, phase: str = "Running", **metadata: Any) -> Object:
    named = {"name": "web", "namespace": "shop", **metadata}
    return {"kind": "Pod", "metadata": named, "spec": pod, "status": {"phase": phase}}


def owned(kind: str, version: str) -> Object:
    return {"ownerReferences": [{"kind": kind, "apiVersion": version, "name": "o", "uid": "u", "controller": True}]}


VOLUME = {"kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": {"hostPath": {"path": "/data/volumes/v"}}}


@pytest.mark.parametrize(
    ("item", "paths"),
    [
        (deployment(spec()), ["/data"]),
        (deployment(spec("data/"), "StatefulSet"), ["/data"]),
        (deployment(spec(kind="DirectoryOrCreate"), "DaemonSet"), ["/data"]),
        ({**deployment({}, "CronJob"), "spec": {"jobTemplate": {"spec": {"template": {"spec": spec()}}}}}, ["/data"]),
        (deployment({**spec(), "initContainers": spec()["containers"], "containers": []}), ["/data"]),
        (bare(spec()), ["/data"]),
        (bare(spec(), **owned("Database", "example.com/v1")), ["/data"]),
        # Somebody else is asked for it.
        (bare(spec(), **owned("ReplicaSet", "apps/v1")), []),
        (deployment(spec(), "ReplicaSet", **owned("Deployment", "apps/v1")), []),
        (bare(spec(), "Succeeded"), []),
        (bare(spec(), annotations={"kubernetes.io/config.mirror": "x"}), []),
        # Nothing is written.
        (deployment(spec(readOnly=True)), []),
        (deployment({**spec(), "containers": [{"name": "app"}]}), []),
        (deployment(spec("/run/containerd.sock", kind="Socket")), []),
        # It comes with the cluster, or belongs to the node.
        (deployment(spec(), namespace="kube-system"), []),
        (deployment(spec(), labels={LABEL: "hostpath"}), []),
        *((deployment(spec(path)), []) for path in ("/", "/var/lib", "/etc/x", "/var/lib/kubelet/plugins/x", "/dev")),
        (deployment(spec("/var/lib/longhorn")), ["/var/lib/longhorn"]),
        # The directories of volumes are another matter.
        (deployment(spec("/data/volumes/v/sub")), []),
        (deployment(spec("/data/volumes")), []),
    ],
)
def test_what_people_write_to(item: Object, paths: list[str]) -> None:
    others = [VOLUME] if "volumes" in str(item["spec"].get("template", "")).partition("'path': ")[2] else []
    assert list(users_of([item, *others])) == paths


NODES = (
    Node("k-control-plane", "k", "control-plane", mounts=(Mount("/tmp", "", "tmpfs"), Mount("/srv", "/srv/lab"))),
    Node("k-worker", "k", "worker", mounts=(Mount("/var", "/engine/volumes/x", "volume"),)),
    Node("k-external-load-balancer", "k", "external-load-balancer"),
)


def test_what_ends_with_a_node() -> None:
    assert inside(["/srv/a", "/tmp/a", "/var/a"], NODES) == [
        ("/srv/a", "k-worker"),
        ("/tmp/a", "k-worker"),
        ("/var/a", "k-control-plane"),
        ("/var/a", "k-worker"),
    ]


def test_what_is_told_of_it() -> None:
    users = users_of([deployment(spec()), bare(spec()), deployment(spec("/state"), "DaemonSet")])
    filled = [("/data", "k-worker"), ("/data", "k-worker2"), ("/state", "k-worker")]
    data, state = written(users, filled, ["/other"])
    refusal = data.refusal("podman")
    assert refusal.text() == (
        "/data: Deployment shop/web, Pod shop/web write to it, it is not mounted from the host on k-worker, k-worker2 "
        "and is deleted with the node"
    )
    assert refusal.next_step == "Copy what is needed: podman cp k-worker:/data . Then set accept_loss=['/data']."
    assert (data.is_state, state.is_state) == (False, True)
    assert state.warning().startswith("/state: DaemonSet shop/web writes to it, it is not mounted")
    assert written(users, filled, ["/data", "/state"]) == ()
