"""50 claims at once: each provisioner against the one that kind brings, by the same kubectl commands in one run."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator

from clusters import KUBECONFIG, KUBECTL, NAME, NODE_DIRECTORY, VOLUMES, create_bare, delete, prepare
from measure import SCRATCH, Figure, note, play, run, shell

COUNT = 50
CLAIMS = SCRATCH / "claims.json"
LABEL = "bench=claims"
# (provisioner, whether each claim waits for a pod of its own, the limit as a part of what kind's own takes)
CASES = (
    ("local_path", True, 1.2),
    ("local_path_shared", True, 1.2),
    ("local_path_shared", False, 1.2),
    ("hostpath", True, 0.6),
    ("hostpath", False, 0.6),
)


def manifests(image: str) -> list[dict[str, object]]:
    """Claims of the default class; with an image, a pod for each."""
    shown: list[dict[str, object]] = []
    key, value = LABEL.split("=")
    for number in range(COUNT):
        metadata = {"name": f"claim-{number:02}", "labels": {key: value}}
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
        shown.append({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})
        container = {
            "name": "main",
            "image": image,
            "command": ["sleep", "3600"],
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        }
        pod = {
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": metadata["name"]}}],
        }
        if image:
            shown.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod})
    return shown


def bound(image: str) -> float:
    """Seconds from kubectl's start until all claims are bound; then all is removed again."""
    CLAIMS.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests(image)}))
    wait = f"{KUBECTL} wait --for=jsonpath={{.status.phase}}=Bound pvc -l {LABEL} --timeout=900s >/dev/null"
    seconds = shell(f"{KUBECTL} create -f - < {CLAIMS} >/dev/null; {wait}").seconds
    shell(f"{KUBECTL} delete pod,pvc -l {LABEL} >/dev/null")
    shell(f'until [ -z "$({KUBECTL} get pv -o name)" ]; do sleep 1; done')
    return seconds


def workload_image() -> str:
    """The image of the stock provisioner's helper pods: one that all nodes have."""
    run([*KUBECTL.split(), "-n", "local-path-storage", "get", "configmap", "local-path-config", "-o", "json"])
    template = json.loads((SCRATCH / "output").read_text())["data"]["helperPod.yaml"]
    return re.findall(r"image: *[\"']?([^\s\"']+)", template)[0]


def figures() -> Iterator[Figure]:
    """One cluster: kind's own provisioner first, then ours in its place, one after another."""
    image = prepare()
    delete()
    create_bare(image)
    pods = workload_image()
    note(f"{COUNT} claims with pods by the provisioner that kind brings")
    stock = bound(pods)
    for name, with_pods, part in CASES:
        options = {"binding_mode": "WaitForFirstConsumer" if with_pods else "Immediate", "node_path": NODE_DIRECTORY}
        common = {"cluster": NAME, "kubeconfig": str(KUBECONFIG)}
        play({"kindlab.volumes.storage_provisioner": {**common, **options, "name": name}})
        how = f"{COUNT} claims {'with' if with_pods else 'without'} pods"
        note(f"{how} by {name}")
        words = f"{name}: {how} bound; kind's own provisioner, with pods: {stock:.1f} s"
        yield Figure(words, bound(pods if with_pods else ""), part * stock, "s")
    delete()
    shutil.rmtree(VOLUMES)
