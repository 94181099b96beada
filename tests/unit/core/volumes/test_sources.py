"""Sources of volumes as text."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.sources import source_text


@pytest.mark.parametrize(
    "spec, text",
    [
        (
            {"nfs": {"server": "files.example", "path": "/exports/db", "readOnly": True}},
            "nfs files.example:/exports/db",
        ),
        (
            {"iscsi": {"targetPortal": "10.0.0.1:3260", "iqn": "iqn.2001-04.example:disk", "lun": 0}},
            "iscsi 10.0.0.1:3260 iqn.2001-04.example:disk 0",
        ),
        ({"csi": {"driver": "d.example", "volumeHandle": "h-1"}}, "csi d.example h-1"),
        ({"hostPath": {"path": "/data/v", "type": ""}}, "hostPath /data/v"),
        ({"local": {"path": "/dev/loop3"}, "volumeMode": "Block"}, "local /dev/loop3"),
        ({"rbd": {"monitors": ["a:1", "b:1"], "pool": "p", "image": "i"}}, "rbd a:1,b:1 p i"),
        ({"unheardOf": {"b": 2, "a": "one", "c": {"d": 1}, "e": False}}, "unheardOf one 2"),
        ({"nfs": {}}, "nfs"),
        ({"nfs": None}, "nfs"),
        ({"capacity": {"storage": "1Gi"}}, ""),
    ],
)
def test_a_source(spec: dict[str, Any], text: str) -> None:
    assert source_text({"metadata": {"name": "v"}, "spec": spec}) == text
