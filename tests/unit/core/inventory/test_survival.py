"""Whether data outlives its cluster: the obstacles of a deletion, and what an archive says about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.inventory.survival import (
    NOT_READ,
    Known,
    Survival,
    summary,
    survivals,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume, read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.removal import NO_BACKUP, Needed
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim, volume

NODES = (Node("k-worker", "k", "worker", mounts=(Mount("/data", "/srv/k"),)),)
(HOST,) = read_volumes([volume(0)], [claim(0)])
(INSIDE,) = read_volumes([volume(1, places="/inside")], [claim(1)])


def told(one: Volume, **known: Any) -> Survival:
    pv = volume(int(one.name[1:]))
    return survivals([one], Known({one.name: pv}, NODES, Needed((one,), ()), **known))[one.name]


@pytest.mark.parametrize(
    ("one", "known", "survives", "why"),
    [
        (HOST, {}, "yes", "its data is on the host, in /srv/k/v0"),
        (HOST, {"not_backed_up": {"v0": NO_BACKUP}}, "yes", "on the host"),
        (replace(HOST, reclaim_policy="Delete", claim_phase="Bound"), {}, "no", "its reclaim policy is Delete"),
        (replace(HOST, reclaim_policy="Delete", claim_phase=""), {}, "yes", "on the host"),
        (replace(HOST, is_terminating=True), {}, "unknown", "it or its claim is being deleted"),
        (HOST, {"missing": {"v0": "its directory /srv/k/v0 is missing"}}, "no", "is missing"),
        (HOST, {"unused": {"v0"}}, "yes", "never used"),
        (HOST, {"ephemeral": {"v0"}}, "no", "ends with its pod"),
        (replace(HOST, nodes=("gone",)), {}, "unknown", "its node gone is not part of this cluster"),
        (INSIDE, {"not_backed_up": {"v1": NO_BACKUP}}, "no", f"is deleted with the node; {NO_BACKUP}"),
        (INSIDE, {"not_backed_up": {"v1": "its data has changed"}}, "no", "node; its data has changed"),
        (INSIDE, {}, "no", "the backup has no archive of it"),
        (INSIDE, {"unread": {"v1": NOT_READ}}, "unknown", NOT_READ),
        (INSIDE, {"archived": {"v1"}}, "yes", "an archive in the backup holds its data"),
        (
            replace(INSIDE, reclaim_policy="Delete", claim_phase="Bound"),
            {"unread": {"v1": NOT_READ}},
            "no",
            "its reclaim policy is Delete",
        ),
    ],
)
def test_what_becomes_of_data(one: Volume, known: dict[str, Any], survives: str, why: str) -> None:
    found = told(one, **known)
    assert found.survives == survives
    assert why in found.why


def test_a_directory_that_the_node_does_not_have() -> None:
    mount = replace(NODES[0].mounts[0], mismatch="/srv/k was replaced", remedy="Restart the node.")
    known = Known({"v0": volume(0)}, (replace(NODES[0], mounts=(mount,)),), Needed((HOST,), ()))
    found = survivals([HOST], known)["v0"]
    assert (found.survives, found.next_step) == ("unknown", "Restart the node.")


@pytest.mark.parametrize("known", [{"unread": {"v1": NOT_READ}}, {"unread": {"v1": "the node is exited"}}, {}])
def test_next_steps_are_sentences(known: dict[str, Any]) -> None:
    found = told(INSIDE, **known)
    assert found.next_step == "" or found.next_step.endswith(".")
    assert (found.next_step == "Set verify=full to compare it.") == (known == {"unread": {"v1": NOT_READ}})


def test_one_line_about_all() -> None:
    kept, gone = Survival("yes", ""), Survival("no", "", what="inside lab-worker and in no backup")
    unsure = Survival("unknown", "", what="being deleted")
    assert summary([]) == "there are no volumes"
    assert summary([kept]) == "1 of 1 volume survives"
    assert summary([kept] * 20) == "all 20 volumes survive"
    assert summary([kept] * 18 + [gone] * 2) == "18 of 20 volumes survive; 2 are inside lab-worker and in no backup"
    assert summary([unsure, gone]) == (
        "0 of 2 volumes survive; 1 is inside lab-worker and in no backup; 1 is being deleted (unknown)"
    )
