"""A cluster made anew with its volumes, against kind and kubectl without any care; and the proof of detachment."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

from clusters import KUBECONFIG, KUBECTL, NAME, VOLUMES, create_bare, delete, prepare, present
from measure import SCRATCH, Figure, empty_play, note, play, shell
from provisioners import workload_image
from volumes import manifests

FEW, MANY = 20, 1000
MEGABYTES = 1024
ROUNDS = 2
MANIFESTS = SCRATCH / "manifests.json"
ANSWER = SCRATCH / "answer.json"
BACKUP = SCRATCH / "backup"


def deployment(image: str) -> dict[str, Any]:
    """A Deployment that uses the first twenty."""
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


def asked(module: str, **options: object) -> tuple[float, dict[str, Any]]:
    """Seconds of a play with one module, and what that returned."""
    common = {"cluster": NAME, "kubeconfig": str(KUBECONFIG)}
    seconds = play(
        {f"kindlab.volumes.{module}": {**common, **options}, "register": "found"},
        {"ansible.builtin.copy": {"content": "{{ found | to_json }}", "dest": str(ANSWER), "mode": "0644"}},
    ).seconds
    return seconds, dict(json.loads(ANSWER.read_text()))


def filled(count: int, image: str, pods: str, rate: int | None = None) -> None:
    """A cluster that kind_cluster recorded, with so many volumes, and their data on the host."""
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


def figures() -> Iterator[Figure]:
    """In turns: 20 volumes and 1 GB by kind and kubectl, and by cluster_recreate; then 1,000 volumes."""
    image = prepare()
    delete()
    shutil.rmtree(BACKUP, ignore_errors=True)
    create_bare(image)
    pods = workload_image()
    nothing = empty_play()
    plain, ours, checksums = [], [], []
    for number in range(1, ROUNDS + 1):
        filled(FEW, image, pods)
        note(f"kind delete, kind create, kubectl apply: round {number}")
        plain.append(shell(f"kind delete cluster --name {NAME} 2>/dev/null").seconds + create_bare(image) + apply(FEW))
        filled(FEW, image, pods)
        note(f"cluster_recreate: round {number}")
        seconds, found = asked("cluster_recreate", path=str(BACKUP))
        ours.append(seconds - nothing)
        checksums.append(found["seconds"]["checksums"])
    best = ours.index(min(ours))
    yield Figure(
        f"recreation with {FEW} volumes and 1 GB ({ours[best]:.1f} s, of which checksums {checksums[best]:.1f} s)"
        f" / kind delete + create + kubectl apply ({min(plain):.1f} s)",
        ours[best] / min(plain),
        1.15,
    )
    filled(MANY, image, pods, rate=300)
    note(f"{MANY} volumes: the proof, and the recreation")
    asked("volume_detach")
    _seconds, found = asked("volume_detach")
    proof = found["seconds"]["prove"]
    yield Figure(f"proof of detachment of {MANY} volumes", proof, 2, "s")
    asked("volume_detach", state="attached", wait=True)
    many = asked("cluster_recreate", path=str(BACKUP))[0] - nothing
    yield Figure(f"recreation with {MANY} volumes, on top of that with {FEW}", many - ours[best], 30, "s")
    delete()
    shutil.rmtree(VOLUMES)
    shutil.rmtree(BACKUP)
