"""What a machine has, in the order in which people ask: claims first, where their data is, and what to do next."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.overview import (
    data_of,
    overview,
    read_catalogs,
)


def cluster(name: str = "lab", **more: Any) -> dict[str, Any]:
    node = {
        "name": f"{name}-control-plane",
        "role": "control-plane",
        "state": "running",
        "mounts": [{"host_path": "/srv/lab", "node_path": "/data", "read_only": False}],
    }
    own = {"state": "running", "kubernetes_version": "v1.34.4", "kubeconfig": "/srv/kind-lab.yaml"}
    return {"name": name, "nodes": [node], "reachable": True, **own, **more}


def volume(name: str, claim: str, **more: Any) -> dict[str, Any]:
    own = {"host_directory": f"/srv/lab/{name}", "data": "host", "capacity": "1Gi", "reclaim_policy": "Retain"}
    state = {"phase": "Bound", "claim_phase": "Bound" if claim else "", "pods": []}
    return {"name": name, "claim": claim, "nodes": [], "location": "", **own, **state, **more}


def listing(name: str, *volumes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"item": {"name": name}, "volumes": list(volumes), "orphan_directories": [], **more}


def catalogs(*generations: tuple[str, str, list[tuple[str, str]]]) -> str:
    parts = []
    for name, own, volumes in generations:
        saved = [{"name": volume, "claim": claim} for volume, claim in volumes]
        parts.append(f"generations/{name}\n{json.dumps({'cluster': {'name': own}, 'volumes': saved}, indent=1)}\f")
    return "".join(parts)


PODS = [{"namespace": "default", "name": "web-0", "node": "lab-worker", "phase": "Running"}]


def test_claims_come_before_volumes_and_volumes_without_claims_last() -> None:
    volumes = [volume("pvc-1", "shop/web", pods=PODS), volume("pv", "", phase="Released"), volume("pvc-2", "shop/db")]
    found = overview([cluster()], [listing("lab", *volumes)])
    assert [row["claim"] for row in found["rows"]] == ["shop/db", "shop/web", ""]
    assert found["text"].split("\n\n") == [
        "Cluster lab: running, Kubernetes v1.34.4, /srv/kind-lab.yaml",
        "node               role           state    mounts from the host\n"
        "lab-control-plane  control-plane  running  /srv/lab at /data",
        "claim     data            size  used by  volume\n"
        "shop/db   /srv/lab/pvc-2  1Gi   -        pvc-2\n"
        "shop/web  /srv/lab/pvc-1  1Gi   web-0    pvc-1\n"
        "-         /srv/lab/pv     1Gi   -        pv (Released)",
    ]


def test_five_volumes_fit_a_screen() -> None:
    name = "pvc-0d4c6a1e-6a55-4b44-93c8-4f6d6fd4a0c"
    volumes = [volume(f"{name}{number}", f"default/database-{number}", pods=PODS) for number in range(5)]
    text = overview([cluster()], [listing("lab", *volumes)], catalogs(("000001-a", "lab", [])), "/b")["text"]
    assert len(text.splitlines()) <= 40


def test_the_newest_generation_of_the_same_cluster_counts() -> None:
    saved = catalogs(
        ("000010-b", "lab", [("pvc-1", "shop/web")]),
        ("000002-a", "lab", [("pvc-1", "shop/web"), ("pvc-2", "shop/db")]),
        ("000011-c", "other", [("pvc-3", "shop/new")]),
    )
    volumes = [volume("pvc-1", "shop/web"), volume("pvc-2", "shop/db"), volume("pvc-3", "shop/new")]
    found = overview([cluster()], [listing("lab", *volumes)], saved, "/b")
    assert {row["claim"]: row["backup"] for row in found["rows"]} == {
        "shop/web": "000010-b",
        "shop/db": "000002-a",
        "shop/new": "none",
    }
    assert "Backup /b: 3 generations, the newest 000011-c with 1 volume of other" in found["text"]
    assert found["next"] == ["ansible-playbook kindlab.volumes.backup -e kindlab_cluster=lab -e kindlab_backup_path=/b"]


def test_a_cluster_that_is_saved_needs_nothing() -> None:
    found = overview([cluster()], [listing("lab", volume("v", "a/b"))], catalogs(("1-a", "lab", [("v", "a/b")])), "/b")
    assert found["next"] == []
    assert overview([], [])["next"] == ["ansible-playbook kindlab.volumes.provision -e @lab.yml"]


def test_a_cluster_that_does_not_answer_is_described_by_its_nodes() -> None:
    stopped = cluster(state="stopped", kubernetes_version="", kubeconfig="", reachable=False)
    assert "Its volumes are not known: its API server does not answer" in overview([stopped], [])["text"]
    failed = {"item": {"name": "lab"}, "msg": "Forbidden."}
    assert "Its volumes are not known: Forbidden." in overview([cluster()], [failed])["text"]


def test_orphan_directories_are_named() -> None:
    found = overview([cluster()], [listing("lab", orphan_directories=[{"host_directory": "/srv/lab/old"}])])
    assert "It has no volumes." in found["text"] and "  /srv/lab/old" in found["text"]


def test_damaged_catalogs_are_left_out() -> None:
    assert read_catalogs("generations/1-a\n{\fgenerations/2-b\n[]\f\n\f") == []


def test_where_data_is() -> None:
    inside = volume("v", "a/b", host_directory="", data="node", nodes=["lab-worker"], node_directory="/opt/v")
    assert data_of(inside) == "inside lab-worker: /opt/v"
    assert data_of(volume("v", "a/b", host_directory="", data="elsewhere", location="nfs host:/x")) == "nfs host:/x"
