# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a machine has, for people: clusters, nodes, and of each claim where its data is, who uses it, and its backup."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed

from .report_table import columns_table

Row = Mapping[str, Any]

NODES = ("node", "role", "state", "mounts from the host")
CLAIMS = ("claim", "data", "size", "used by", "backup", "volume")
NOT_SAVED = "none"
_BACK_UP = "ansible-playbook kindlab.volumes.backup -e kindlab_cluster={} -e kindlab_backup_path={}"
_PROVISION = "ansible-playbook kindlab.volumes.provision -e @lab.yml"


def overview(clusters: Sequence[Row], listings: Iterable[Row], catalogs: str = "", path: str = "") -> dict[str, Any]:
    """text, rows (a row for each claim) and next (what to do), of what kind_cluster_info and volume_info return.

    listings: of a loop of volume_info over some of the clusters ('item'), with 'msg' for one that failed. catalogs: of
    the backup, as read_catalogs() takes them. path: of the backup, '' for none.
    """
    by_cluster = {listing["item"]["name"]: listing for listing in listings}
    saved = read_catalogs(catalogs)
    texts: list[str] = []
    rows: list[dict[str, Any]] = []
    steps: list[str] = []
    for cluster in clusters:
        listing = by_cluster.get(cluster["name"], {})
        own = [_row(cluster["name"], volume, saved, path) for volume in listing.get("volumes", ())]
        # Claims first, volumes that have none last.
        own.sort(key=lambda row: (not row["claim"], row["claim"], row["volume"]))
        texts += _cluster(cluster, listing, own)
        rows += own
        if any(row["backup"] in ("", NOT_SAVED) for row in own):
            steps.append(_BACK_UP.format(cluster["name"], path or "DIRECTORY"))
    if path:
        texts.append(_backup(path, saved))
    return {"text": "\n\n".join(texts), "rows": rows, "next": steps if clusters else [_PROVISION]}


def read_catalogs(text: str) -> list[tuple[str, Row]]:
    """(name of the generation, its catalog), oldest first, of 'NAME<newline>CATALOG<form feed>' for each.

    Those that cannot be read are left out: volume_restore says what is wrong with them.
    """
    found = []
    for part in text.split("\f"):
        name, _newline, content = part.strip().partition("\n")
        try:
            catalog = json.loads(content)
            found.append((name.strip("/").rpartition("/")[2], {**catalog, "volumes": catalog["volumes"]}))
        except (ValueError, LookupError, TypeError):
            continue
    return sorted(found, key=lambda one: int(one[0].partition("-")[0]) if one[0][:1].isdigit() else 0)


def data_of(volume: Row) -> str:
    """Where the data of a volume is."""
    if volume.get("host_directory"):
        return str(volume["host_directory"])
    if volume.get("data") == "node":
        return f"inside {listed(volume['nodes'], 3) or 'the nodes'}: {volume['node_directory']}"
    return str(volume.get("location", ""))


def _row(cluster: str, volume: Row, saved: Sequence[tuple[str, Row]], path: str) -> dict[str, Any]:
    pods = [pod["name"] for pod in volume["pods"]]
    state = volume["claim_phase"] or volume["phase"]
    own = [name for name, catalog in saved if _has(catalog, cluster, volume)]
    return {
        "cluster": cluster,
        "claim": volume["claim"],
        "volume": volume["name"] + ("" if state == "Bound" else f" ({state})"),
        "data": data_of(volume),
        "size": volume["capacity"],
        "used by": pods,
        "backup": own[-1] if own else NOT_SAVED if path else "",
        "reclaim_policy": volume["reclaim_policy"],
    }


def _has(catalog: Row, cluster: str, volume: Row) -> bool:
    names = {(one["name"], one["claim"]) for one in catalog["volumes"]}
    return catalog.get("cluster", {}).get("name") == cluster and (volume["name"], volume["claim"]) in names


def _cluster(cluster: Row, listing: Row, rows: Sequence[Row]) -> Iterator[str]:
    version = f", Kubernetes {cluster['kubernetes_version']}" if cluster["kubernetes_version"] else ""
    kubeconfig = f", {cluster['kubeconfig']}" if cluster["kubeconfig"] else ""
    yield f"Cluster {cluster['name']}: {cluster['state']}{version}{kubeconfig}"
    yield columns_table([_node(node) for node in cluster["nodes"]], NODES)
    if "volumes" not in listing:
        given = f"-e kindlab_cluster={cluster['name']} -e kindlab_kubeconfig=PATH"
        unknown = f"its API server does not answer, or by another kubeconfig ({given})"
        yield f"Its volumes are not known: {listing.get('msg') or unknown}"
    else:
        yield columns_table(rows, CLAIMS) or "It has no volumes."
    left = listing.get("orphan_directories") or ()
    if left:
        paths = listed([one["host_directory"] for one in left], 5, separator="\n  ")
        yield f"Directories without a volume, see kindlab.volumes.volume_prune:\n  {paths}"


def _node(node: Row) -> dict[str, Any]:
    mounts = [f"{mount['host_path']} at {mount['node_path']}" for mount in node["mounts"]]
    return dict(zip(NODES, (node["name"], node["role"], node["state"], mounts)))


def _backup(path: str, saved: Sequence[tuple[str, Row]]) -> str:
    if not saved:
        return f"Backup {path}: no generation"
    name, catalog = saved[-1]
    volumes = count(len(catalog["volumes"]), "volume")
    cluster = catalog.get("cluster", {}).get("name", "?")
    return f"Backup {path}: {count(len(saved), 'generation')}, the newest {name} with {volumes} of {cluster}"
