"""A backup of volumes in a temporary directory, as volume_backup writes it, and its cluster."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    Catalog,
    SavedArchive,
    SavedCluster,
    SavedMount,
    SavedNode,
    SavedVolume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import MANIFESTS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import Writer, locked
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import write_archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan

Object = dict[str, Any]

NAMESPACE: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}}
STORAGE_CLASS: Object = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "rancher.io/local-path",
}


def volume(number: int, node: str = "k-worker", places: str = "/data") -> Object:
    """The PersistentVolume v<number>, for the claim ns/c<number>, in <places>/v<number> of one node."""
    affinity = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"v{number}", "annotations": {"pv.kubernetes.io/provisioned-by": "rancher.io/local-path"}},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": f"{places}/v{number}", "type": "DirectoryOrCreate"},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": "ns",
                "name": f"c{number}",
            },
            "nodeAffinity": {"required": {"nodeSelectorTerms": [affinity]}},
        },
    }


def claim(number: int) -> Object:
    """The claim ns/c<number> of the volume v<number>."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"c{number}", "namespace": "ns"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "resources": {"requests": {"storage": "1Gi"}},
            "volumeName": f"v{number}",
        },
    }


def saved_volume(number: int, parent: Path | str = "/srv", **other: Any) -> SavedVolume:
    """What a catalog says of v<number>, whose data was in <parent>/v<number>."""
    given = {
        "reclaim_policy": "Delete",
        "node_directory": f"/data/v{number}",
        "host_directory": f"{parent}/v{number}",
        **other,
    }
    return SavedVolume(
        name=f"v{number}",
        claim=f"ns/c{number}",
        storage_class="standard",
        capacity="1Gi",
        access_modes=("ReadWriteOnce",),
        nodes=("k-worker",),
        **given,
    )


def write_data(data: Path, count: int) -> None:
    """Directories v0, v1, ... with a file each."""
    for number in range(count):
        (data / f"v{number}").mkdir(parents=True)
        (data / f"v{number}" / "file").write_text(f"content {number}")


def write_backup(
    path: Path,
    data: Path,
    count: int,
    *,
    checksum: str = "full",
    archive: bool = False,
    places: str = "",
    described: Object | None = None,
    cluster: str = "k",
    created: str = "2026-01-02T03:04:05Z",
) -> str:
    """Volumes v0, v1, ... whose data is in <data>/v<number>; the generation's name.

    places: the data was inside the node, in <places>/v<number>; otherwise /data of the node is <data> of the host.
    described: the cluster's manifest; cluster: its name; created: when it was saved.
    """
    saved = []
    with locked(path), Writer(path) as writer:
        for number in range(count):
            directory = str(data / f"v{number}")
            found = ChecksumList()
            listed = f"checksums/v{number}.jsonl" if checksum != "none" else ""
            if listed:
                found = ChecksumList.from_entries(scan(directory, checksum), checksum)
                writer.write(listed, found.lines())
            kept = _archive(writer, directory, f"archives/v{number}.tar.gz") if archive else None
            where = {"node_directory": f"{places}/v{number}", "host_directory": ""} if places else {}
            where |= {"data": "node"} if places and kept else {}
            told = {"files": found.files, "bytes": found.bytes, "digest": found.digest}
            told |= {"checksum_list": listed, "archive": kept}
            saved.append(saved_volume(number, data, **told, **where))
        for kind, items in {
            "Namespace": [NAMESPACE],
            "StorageClass": [STORAGE_CLASS],
            "PersistentVolume": [volume(number, places=places or "/data") for number in range(count)],
            "PersistentVolumeClaim": [claim(number) for number in range(count)],
            **({"Cluster": [described]} if described else {}),
        }.items():
            writer.write(MANIFESTS[kind], "".join(f"---\n{json.dumps(item)}\n" for item in items))
        mounts = () if places else (SavedMount("/data", str(data), "bind", False, ""),)
        nodes = (SavedNode("k-worker", cluster, "worker", mounts),)
        mode = "archive" if archive else "in_place"
        owner = SavedCluster(cluster, "v1.34.4", nodes)
        return writer.publish(Catalog(created, owner, mode, checksum, tuple(saved), writer.files))


def inspected(name: str, cluster: str, role: str, **mounts: str) -> Object:
    """A node container as the engine's inspect shows it; mounts: directory in the node's root -> on the host."""
    return {
        "Name": f"/{name}",
        "Config": {"Labels": {"io.x-k8s.kind.cluster": cluster, "io.x-k8s.kind.role": role}, "Image": "node"},
        "State": {"Status": "running"},
        "Mounts": [
            {"Type": "bind", "Source": source, "Destination": f"/{place}", "RW": True, "Propagation": ""}
            for place, source in mounts.items()
        ],
        "HostConfig": {},
    }


def _archive(writer: Writer, directory: str, path: str) -> SavedArchive:
    with writer.open(path) as file:
        written = write_archive(directory, file.write, "gzip", None)
    writer.files[path] = written.sha256
    return SavedArchive(path, written.sha256, written.bytes, "gzip")


def unpacked(fixture: str, path: Path) -> Path:
    """The path, with a backup that is stored as tests/unit/fixtures/<fixture>.tar unpacked into it."""
    with tarfile.open(Path(__file__).resolve().parents[1] / "fixtures" / f"{fixture}.tar") as archive:
        archive.extractall(path, filter="data")
    return path
