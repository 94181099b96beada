"""The plan of a recreation, as its module returns it."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate import report
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.report import plan_rows
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import STEPS


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


def test_what_is_replaced_is_moved_away_before_it_is_restored_by_hand() -> None:
    facts = {"generation": "1", "replaced": {"v0": "/srv/v0"}}
    steps = {step.name: step for step in STEPS}
    for failed, told in (("provisioned", True), ("set_aside", True), ("restored", False)):
        text = report.continuation("", steps[failed], "/b", facts)
        assert ("moving away what is in /srv/v0, kindlab.volumes.volume_restore" in text) is told
    assert "moving away" not in report.continuation("", steps["set_aside"], "/b", {"generation": "1"})
