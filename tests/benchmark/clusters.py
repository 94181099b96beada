"""Creation and second run of a cluster against bare kind."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from measure import SCRATCH, Figure, empty_play, note, play, role, run, shell

NAME = "bench"
ROUNDS = 3
KUBECONFIG = SCRATCH / "kubeconfig"
VOLUMES = SCRATCH / "volumes"
NODE_DIRECTORY = "/var/local-path-provisioner"
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
    """Have engine, kind and node image as the roles give them; the image's name and kind's place."""
    shutil.rmtree(VOLUMES, ignore_errors=True)
    VOLUMES.mkdir(parents=True)
    answer = SCRATCH / "image"
    told = {
        "ansible.builtin.copy": {
            "content": "{{ kindlab_node_image }}\n{{ kindlab_kind }}",
            "dest": str(answer),
            "mode": "0644",
        }
    }
    play(role("engine"), role("node_image"), told)
    image, kind = answer.read_text().split("\n")
    os.environ["PATH"] = f"{os.path.dirname(kind)}:{os.environ['PATH']}"
    return image


def present(image: str, workers: int = 2) -> dict[str, object]:
    """A task that has the cluster."""
    mounts = [{"host_path": str(VOLUMES), "node_path": NODE_DIRECTORY}]
    options = {"name": NAME, "image": image, "workers": workers, "mounts": mounts, "kubeconfig": str(KUBECONFIG)}
    return {"kindlab.volumes.kind_cluster": options}


def delete() -> None:
    run(["kind", "delete", "cluster", "--name", NAME, "--kubeconfig", KUBECONFIG])


def create_bare(image: str) -> float:
    """Seconds of kind alone until all nodes are ready; its own --wait looks at the control plane only."""
    command = ["kind", "create", "cluster", "--name", NAME, "--image", image, "--kubeconfig", KUBECONFIG]
    created = run([*command, "--wait", "5m", "--config", "-"], stdin=CONFIG).seconds
    return created + shell(f"{KUBECTL} wait --for=condition=Ready nodes --all --timeout=5m").seconds


def figures() -> Iterator[Figure]:
    """Rounds in turns; the shortest of each counts. Creation is measured above an empty play, as the second run is."""
    image = prepare()
    delete()
    nothing = empty_play()
    bare, ours = [], []
    for number in range(1, ROUNDS + 1):
        note(f"creation, round {number}")
        bare.append(create_bare(image))
        delete()
        ours.append(play(present(image)).seconds)
        if number < ROUNDS:
            delete()
    plain, whole = min(bare), min(ours)
    yield Figure(
        f"kind_cluster present, above an empty play ({whole / plain:.2f} with it)"
        f" / kind create --wait + all nodes ready ({plain:.1f} s)",
        (whole - nothing) / plain,
        1.05,
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
