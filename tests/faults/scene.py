"""The cluster for fault injection: three nodes, a Deployment, a StatefulSet, a CronJob, and 20 various volumes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import (
    KUBECONFIG,
    NAME,
    SCRATCH,
    VOLUMES,
    content,
    differences,
    kubectl,
    objects,
    play,
    role,
    run,
    until,
)

# Claims of the Deployment; three more are the StatefulSet's, and one the CronJob's own.
PLAIN = [f"plain-{number:02}" for number in range(16)]
OWN = "nightly"
REPLICAS = {"Deployment/shop": 1, "StatefulSet/database": 3, "CronJob/nightly": False}
CLUSTER: dict[str, object] = {
    "engine_preflight": False,
    "kindlab_cluster": NAME,
    "kindlab_kubeconfig": str(KUBECONFIG),
    "cluster_workers": 2,
    "cluster_kubeconfig": str(KUBECONFIG),
    "cluster_mounts": [{"host_path": str(VOLUMES), "node_path": "/var/local-path-provisioner"}],
    "cluster_options": {"controller_manager_qps": 100},
    "storage_kubeconfig": str(KUBECONFIG),
}


@dataclass(frozen=True)
class Scene:
    """State that must not change by a fault. volumes: claim -> volume's name; files: as harness.content.

    objects: beside volumes, see made().
    """

    volumes: dict[str, str]
    files: dict[str, str]
    objects: dict[str, str]


def remove() -> None:
    """Delete the cluster and its data."""
    run(["kind", "delete", "cluster", "--name", NAME])
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)


def facts_of(*roles: str, **facts: str) -> dict[str, str]:
    """Run these roles; the facts that they set, by the given names."""
    answer = SCRATCH / "told.json"
    wanted = json.dumps({name: f"{{{{ {fact} }}}}" for name, fact in facts.items()})
    play(
        *(role(name) for name in roles),
        {"ansible.builtin.copy": {"content": wanted, "dest": str(answer), "mode": "0644"}},
        **CLUSTER,
    )
    return dict(json.loads(answer.read_text()))


def build(large: int = 500) -> Scene:
    """Create the cluster, workloads and data. large: size of the largest file in megabytes."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    kind = facts_of("engine", kind="kindlab_kind")["kind"]
    os.environ["PATH"] = f"{Path(kind).parent}:{os.environ['PATH']}"
    remove()
    image = facts_of("engine", "node_image", "cluster", "storage", image="kindlab_workload_image")["image"]
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests(image)}))
    for wanted in ("deployment/shop", "statefulset/database"):
        kubectl("rollout", "status", wanted, "--timeout=180s")
    until("all claims bound", lambda: len(bound()) == len(PLAIN) + 4)
    fill(large)
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": beside()}))
    kubectl("wait", "--for=condition=Established", "crd/things.faults.example")
    kubectl("apply", "-f", "-", stdin=json.dumps(named("faults.example/v1", "Thing", spec={"color": "red"})))
    return Scene(bound(), content(VOLUMES), made())


def manifests(image: str) -> list[dict[str, Any]]:
    """Claims and their workloads, which do not write."""
    claims = [claim(name) for name in (*PLAIN, OWN)]
    shop = pod(image, ["sleep", "86400"], PLAIN)
    nightly = pod(image, ["ls", "/nightly"], [OWN])
    nightly["restartPolicy"] = "Never"
    labels = {"app": "shop"}
    job = {"spec": {"template": {"spec": nightly}}}
    return [
        *claims,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "shop", "namespace": "default"},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": shop},
            },
        },
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "database", "namespace": "default"},
            "spec": {
                "replicas": 3,
                "serviceName": "database",
                "podManagementPolicy": "Parallel",
                "selector": {"matchLabels": {"app": "database"}},
                "template": {
                    "metadata": {"labels": {"app": "database"}},
                    "spec": pod(image, ["sleep", "86400"], ["data"], own=False),
                },
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim("data")["spec"]}],
            },
        },
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "nightly", "namespace": "default"},
            "spec": {"schedule": "* * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": job},
        },
    ]


