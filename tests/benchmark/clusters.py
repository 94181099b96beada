"""Creation and second run of a cluster against bare kind."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

from measure import SCRATCH, Figure, compare, empty_play, note, play, role, run, shell

NAME = "bench"
KUBECONFIG = SCRATCH / "kubeconfig"
VOLUMES = SCRATCH / "volumes"
NODE_DIRECTORY = "/var/local-path-provisioner"
ANSWER = SCRATCH / "answer.json"
KUBECTL = f"docker exec -i {NAME}-control-plane kubectl --kubeconfig /etc/kubernetes/admin.conf"
CONFIG = """
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
""" + "".join(
    f"""
- role: {node}
  extraMounts: [{{hostPath: {VOLUMES}, containerPath: {NODE_DIRECTORY}}}]
"""
    for node in ("control-plane", "worker", "worker")
)


def prepare() -> str:
    """Set up engine, kind and node image by the roles, put kind on PATH, and return the image's name."""
    shutil.rmtree(VOLUMES, ignore_errors=True)
    VOLUMES.mkdir(parents=True)
    answer = SCRATCH / "image"
    record = {
        "ansible.builtin.copy": {
            "content": "{{ kindlab_node_image }}\n{{ kindlab_kind }}",
            "dest": str(answer),
            "mode": "0644",
        }
    }
    play(role("engine"), role("node_image"), record)
    image, kind = answer.read_text().split("\n")
    os.environ["PATH"] = f"{os.path.dirname(kind)}:{os.environ['PATH']}"
    return image


def present(image: str, workers: int = 2) -> dict[str, object]:
    """A task that creates the cluster."""
    mounts = [{"host_path": str(VOLUMES), "node_path": NODE_DIRECTORY}]
    options = {"name": NAME, "image": image, "workers": workers, "mounts": mounts, "kubeconfig": str(KUBECONFIG)}
    return {"kindlab.volumes.kind_cluster": options}


def delete() -> None:
    command = f"kind delete cluster --name {NAME} --kubeconfig {KUBECONFIG}"
    # Docker now and then misses the end of a container.
    shell(f"{command} || {command}")


def create_bare(image: str) -> float:
    """Seconds of kind alone until all nodes are ready; its own --wait looks at the control plane only."""
    command = ["kind", "create", "cluster", "--name", NAME, "--image", image, "--kubeconfig", KUBECONFIG]
    created = run([*command, "--wait", "5m", "--config", "-"], stdin=CONFIG).seconds
    return created + shell(f"{KUBECTL} wait --for=condition=Ready nodes --all --timeout=5m").seconds


def then_deleted(seconds: float) -> float:
    """Delete the cluster, and return the seconds that its creation took."""
    delete()
    return seconds


def timed(module: str, **options: object) -> tuple[float, dict[str, Any]]:
    """Seconds of a play with one module, and the module's result."""
    common = {"cluster": NAME, "kubeconfig": str(KUBECONFIG)}
    seconds = play(
        {f"kindlab.volumes.{module}": {**common, **options}, "register": "result"}, answer("{{ result | to_json }}")
    ).seconds
    return seconds, dict(json.loads(ANSWER.read_text()))


def answer(content: str) -> dict[str, object]:
    """A task that writes this for timed()."""
    return {"ansible.builtin.copy": {"content": content, "dest": str(ANSWER), "mode": "0644"}}


def without_module() -> float:
    """Seconds of such a play without the module, the shorter of two."""
    return min(play(answer("{}")).seconds for _ in range(2))


def figures() -> Iterator[Figure]:
    """Creation and second run, both measured above an empty play."""
    image = prepare()
    delete()
    nothing = empty_play()
    rounds = compare(
        "creation",
        lambda: then_deleted(play(present(image)).seconds - nothing),
        lambda: then_deleted(create_bare(image)),
        most=4,
    )
    plain = min(rounds.theirs)
    yield Figure(
        f"kind_cluster present, above an empty play ({(min(rounds.ours) + nothing) / plain:.2f} with it)"
        f" / kind create --wait + all nodes ready ({plain:.1f} s)",
        rounds.ratio(),
        1.05,
        rounds=rounds,
    )

    mounts = [{"host_path": str(VOLUMES), "node_path": NODE_DIRECTORY}]
    names = {"kindlab_cluster": NAME, "kindlab_kubeconfig": str(KUBECONFIG), "cluster_kubeconfig": str(KUBECONFIG)}
    roles = [
        role("cluster", **names, kindlab_node_image=image, cluster_workers=2, cluster_mounts=mounts),
        role("storage", **names),
    ]
    play(*roles)
    note("second run of the roles cluster and storage")
    yield Figure("second run of cluster + storage, above an empty play", play(*roles).seconds - nothing, 8, "s")
    delete()
