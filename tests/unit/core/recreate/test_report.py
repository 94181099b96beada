"""The plan of a recreation, as its module returns it."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.report import plan_rows


@pytest.mark.parametrize(
    ("node", "data", "does"),
    [
        ("", "in_place", "its data stays in /srv/v"),
        ("", "archive", "its data stays in /srv/v and is archived"),
        ("lab-worker", "archive", "its data is archived from /opt/v in lab-worker and extracted again"),
    ],
)
def test_what_happens_to_data(node: str, data: str, does: str) -> None:
    volume = {"name": "v", "claim": "a/b", "node": node, "node_directory": "/opt/v", "host_directory": "/srv/v"}
    options = {"nodes": [{"role": "control-plane"}]}
    facts = {"cluster": "lab", "options": options, "kubernetes_version": "v1", "volumes": [volume]}
    assert plan_rows((), facts, {}, data)["volumes"] == [{"name": "v", "claim": "a/b", "does": does}]