def named(version: str, kind: str, **content: Any) -> dict[str, Any]:
    """An object called beside."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "beside", "namespace": "default"}, **content}


def beside() -> list[dict[str, Any]]:
    """Objects beside volumes, and a webhook that nobody answers."""
    rbac = "rbac.authorization.k8s.io"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"kind": "Thing", "plural": "things"}
    webhook = {
        "name": "nobody.faults.example",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": {"service": {"name": "nobody", "namespace": "default"}},
        "objectSelector": {"matchLabels": {"nobody": "answers"}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["services"]}],
    }
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.faults.example"},
        "spec": {"group": "faults.example", "names": names, "scope": "Namespaced", "versions": [version]},
    }
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    role = {"apiGroup": rbac, "kind": "Role", "name": "beside"}
    account = {"kind": "ServiceAccount", "name": "beside", "namespace": "default"}
    budget = {"minAvailable": 1, "selector": {"matchLabels": {"app": "shop"}}}
    return [
        named("v1", "ConfigMap", data={"greeting": "hello"}),
        named("v1", "Secret", stringData={"password": "geheim"}),
        named("v1", "ServiceAccount"),
        named(f"{rbac}/v1", "Role", rules=rules),
        named(
            f"{rbac}/v1",
            "RoleBinding",
            roleRef=role,
            subjects=[account],
        ),
        named("v1", "Service", spec={"type": "NodePort", "ports": [{"port": 80, "nodePort": 30765}]}),
        named("policy/v1", "PodDisruptionBudget", spec=budget),
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "beside"},
            "webhooks": [webhook],
        },
        definition,
    ]


def made() -> dict[str, str]:
    """Kind/name -> the object without what the API server sets, of everything in beside() and the custom object."""
    found = {}
    for kind in [*(item["kind"] for item in beside()), "things.faults.example"]:
        for item in objects(kind.lower()):
            if item["metadata"]["name"] in ("beside", "things.faults.example"):
                item["metadata"] = {f: item["metadata"].get(f) for f in ("name", "namespace", "labels", "annotations")}
                found[f"{item['kind']}/{item['metadata']['name']}"] = json.dumps(
                    {field: value for field, value in item.items() if field != "status"}, sort_keys=True
                )
    return found


def claim(name: str) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def pod(image: str, command: list[str], claims: list[str], *, own: bool = True) -> dict[str, Any]:
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in claims]
    container = {"name": "main", "image": image, "command": command, "volumeMounts": mounts}
    return {
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        **({"volumes": volumes} if own else {}),
    }


def fill(large: int) -> None:
    """Write content of one kind per volume on the host, and a file to each of the others."""
    places = {name.rpartition("_")[2]: VOLUMES / name for name in os.listdir(VOLUMES)}
    sorts = iter(PLAIN)
    next(sorts)  # stays empty
    many = places[next(sorts)]
    for number in range(2000):
        (many / f"{number % 20}").mkdir(exist_ok=True)
        (many / f"{number % 20}" / f"{number}").write_text(f"file {number}")
    subprocess.run(
        ["dd", "if=/dev/urandom", f"of={places[next(sorts)]}/large", "bs=1M", f"count={large}"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    with (places[next(sorts)] / "sparse").open("wb") as sparse:
        sparse.truncate(2 << 30)
        sparse.seek(1 << 30)
        sparse.write(b"in the middle")
    links = places[next(sorts)]
    (links / "first").write_text("linked")
    os.link(links / "first", links / "second")
    (links / "inside").symlink_to("first")
    (links / "outside").symlink_to("/etc/passwd")
    (links / "nowhere").symlink_to("../../none")
    names = places[next(sorts)]
    for name in (
        "with blank",
        "with\nnewline",
        "grün-日本",
        "-dash",
        "'quote\"",
        b"\xff\xfe".decode("utf-8", "surrogateescape"),
    ):
        (names / name).write_text(name.encode("utf-8", "surrogateescape").hex())
    rights = places[next(sorts)]
    (rights / "program").write_text("#!/bin/sh\n")
    (rights / "program").chmod(0o4755)
    (rights / "secret").write_text("x")
    os.chown(rights / "secret", 1234, 5678)
    (rights / "secret").chmod(0o600)
    os.setxattr(rights / "secret", "user.kindlab", b"attribute")
    os.mkfifo(rights / "pipe")
    for name, place in places.items():
        if name not in PLAIN[:7]:
            (place / "file").write_text(f"of {name}")


def bound() -> dict[str, str]:
    """Claim -> volume's name, of claims that are bound."""
    return {
        item["metadata"]["name"]: item["spec"]["volumeName"]
        for item in objects("persistentvolumeclaims")
        if item.get("status", {}).get("phase") == "Bound"
    }


def wrong(scene: Scene) -> list[str]:
    """How the cluster differs from the scene; [] if nothing was lost."""
    said = []
    now = bound()
    if now != scene.volumes:
        said.append(
            f"bound: {len(now)} of {len(scene.volumes)}, {sorted(set(scene.volumes.items()) - set(now.items()))[:3]}"
        )
    phases = {item["status"]["phase"] for item in objects("persistentvolumes")}
    if phases != {"Bound"}:
        said.append(f"phases of volumes: {phases}")
    policies = {item["spec"]["persistentVolumeReclaimPolicy"] for item in objects("persistentvolumes")}
    if policies != {"Delete"}:
        said.append(f"reclaim policies: {policies}")
    changed = differences(scene.files, content(VOLUMES))
    if changed:
        said.append(f"{len(changed)} files differ: {changed[:3]}")
    other = differences(scene.objects, made())
    if other:
        said.append(f"{len(other)} objects differ: {other[:3]}")
    counts = workloads()
    if counts != REPLICAS:
        said.append(f"replica counts: {counts}")
    return said


def workloads() -> dict[str, int | bool]:
    """Kind/name -> its replicas, or whether it is suspended; and whether the label of a detachment is left."""
    found: dict[str, int | bool] = {}
    for kind, field in (("Deployment", "replicas"), ("StatefulSet", "replicas"), ("CronJob", "suspend")):
        for item in objects(kind.lower() + "s"):
            if item["metadata"]["namespace"] == "default":
                name = f"{kind}/{item['metadata']['name']}"
                found[name] = item["spec"][field]
                if "kindlab.volumes/detached" in item["metadata"].get("labels", {}):
                    found[f"{name} (recorded)"] = True
    return found
