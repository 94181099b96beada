"""How much each step did, as people read it."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.running.counts import (
    backup_text,
    images_text,
    nodes_text,
    volumes_text,
    workloads_text,
)


def test_images_of_one_content_count_once() -> None:
    rows = [{"digest": digest, "bytes": 40_000_000} for digest in ("a", "a", "b")]
    assert images_text(rows) == "3 images, 80 MB"
    assert images_text([]) == "0 images"


def test_volumes_with_the_bytes_that_are_known() -> None:
    rows = [{"bytes": 1_500_000_000}, {"bytes": None}, {}]
    assert volumes_text(rows) == "3 volumes, 1.5 GB"
    assert volumes_text([{"bytes": 0}]) == "1 volume"


def test_a_backup_with_and_without_objects() -> None:
    assert backup_text({"volumes": [], "objects": {"made": {"Secret": 1, "ConfigMap": 2}}}) == "0 volumes, 3 objects"
    assert backup_text({"volumes": [{"bytes": 12}]}) == "1 volume, 12 bytes"


def test_nodes_and_workloads() -> None:
    assert nodes_text(["a", "b"]) == "2 nodes"
    assert workloads_text([{"result": "unchanged"}, {"result": "detached"}]) == "1 workload"
