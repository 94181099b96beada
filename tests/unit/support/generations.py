"""Generations of a backup with any volumes."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    Catalog,
    SavedArchive,
    SavedCluster,
    SavedNode,
    SavedVolume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import MANIFESTS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import Writer, locked
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import write_archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.tests.unit.support.backups import Object


def write_generation(path: Path, saved: list[tuple[Object, str]], *others: Object, **phases: str) -> None:
    """A generation with these volumes: each with the directory of its data, '' for none; and with other objects.

    phases: of volumes, by name; 'unused' is that of one that never had a directory.
    """
    entries, objects = [], [*others]
    with locked(path), Writer(path) as writer:
        for pv, directory in saved:
            name, ref = pv["metadata"]["name"], pv["spec"].get("claimRef") or {}
            phase = phases.get(name, "")
            told = _data(writer, name, directory, pv) if directory else {"data": "elsewhere"}
            if phase == "unused":
                phase, told = "Available", {"data": "none", "node_directory": pv["spec"]["hostPath"]["path"]}
            claim = f"{ref.get('namespace', '')}/{ref.get('name', '')}".strip("/")
            entries.append(SavedVolume(name, claim, phase, "standard", "1Gi", ("ReadWriteOnce",), **told))
            objects.append(pv)
        for kind in ("Namespace", "StorageClass", "PersistentVolume", "PersistentVolumeClaim"):
            of_kind = [item for item in objects if item["kind"] == kind]
            writer.write(MANIFESTS[kind], "".join(f"---\n{json.dumps(item)}\n" for item in of_kind))
        cluster = SavedCluster("k", "v1.34.4", (SavedNode("k-worker", "k", "worker"),))
        writer.publish(Catalog("2026-01-02T03:04:05Z", cluster, "in_place", "full", tuple(entries), writer.files))


def _data(writer: Writer, name: str, directory: str, pv: Object) -> Object:
    """What the catalog says of a volume whose data is in a directory of the host, with an archive of it."""
    found = ChecksumList.from_entries(scan(directory, "full"), "full")
    listed, path = f"checksums/{name}.jsonl", f"archives/{name}.tar.gz"
    writer.write(listed, "".join(found.lines()))
    with writer.open(path) as file:
        written = write_archive(directory, file.write, "gzip", None)
    writer.files[path] = written.sha256
    return {
        "data": "host",
        "host_directory": directory,
        "node_directory": (pv["spec"].get("hostPath") or {}).get("path", ""),
        "files": found.files,
        "bytes": found.bytes,
        "digest": found.digest,
        "checksum_list": listed,
        "archive": SavedArchive(path, written.sha256, written.bytes, "gzip"),
    }
