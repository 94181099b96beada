"""A node with 50 pods drained by node_drain and by kubectl drain, in turns on the same cluster."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

from clusters import KUBECONFIG, KUBECTL, NAME, VOLUMES, create_bare, delete, prepare
from measure import SCRATCH, Figure, empty_play, note, play, shell
from provisioners import workload_image

COUNT = 50
MANIFEST = SCRATCH / "drained.json"
# Each tool drains each of the two nodes once; the pods go to and fro.
TURNS = (("kubectl", "worker"), ("ours", "worker2"), ("ours", "worker"), ("kubectl", "worker2"))


def deployment(image: str) -> dict[str, object]:
    """Pods that end as soon as they are asked to."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", "trap exit TERM; sleep 3600 & wait"],
    }
    labels = {"app": "drained"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": COUNT, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "drained"}, "spec": spec}


def settled() -> str:
    """A command line that ends when every pod serves and none is left that ends."""
    listed = f"{KUBECTL} get pods -l app=drained --no-headers"
    wait = f'until [ "$({listed} | wc -l)" = {COUNT} ]; do sleep 1; done'
    return f"{KUBECTL} rollout status deployment/drained --timeout=900s >/dev/null; {wait}"


def drain(tool: str, node: str) -> float:
    """Seconds until all pods of the node are gone from it."""
    if tool == "kubectl":
        return shell(f"{KUBECTL} drain {node} --ignore-daemonsets >/dev/null").seconds
    common = {"cluster": NAME, "kubeconfig": str(KUBECONFIG), "node": node}
    return play({"kindlab.volumes.node_drain": common}).seconds


def figures() -> Iterator[Figure]:
    """Two drains by each; the shorter of each counts, the module's above an empty play."""
    image = prepare()
    delete()
    create_bare(image)
    MANIFEST.write_text(json.dumps(deployment(workload_image())))
    note(f"{COUNT} pods on one node")
    shell(f"{KUBECTL} cordon {NAME}-worker2 >/dev/null; {KUBECTL} create -f - < {MANIFEST} >/dev/null; {settled()}")
    nothing = empty_play()
    took: dict[str, list[float]] = {"kubectl": [], "ours": []}
    for tool, worker in TURNS:
        node = f"{NAME}-{worker}"
        shell(f"for each in worker worker2; do {KUBECTL} uncordon {NAME}-$each >/dev/null; done; {settled()}")
        took[tool].append(drain(tool, node))
        note(f"{tool}: {COUNT} pods left {worker} in {took[tool][-1]:.1f} s")
    plain, ours = min(took["kubectl"]), min(took["ours"]) - nothing
    yield Figure(f"node_drain, {COUNT} pods ({ours:.1f} s) / kubectl drain ({plain:.1f} s)", ours / plain, 1.2)
    delete()
    shutil.rmtree(VOLUMES)
