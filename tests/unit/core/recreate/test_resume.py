"""Where a recreation starts or resumes, for every journal and every state of the cluster."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import (
    PARTLY,
    RUNNING,
    STOPPED,
    UNFINISHED,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import Progress
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.resume import (
    is_complete,
    is_gone,
    resume_at,
    stranger,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import (
    CREATE,
    DELETE,
    ENTRIES,
    FIRST,
    ROLLED_BACK,
)

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
    found = {f"to {step}": ENTRIES[: number + 1] for number, step in enumerate(ENTRIES)}
    for step in ("planned", "detached", "backed_up", "deleting"):
        found[f"rolled back after {step}"] = (*found[f"to {step}"], ROLLED_BACK)
    return {"nothing": (), **found}


JOURNALS = journals()
BEFORE_BACKUP = {f"to {step}" for step in ENTRIES[: ENTRIES.index("backed_up")]}
BEFORE_BACKUP |= {"rolled back after planned", "rolled back after detached"}
GONE = [f"to {step}" for step in ENTRIES[ENTRIES.index("deleted") : ENTRIES.index("done")]]


def place(
    steps: tuple[str, ...],
    found: dict[str, Any] | None,
    *,
    backed_up: bool = False,
    without_api: bool = False,
    **facts: Any,
) -> str:
    begun = Progress(steps, {**FACTS, **facts} if steps else {})
    return resume_at(
        "lab", "docker", begun, found, "/backup/recreate.jsonl", backed_up=backed_up, without_api=without_api
    )


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_whole_cluster_is_backed_up_unless_it_is_the_successor(journal: str) -> None:
    assert place(JOURNALS[journal], WHOLE) == (CREATE if journal in GONE else FIRST)


@pytest.mark.parametrize("journal", JOURNALS)
def test_no_cluster_is_created_again_where_its_volumes_were_backed_up(journal: str) -> None:
    if journal == "nothing" or journal in BEFORE_BACKUP:
        with pytest.raises(
            BadInput, match=r"Cluster lab does not exist, and there is no journal /backup/recreate\.jsonl"
        ):
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
    with pytest.raises(Declined, match=r"cannot be backed up\. Nothing was changed\.") as raised:
        place(JOURNALS[journal], USED[state])
    rest = state == "lacking a node" and journal == "to deleting"
    said = "lab-control-plane is gone. If nobody has used it since" if rest else "Start it"
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
    assert place(JOURNALS[journal], None, backed_up=True) == CREATE


@pytest.mark.parametrize("state", [*USED, *LEFT])
@pytest.mark.parametrize("journal", JOURNALS)
def test_only_what_is_silent_is_recreated_without_api(journal: str, state: str) -> None:
    found = {**USED, **LEFT}[state]
    if journal in GONE:
        assert place(JOURNALS[journal], found, backed_up=True, without_api=True) == CREATE
    elif journal == "to deleting" and state in LEFT:
        assert place(JOURNALS[journal], found, backed_up=True, without_api=True) == DELETE
    elif found["reachable"]:
        with pytest.raises(Declined):
            place(JOURNALS[journal], found, backed_up=True, without_api=True)
    else:
        assert place(JOURNALS[journal], found, backed_up=True, without_api=True) == FIRST
        with pytest.raises(Declined, match="does not answer"):
            place(JOURNALS[journal], found, backed_up=True)


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_whole_cluster_is_never_recreated_without_api(journal: str) -> None:
    assert place(JOURNALS[journal], WHOLE, backed_up=True, without_api=True) == (CREATE if journal in GONE else FIRST)


@pytest.mark.parametrize("found", [None, WHOLE, *USED.values(), *LEFT.values()])
@pytest.mark.parametrize("journal", sorted({*JOURNALS} - {"nothing"}))
def test_the_journal_of_another_cluster_is_refused(journal: str, found: dict[str, Any] | None) -> None:
    with pytest.raises(BadInput, match="belongs to cluster other, not lab"):
        place(JOURNALS[journal], found, cluster="other")
    with pytest.raises(BadInput, match="belongs to cluster None"):
        resume_at("lab", "docker", Progress(JOURNALS[journal], {}), found, "j")


@pytest.mark.parametrize("journal", sorted({*JOURNALS} - {"nothing"}))
def test_what_another_engine_may_run_is_not_created(journal: str) -> None:
    """Two clusters would have the same directories."""
    for found in (None, *USED.values(), *LEFT.values()):
        with pytest.raises(KindlabError, match="belongs to a cluster of podman, not docker") as raised:
            place(JOURNALS[journal], found, engine="podman")
        assert "engine=podman" in raised.value.next_step
    if journal not in GONE:
        assert place(JOURNALS[journal], WHOLE, engine="podman") == FIRST


def test_the_refusal_names_the_nodes_and_their_states() -> None:
    with pytest.raises(Declined) as raised:
        place((), USED["partly"])
    assert raised.value.message.startswith(
        "Cluster lab is partly running, and its API server answers (lab-worker is exited): its current data"
    )
    with pytest.raises(Declined, match="lab is running, and its API server does not answer: "):
        place((), USED["silent"])


def test_whole_and_gone() -> None:
    assert [is_complete(found) for found in (None, WHOLE, *USED.values(), *LEFT.values())] == [
        False,
        True,
        *[False] * 6,
    ]
    assert [is_gone(found) for found in (None, WHOLE, *USED.values())] == [True, False, *[False] * 4]
    assert all(map(is_gone, LEFT.values()))


@pytest.mark.parametrize(
    ("finished", "identity", "volumes", "used", "why"),
    [
        ("created", "own", [], [], ""),
        ("created", "own", ["v0"], [], ""),
        ("created", "other", [], [], "somebody created another cluster"),
        ("created", "own", ["v0"], ["v0"], "restored by somebody else"),
        ("created", "own", ["new"], ["new"], ""),
        ("verified", "own", ["v0"], ["v0"], ""),
        ("verified", "other", ["v0"], ["v0"], "somebody created another cluster"),
        ("deleted", "any", [], [], ""),
        ("deleted", "any", ["v0"], [], "it has volumes already"),
    ],
)
def test_whether_a_cluster_is_that_of_an_interrupted_run(
    finished: str, identity: str, volumes: list[str], used: list[str], why: str
) -> None:
    facts = {**FACTS, "cluster_id": "own", "volumes": [{"name": "v0"}]}
    found = stranger(Progress(JOURNALS[f"to {finished}"], facts), identity, volumes, used)
    assert why in found and bool(found) is bool(why)


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_stranger_is_recreated_as_it_is(journal: str) -> None:
    begun = Progress(JOURNALS[journal], FACTS if JOURNALS[journal] else {})
    assert resume_at("lab", "docker", begun, WHOLE, "j", stranger="why") == FIRST
