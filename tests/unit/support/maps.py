"""Maps as lab_map returns them: a small lab that people would have, large ones, and names that nobody would choose."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

CREATED = "2026-01-02T03:04:05Z"
GENERATION = "000003-20260102T020000Z"
# What an attacker, or an accident, may call things.
HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "</script><script>document.title='owned'</script>",
    "--><b>bold</b>",
    "\N{RIGHT-TO-LEFT OVERRIDE}evil\N{POP DIRECTIONAL FORMATTING}",
    "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}/\N{HEBREW LETTER GIMEL}",
    "n" * 253,
    "new\nline\x1b[31mred\x00",
    ']"]; click n1 "javascript:alert(1)"',
    "%% created 1999-01-01T00:00:00Z",
    "{{ 7 * 7 }} ${7*7} &amp; &#60;",
)


def volume(number: int, claim: str, **other: Any) -> Object:
    """A volume on the host, used by a pod, and saved as it is."""
    namespace, _slash, name = claim.partition("/")
    directory = f"pvc-{number:08x}-9a0e-4f8e-8f70-4b1f14f0b9de_{namespace}_{name}"
    return {
        "name": f"pvc-{number:08x}-9a0e-4f8e-8f70-4b1f14f0b9de",
        "claim": claim,
        "phase": "Bound",
        "claim_phase": "Bound",
        "storage_class": "standard",
        "reclaim_policy": "Retain",
        "capacity": "1Gi",
        "location": f"hostPath /var/local-path-provisioner/{directory}",
        "data": "host",
        "place": "/srv/lab",
        "nodes": ["lab-worker"],
        "node_directory": f"/var/local-path-provisioner/{directory}",
        "host_directory": f"/srv/lab/{directory}",
        "mismatch": "",
        "survives": "yes",
        "survives_why": f"its data is on the host, in /srv/lab/{directory}",
        "survives_next_step": "",
        "pods": [f"{namespace}/{name}-0"],
        "workloads": [f"StatefulSet/{name}"],
        "seen": {"bytes": 12_000_000, "files": 340, "changed": "2026-01-01T12:00:00Z", "complete": True},
        "backup": {"generation": GENERATION, "created": "2026-01-02T02:00:00Z", "state": "equal", "archive": False},
        **other,
    }


def inside(number: int, claim: str, **other: Any) -> Object:
    """A volume inside lab-worker2, in no backup."""
    path = f"/inside/v{number}"
    why = f"{path} is not mounted from the host on lab-worker2 and is deleted with the node; no backup of it is given"
    return volume(
        number,
        claim,
        **{
            "data": "node",
            "place": "lab-worker2",
            "nodes": ["lab-worker2"],
            "node_directory": path,
            "host_directory": "",
            "survives": "no",
            "survives_why": why,
            "backup": {},
            "survives_next_step": "Back it up with kindlab.volumes.volume_backup and data=archive.",
            **other,
        },
    )


def node(name: str, role: str = "worker", **other: Any) -> Object:
    mount = {"host_path": "/srv/lab", "node_path": "/var/local-path-provisioner", "read_only": False}
    ports = [{"node_port": 80, "host_port": 8080, "listen": "127.0.0.1", "protocol": "TCP"}] if "plane" in role else []
    return {
        "name": name,
        "role": role,
        "state": "running",
        "exit_reason": "",
        "image": "kindest/node:v1.34.4",
        "mounts": [mount],
        "ports": ports,
        "pods": 3,
        **other,
    }


def cluster(*volumes: Object, **other: Any) -> Object:
    """The cluster lab with three nodes, these volumes and their pods."""
    pods = [
        {
            "namespace": pod.partition("/")[0],
            "name": pod.partition("/")[2],
            "node": (one["nodes"] or [""])[0],
            "phase": "Running",
            "workload": (one["workloads"] or [""])[0],
        }
        for one in volumes
        for pod in one["pods"]
    ]
    kept = sum(one["survives"] == "yes" for one in volumes)
    return {
        "name": "lab",
        "state": "running",
        "problem": "",
        "warnings": [],
        "claims": [],
        "orphans": [],
        "pods": pods,
        "summary": f"{kept} of {len(volumes)} volumes survive",
        "nodes": [node("lab-control-plane", "control-plane"), node("lab-worker"), node("lab-worker2")],
        "volumes": list(volumes),
        "backup": {
            "path": "/srv/backup",
            "generation": GENERATION,
            "created": "2026-01-02T02:00:00Z",
            "problem": "",
        },
        **other,
    }


def lab(*clusters: Object, created: str = CREATED) -> Object:
    return {"format": 1, "created": created, "hosts": [{"name": "box", "engine": "docker", "clusters": [*clusters]}]}


def shop() -> Object:
    """A lab with everything that a map shows."""
    orphan = {"host_directory": "/srv/lab/pvc-old_shop_gone", "claim": "shop/gone", "volume": "pvc-old"}
    taken = {"bytes": 1_000_000, "files": 2, "changed": "", "complete": True}
    gone = dict.fromkeys(("place", "host_directory", "node_directory"), "")
    volumes = (
        volume(1, "shop/web"),
        volume(2, "shop/catalog", backup={}),
        volume(3, "shop/orders", seen={"bytes": 90_000_000, "files": 50_000, "changed": "", "complete": False}),
        inside(4, "shop/cache"),
        inside(5, "blog/posts", survives="unknown", survives_why="its archive was not read and compared with it"),
        volume(6, "blog/media", phase="Released", claim_phase="", pods=[], workloads=[]),
        volume(7, "blog/files", data="elsewhere", location="nfs nas:/x", **gone),
    )
    waiting = {"claim": "blog/drafts", "phase": "Pending", "volume": "", "storage_class": "standard"}
    stopped = {"name": "old", "state": "stopped", "problem": "its nodes are not running", "summary": "", "pods": []}
    exited = node("old-control-plane", "control-plane", state="exited", exit_reason="stopped, exit code 0")
    gone_with_it = "1 is inside lab-worker2 and in no backup"
    told = f"5 of 7 volumes survive; {gone_with_it}; 1 is inside lab-worker2 and in an archive that was not compared"
    return lab(
        cluster(*volumes, summary=told, orphans=[{**orphan, "seen": taken}], claims=[waiting], warnings=["A warning."]),
        {**cluster(), **stopped, "nodes": [exited]},
    )


def large(count: int = 1000) -> Object:
    """Many volumes in ten namespaces; every tenth is inside a node."""
    made = (inside if number % 10 == 0 else volume for number in range(count))
    return lab(cluster(*(make(number, f"team-{number % 10}/data-{number}") for number, make in enumerate(made))))


def hostile() -> Object:
    """Everything that has a name has each of these."""
    clusters = []
    for number, bad in enumerate(HOSTILE):
        names = ("claim", "name", "node_directory", "host_directory", "location", "place", "survives_why", "mismatch")
        texts = dict.fromkeys((*names, "survives_next_step", "capacity", "storage_class", "reclaim_policy"), bad)
        one = {**volume(number, "a/b"), **texts, "nodes": [bad], "pods": [f"{bad}/{bad}"], "workloads": [bad]}
        own = node(bad, bad, image=bad, exit_reason=bad)
        own["mounts"] = [{"host_path": bad, "node_path": bad, "read_only": True}]
        orphan = {**dict.fromkeys(("host_directory", "claim", "volume"), bad), "seen": {}}
        waiting = dict.fromkeys(("claim", "phase", "volume", "storage_class"), bad)
        told = {"name": bad, "summary": bad, "warnings": [bad], "orphans": [orphan], "claims": [waiting]}
        backup = dict.fromkeys(("path", "generation", "created", "problem"), bad)
        clusters.append({**cluster(one), **told, "nodes": [own], "backup": backup})
    made = lab(*clusters)
    made["hosts"][0]["name"] = made["hosts"][0]["engine"] = HOSTILE[0]
    return made
