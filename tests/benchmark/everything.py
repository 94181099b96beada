"""Recreation of a cluster with volumes, objects and loaded images against a script; many objects saved and restored."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

from clusters import KUBECTL, NAME, VOLUMES, create_bare, delete, prepare, present, timed, without_module
from measure import SCRATCH, Figure, Rounds, compare, note, play, shell
from provisioners import workload_image
from recreation import BACKUP, FEW, MANIFESTS, deployment
from volumes import manifests

OBJECTS, MANY = 300, 2000
IMAGES, MEGABYTES = 5, 200
KINDS = ("ConfigMap", "Secret", "ServiceAccount", "Service")
FILLED, AGAIN = "filled", "again"


def make_images() -> list[str]:
    """Images that no registry has: random bytes in one layer each."""
    names = [f"bench/loaded:{number}" for number in range(IMAGES)]
    for name in names:
        with (SCRATCH / "layer").open("wb") as file:
            for _ in range(MEGABYTES // IMAGES):
                file.write(os.urandom(1 << 20))
        shell(f"tar --create --directory {SCRATCH} layer | docker import - {name} >/dev/null")
    return names


def objects(count: int, namespace: str) -> list[dict[str, Any]]:
    """A namespace with so many objects of several kinds."""
    items: list[dict[str, Any]] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}]
    own: dict[str, dict[str, Any]] = {
        "ConfigMap": {"data": {"config": "a: 1\nb: 2\n" * 20}},
        "Secret": {"stringData": {"password": "secret"}},
        "ServiceAccount": {},
        "Service": {"spec": {"clusterIP": "None", "selector": {"app": "none"}, "ports": [{"port": 80}]}},
    }
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        metadata = {"name": f"object-{number:04}", "namespace": namespace, "labels": {"app": "none"}}
        items.append({"apiVersion": "v1", "kind": kind, "metadata": metadata, **own[kind]})
    return items


def written(items: list[dict[str, Any]]) -> str:
    """The end of a command line of kubectl that reads these objects."""
    MANIFESTS.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return f"--filename - < {MANIFESTS} >/dev/null 2>&1"


def put_in(images: list[str], pods: str) -> float:
    """Seconds of kind and kubectl until a cluster has the images, all objects, and bound claims."""
    items = [*objects(OBJECTS, FILLED), *manifests(FEW), deployment(pods)]
    wait = f"{KUBECTL} wait --for=jsonpath={{.status.phase}}=Bound pvc --all --timeout=300s >/dev/null"
    load = f"kind load docker-image {' '.join(images)} --name {NAME} 2>/dev/null"
    return shell(f"{load}; {KUBECTL} apply {written(items)}; {wait}").seconds


def filled(image: str, images: list[str]) -> str:
    """Create a cluster by kind_cluster with all of that; the image of its pods."""
    delete()
    play(present(image))
    pods = workload_image()
    for number in range(FEW):
        (VOLUMES / f"volume-{number:04}").mkdir(exist_ok=True)
    put_in(images, pods)
    shell(f"{KUBECTL} rollout status deployment/user --timeout=300s >/dev/null")
    return pods


def figures() -> Iterator[Figure]:
    """Everything recreated, then only objects; the script has no checks, and brings back what it was given."""
    image, images = prepare(), make_images()
    shutil.rmtree(BACKUP, ignore_errors=True)
    pods, nothing = filled(image, images), without_module()
    away: list[float] = []

    def theirs() -> float:
        deleted = shell(f"kind delete cluster --name {NAME} 2>/dev/null").seconds
        return deleted + create_bare(image) + put_in(images, pods)

    def ours() -> float:
        filled(image, images)
        seconds, result = timed("kind_cluster_recreate", path=str(BACKUP))
        away.append(result["seconds"]["away"])
        note(json.dumps(result["seconds"]))
        return seconds - nothing

    rounds = compare("recreation of everything", ours, theirs, most=3)
    words = f"{FEW} volumes, {OBJECTS} objects and {MEGABYTES} MB of loaded images"
    script = f"a script of kind and kubectl ({min(rounds.theirs):.1f} s)"
    yield Figure(f"recreation with {words} ({min(rounds.ours):.1f} s) / {script}", rounds.ratio(), 1.15, rounds=rounds)
    without = Rounds(away, rounds.theirs)
    yield Figure(f"applications were away ({min(away):.1f} s) / {script}", without.ratio(), 0.7, rounds=without)
    shell(f"docker image rm {' '.join(images)} >/dev/null")
    yield from of_objects(nothing)
    delete()
    shutil.rmtree(VOLUMES)
    shutil.rmtree(BACKUP)


def of_objects(nothing: float) -> Iterator[Figure]:
    """Many objects of a namespace, saved and restored into another one."""
    note(f"kubectl create: {MANY} objects")
    shell(f"{KUBECTL} create {written(objects(MANY, 'many'))}")
    path = str(SCRATCH / "objects")

    def save() -> tuple[float, float]:
        shutil.rmtree(path, ignore_errors=True)
        seconds, saved = timed("object_backup", path=path, namespaces=["many"])
        return seconds, sum(saved["seconds"].values())

    saving, inside = min(save() for _ in range(2))
    name = f"saving of {MANY} objects, above a play without it ({inside:.1f} s in the module)"
    yield Figure(name, saving - nothing, 1.5, "s")
    restoring, _result = timed("object_restore", path=path, namespace_map={"many": AGAIN})
    yield Figure(f"restore of {MANY} objects, above a play without it", restoring - nothing, 10, "s")
    shutil.rmtree(path)
