"""Where a recreation goes on, for every journal and every state of the cluster; and of what the next one is made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog, SavedCluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import (
    PARTLY,
    RUNNING,
    STOPPED,
    UNFINISHED,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import GIVEN_BACK, STEPS, Begun
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.resume import (
    CREATE,
    DELETE,
    SALVAGE,
    SAVE,
    from_backup,
    is_gone,
    is_whole,
    shape,
    storage_options,
    volume_plan,
    was_running,
    where,
)
from ansible_collections.kindlab.volumes.tests.unit.support.backups import saved_volume

FACTS = {"cluster": "lab", "engine": "docker", "nodes": ["lab-control-plane", "lab-worker"]}
NODES = {"lab-control-plane": "running", "lab-worker": "running"}


def cluster(state: str, reachable: bool, **nodes: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): node for name, node in nodes.items()} or NODES
    return {"state": state, "reachable": reachable, "nodes": [{"name": n, "state": s} for n, s in named.items()]}


WHOLE = cluster(RUNNING, True)
# Everything that is neither whole nor gone.
USED = {
    "silent": cluster(RUNNING, False),
    "stopped": cluster(STOPPED, False, lab_control_plane="exited", lab_worker="exited"),
    "partly": cluster(PARTLY, True, lab_control_plane="running", lab_worker="exited"),
    "lacking a node": cluster(PARTLY, False, lab_worker="exited"),
}
LEFT = {
    "that answers": cluster(UNFINISHED, True),
    "that is silent": cluster(UNFINISHED, False, lab_worker="running"),
}


def journals() -> dict[str, tuple[str, ...]]:
    """All journals that a run, killed or not, can leave: a word for each."""
    found = {f"to {step}": STEPS[: number + 1] for number, step in enumerate(STEPS)}
    for step in ("planned", "detached", "saved", "deleting"):
        found[f"given back after {step}"] = (*found[f"to {step}"], GIVEN_BACK)
    return {"nothing": (), **found}


JOURNALS = journals()
BEFORE_SAVED = {"to planned", "to detached", "given back after planned", "given back after detached"}
GONE = [f"to {step}" for step in STEPS[STEPS.index("deleted") : STEPS.index("done")]]


def place(
    steps: tuple[str, ...], found: dict[str, Any] | None, *, saved: bool = False, salvage: bool = False, **facts: Any
) -> str:
    begun = Begun(steps, {**FACTS, **facts} if steps else {})
    return where("lab", "docker", begun, found, "/backup/recreate.jsonl", saved=saved, salvage=salvage)


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_whole_cluster_is_saved_unless_it_is_the_successor(journal: str) -> None:
    assert place(JOURNALS[journal], WHOLE) == (CREATE if journal in GONE else SAVE)


@pytest.mark.parametrize("journal", JOURNALS)
def test_no_cluster_is_created_again_where_its_volumes_were_saved(journal: str) -> None:
    if journal == "nothing" or journal in BEFORE_SAVED:
        with pytest.raises(BadInput, match=r"There is no cluster lab, and no /backup/recreate\.jsonl"):
            place(JOURNALS[journal], None)
    else:
        assert place(JOURNALS[journal], None) == CREATE


@pytest.mark.parametrize("state", USED)
@pytest.mark.parametrize("journal", JOURNALS)
def test_what_may_be_in_use_is_never_deleted(journal: str, state: str) -> None:
    """Also where its deletion was begun: it may have been refused, and the cluster used ever since."""
    if journal in GONE:
        assert place(JOURNALS[journal], USED[state]) == CREATE
        return
    with pytest.raises(Declined, match=r"can't be saved\. Nothing was changed\.") as raised:
        place(JOURNALS[journal], USED[state])
    rest = state == "lacking a node" and journal == "to deleting"
    said = "lab-control-plane is gone. Where nobody has used it since" if rest else "Start it"
    assert said in raised.value.next_step
    assert ("force=true" in raised.value.next_step) is rest


@pytest.mark.parametrize("state", LEFT)
@pytest.mark.parametrize("journal", JOURNALS)
def test_only_what_a_deletion_left_is_deleted(journal: str, state: str) -> None:
    if journal == "to deleting":
        assert place(JOURNALS[journal], LEFT[state]) == DELETE
    elif journal in GONE:
        assert place(JOURNALS[journal], LEFT[state]) == CREATE
    else:
        with pytest.raises(Declined):
            place(JOURNALS[journal], LEFT[state])


@pytest.mark.parametrize("journal", JOURNALS)
def test_no_cluster_is_created_again_from_a_backup(journal: str) -> None:
    assert place(JOURNALS[journal], None, saved=True) == CREATE


@pytest.mark.parametrize("state", [*USED, *LEFT])
@pytest.mark.parametrize("journal", JOURNALS)
def test_only_what_is_silent_is_salvaged(journal: str, state: str) -> None:
    found = {**USED, **LEFT}[state]
    if journal in GONE:
        assert place(JOURNALS[journal], found, saved=True, salvage=True) == CREATE
    elif journal == "to deleting" and state in LEFT:
        assert place(JOURNALS[journal], found, saved=True, salvage=True) == DELETE
    elif found["reachable"]:
        with pytest.raises(Declined):
            place(JOURNALS[journal], found, saved=True, salvage=True)
    else:
        assert place(JOURNALS[journal], found, saved=True, salvage=True) == SALVAGE
        with pytest.raises(Declined, match="does not answer"):
            place(JOURNALS[journal], found, saved=True)


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_whole_cluster_is_never_salvaged(journal: str) -> None:
    assert place(JOURNALS[journal], WHOLE, saved=True, salvage=True) == (CREATE if journal in GONE else SAVE)


@pytest.mark.parametrize("found", [None, WHOLE, *USED.values(), *LEFT.values()])
@pytest.mark.parametrize("journal", sorted({*JOURNALS} - {"nothing"}))
def test_the_journal_of_another_cluster_is_refused(journal: str, found: dict[str, Any] | None) -> None:
    with pytest.raises(BadInput, match="tells of the cluster other, not of lab"):
        place(JOURNALS[journal], found, cluster="other")
    with pytest.raises(BadInput, match="tells of the cluster None"):
        where("lab", "docker", Begun(JOURNALS[journal], {}), found, "j")


@pytest.mark.parametrize("journal", sorted({*JOURNALS} - {"nothing"}))
def test_what_another_engine_may_run_is_not_created(journal: str) -> None:
    """Two clusters would have the same directories."""
    for found in (None, *USED.values(), *LEFT.values()):
        with pytest.raises(KindlabError, match="tells of a cluster of podman, not of docker") as raised:
            place(JOURNALS[journal], found, engine="podman")
        assert "engine: podman" in raised.value.next_step
    if journal not in GONE:
        assert place(JOURNALS[journal], WHOLE, engine="podman") == SAVE


def test_the_refusal_names_the_nodes_and_their_states() -> None:
    with pytest.raises(Declined) as raised:
        place((), USED["partly"])
    assert raised.value.message.startswith(
        "The cluster lab is partly running, and its API server answers (lab-worker is exited): what is in it now"
    )
    with pytest.raises(Declined, match="lab is running, and its API server does not answer: "):
        place((), USED["silent"])


def test_whole_and_gone() -> None:
    assert [is_whole(found) for found in (None, WHOLE, *USED.values(), *LEFT.values())] == [False, True, *[False] * 6]
    assert [is_gone(found) for found in (None, WHOLE, *USED.values())] == [True, False, *[False] * 4]
    assert all(map(is_gone, LEFT.values()))


def test_what_was_recorded_counts_more() -> None:
    asked = {"nodes": [{"role": "worker"}], "merge_kubeconfig": True}
    recorded = {"nodes": [{"role": "control-plane"}]}
    assert shape("lab", asked, recorded) == {"nodes": [{"role": "control-plane"}], "merge_kubeconfig": True}
    assert shape("lab", asked, {}) == asked
    with pytest.raises(BadInput, match=r"not all of its shape is known\. Nothing was changed"):
        shape("lab", {"workers": 2}, {})


@pytest.mark.parametrize("option", ["name", "state", "engine", "kind", "kubeconfig", "backup", "force"])
def test_options_don_t_lead_elsewhere(option: str) -> None:
    """The creation would be that of another cluster, or a removal without a look."""
    with pytest.raises(BadInput, match=f"options has {option},"):
        shape("lab", {option: "x", "nodes": []}, {})


def test_classes_of_others_are_told_apart() -> None:
    classes = [{"name": "a", "options": {"name": "hostpath"}}, {"name": "b", "options": {}}]
    assert storage_options(classes) == ([{"name": "hostpath"}], ["b"])
    assert storage_options([]) == ([], [])


@pytest.mark.parametrize(
    ("node", "data", "does"),
    [
        ("", "in_place", "its data stays in /srv/v"),
        ("", "archive", "its data stays in /srv/v, and goes into an archive"),
        ("lab-worker", "archive", "its data goes from /opt/v in lab-worker into an archive, and back"),
    ],
)
def test_what_becomes_of_data(node: str, data: str, does: str) -> None:
    volume = {"name": "v", "claim": "a/b", "node": node, "node_directory": "/opt/v", "host_directory": "/srv/v"}
    assert volume_plan([volume], data) == [{"name": "v", "claim": "a/b", "does": does}]


def test_what_a_backup_says_of_its_cluster() -> None:
    volumes = (saved_volume(0, files=2, bytes=9), saved_volume(1, host_directory="", reclaim_policy="Retain"))
    catalog = Catalog("2026-01-02T03:04:05Z", SavedCluster("lab", "v1.34.4"), volumes=volumes)
    described = {"nodes": ["n"], "images": ["i"], "options": {"nodes": []}, "storage_classes": [{"name": "a"}]}
    found = from_backup(catalog, {**described, "kind": "Cluster"}, "000001-x", "docker")
    told = found.pop("volumes")
    assert found == {
        **described,
        "cluster": "lab",
        "engine": "docker",
        "kubernetes_version": "v1.34.4",
        "generation": "000001-x",
    }
    assert [(v["name"], v["node"], v["host_directory"], v["reclaim_policy_before"]) for v in told] == [
        ("v0", "", "/srv/v0", "Delete"),
        ("v1", "k-worker", "", "Retain"),
    ]
    assert (told[0]["files"], told[0]["bytes"], told[0]["claim"]) == (2, 9, "ns/c0")
    assert volume_plan(told, "in_place")[0]["does"] == "its data stays in /srv/v0"
    assert from_backup(catalog, {"options": None}, "g", "docker")["options"] == {}


@pytest.mark.parametrize(("state", "ran"), [("running", True), ("paused", True), ("exited", False), ("dead", False)])
def test_only_nodes_that_ran_are_started_again(state: str, ran: bool) -> None:
    node = Node("n", "lab", "worker", state=state)
    assert was_running(replace(node, state="exited"), [node]) is ran
    assert not was_running(replace(node, name="other"), [node])
