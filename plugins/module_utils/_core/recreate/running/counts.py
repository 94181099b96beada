# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How much each step of a recreation did, for people: numbers and bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, size

Rows = Collection[Mapping[str, Any]]


def images_text(rows: Rows) -> str:
    """'5 images, 200 MB'. rows: of the index of images; several may have one content."""
    return _with_size(count(len(rows), "image"), {row["digest"]: row["bytes"] for row in rows}.values())


def volumes_text(rows: Rows) -> str:
    """'20 volumes, 1.0 GB'. rows: of volumes, with the bytes of those whose data was read."""
    return _with_size(count(len(rows), "volume"), (row.get("bytes") or 0 for row in rows))


def backup_text(saved: Mapping[str, Any]) -> str:
    """'20 volumes, 1.0 GB, 300 objects'. saved: what volume_backup returns."""
    volumes = volumes_text(saved["volumes"])
    if not saved.get("objects"):
        return volumes
    return f"{volumes}, {count(sum(saved['objects']['made'].values()), 'object')}"


def nodes_text(nodes: Collection[Any]) -> str:
    """'3 nodes'."""
    return count(len(nodes), "node")


def workloads_text(rows: Rows) -> str:
    """'4 workloads'. rows: as volume_detach returns them; those that stayed as they were do not count."""
    return count(sum(row["result"] != "unchanged" for row in rows), "workload")


def _with_size(text: str, sizes: Iterable[int]) -> str:
    total = sum(sizes)
    return f"{text}, {size(total)}" if total else text
