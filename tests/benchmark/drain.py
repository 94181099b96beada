"""A node with 50 pods drained by node_drain and by kubectl drain, in turns on the same cluster."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import cycle

from clusters import KUBECONFIG, KUBECTL, NAME, VOLUMES, create_bare, delete, prepare
from measure import SCRATCH, Figure, compare, empty_play, note, play, shell
from provisioners import workload_image

COUNT = 50
MANIFEST = SCRATCH / "drained.json"


def deployment(image: str) -> dict[str, object]:
    """Pods that end at once on SIGTERM."""
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
    """A command line that waits until all pods are ready and none is terminating."""
    listed = f"{KUBECTL} get pods -l app=drained --no-headers"
    wait = f'until [ "$({listed} | wc -l)" = {COUNT} ]; do sleep 1; done'
    return f"{KUBECTL} rollout status deployment/drained --timeout=900s >/dev/null; {wait}"


def kubectl(node: str) -> float:
    """Seconds of kubectl until all pods have left the node."""
    return shell(f"{KUBECTL} drain {node} --ignore-daemonsets >/dev/null").seconds


def module(node: str) -> float:
    """Seconds of node_drain in a play until all pods have left the node."""
    common = {"cluster": NAME, "kubeconfig": str(KUBECONFIG), "node": node}
    return play({"kindlab.volumes.node_drain": common}).seconds


def figures() -> Iterator[Figure]:
    """The pods move to and fro between two nodes; the module is measured above an empty play."""
    image = prepare()
    delete()
    create_bare(image)
    MANIFEST.write_text(json.dumps(deployment(workload_image())))
    note(f"{COUNT} pods on one node")
    shell(f"{KUBECTL} cordon {NAME}-worker2 >/dev/null; {KUBECTL} create -f - < {MANIFEST} >/dev/null; {settled()}")
    nothing = empty_play()
    nodes = cycle((f"{NAME}-worker", f"{NAME}-worker2"))

    def next_node() -> str:
        shell(f"for each in worker worker2; do {KUBECTL} uncordon {NAME}-$each >/dev/null; done; {settled()}")
        return next(nodes)

    rounds = compare(
        f"node_drain of {COUNT} pods", lambda: module(next_node()) - nothing, lambda: kubectl(next_node()), most=8
    )
    yield Figure(
        f"node_drain, {COUNT} pods ({min(rounds.ours):.1f} s) / kubectl drain ({min(rounds.theirs):.1f} s)",
        rounds.ratio(),
        1.2,
        rounds=rounds,
    )
    delete()
    shutil.rmtree(VOLUMES)
