"""Recreation of a cluster with its volumes against kind and kubectl without any checks; and the check for users."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

from clusters import KUBECTL, NAME, VOLUMES, create_bare, delete, prepare, present, timed, without_module
from measure import SCRATCH, Figure, compare, note, play, run, shell
from provisioners import workload_image
from volumes import manifests

FEW, MANY = 20, 1000
MEGABYTES = 1024
MANIFESTS = SCRATCH / "manifests.json"
BACKUP = SCRATCH / "backup"


def deployment(image: str) -> dict[str, Any]:
    """A Deployment that uses the first twenty claims."""
    names = [f"claim-{number:04}" for number in range(FEW)]
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", "trap exit TERM; sleep 86400 & wait"],
        "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in names],
    }
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names]
    labels = {"app": "user"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "volumes": volumes}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "user", "namespace": "default"},
        "spec": spec,
    }


def apply(count: int) -> float:
    """Seconds of kubectl until all claims are bound."""
    phases = f"{KUBECTL} get pvc --no-headers -o custom-columns=:status.phase"
    wait = f'until [ "$({phases} | grep -c Bound)" = {count} ]; do sleep 0.2; done'
    return shell(f"{KUBECTL} create -f - < {MANIFESTS} >/dev/null; {wait}").seconds


def filled(count: int, image: str, pods: str, rate: int | None = None) -> None:
    """Create a cluster by kind_cluster with this number of volumes, and their data on the host."""
    delete()
    (module, options), *_ = present(image).items()
    play({module: {**dict(options), **({"controller_manager_qps": rate} if rate else {})}})  # type: ignore[call-overload]
    for number in range(count):
        directory = VOLUMES / f"volume-{number:04}"
        directory.mkdir(exist_ok=True)
        if number < FEW and not any(directory.iterdir()):
            with (directory / "data").open("wb") as file:
                for _ in range(MEGABYTES // FEW):
                    file.write(os.urandom(1 << 20))
    MANIFESTS.write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [*manifests(count), deployment(pods)]})
    )
    apply(count)
    shell(f"{KUBECTL} rollout status deployment/user --timeout=300s >/dev/null")


def waiting_pod() -> Figure:
    """Claims are deleted with their volumes, a pod waits for them, and they are restored."""
    names = [f"{number:04}" for number in range(FEW)]
    gone = {
        "deployment": ["user"],
        "pvc": [f"claim-{name}" for name in names],
        "pv": [f"volume-{name}" for name in names],
    }
    for kind, deleted in gone.items():
        shell(f"{KUBECTL} delete {kind} {' '.join(deleted)} >/dev/null")
    user = json.dumps(deployment(workload_image()))
    wait = f"{KUBECTL} wait pod --selector app=user --timeout=120s >/dev/null"
    run(["bash", "-c", f"{KUBECTL} create --filename - >/dev/null && {wait} --for=condition=PodScheduled=false"], user)
    timed("volume_restore", path=str(BACKUP), names=[f"default/{claim}" for claim in gone["pvc"]], verify="none")
    seconds = shell(f"{wait} --for=condition=Ready").seconds
    return Figure(f"a pod that waited for {FEW} restored claims is ready after the restore", seconds, 5, "s")


def figures() -> Iterator[Figure]:
    """20 volumes and 1 GB by kind and kubectl, and by kind_cluster_recreate; then 1,000 volumes."""
    image = prepare()
    delete()
    shutil.rmtree(BACKUP, ignore_errors=True)
    create_bare(image)
    pods = workload_image()
    nothing = without_module()
    checksums: list[float] = []

    def theirs() -> float:
        filled(FEW, image, pods)
        return shell(f"kind delete cluster --name {NAME} 2>/dev/null").seconds + create_bare(image) + apply(FEW)

    def ours() -> float:
        filled(FEW, image, pods)
        seconds, result = timed("kind_cluster_recreate", path=str(BACKUP))
        checksums.append(result["seconds"]["checksums"])
        return seconds - nothing

    rounds = compare("recreation", ours, theirs, most=4)
    few = min(rounds.ours)
    hashing = checksums[rounds.ours.index(few)]
    yield Figure(
        f"recreation with {FEW} volumes and 1 GB ({few:.1f} s, {hashing:.1f} s of it for checksums)"
        f" / kind delete + create + kubectl apply ({min(rounds.theirs):.1f} s)",
        rounds.ratio(),
        1.15,
        rounds=rounds,
    )
    filled(MANY, image, pods, rate=300)
    note(f"{MANY} volumes: the check for users, and the recreation, twice")
    timed("volume_detach")
    _seconds, result = timed("volume_detach")
    proof = result["seconds"]["verify"]
    yield Figure(f"check that {MANY} volumes are unused", proof, 2, "s")
    timed("volume_detach", state="attached", wait=True)
    # The new cluster has the same volumes.
    many = min(timed("kind_cluster_recreate", path=str(BACKUP))[0] for _ in range(2)) - nothing
    yield Figure(f"recreation with {MANY} volumes, above the one with {FEW}", many - few, 30, "s")
    yield waiting_pod()
    delete()
    shutil.rmtree(VOLUMES)
    shutil.rmtree(BACKUP)
