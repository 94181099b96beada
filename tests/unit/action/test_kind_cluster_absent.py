"""Removing clusters, and refusing to, on a host in memory; data and backups are real."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Declined,
    KindlabError,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.removal import NO_BACKUP
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.kubeconfig import Kubeconfig
from ansible_collections.kindlab.volumes.tests.unit.support.cluster_runs import Place, volume
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import CA, FakeCluster, swapped
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import KUBECONFIG, containers


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "users.yaml"))
    return Place(tmp_path)


def lost(error: KindlabError) -> dict[str, list[str]]:
    """Volume -> the reasons."""
    found: dict[str, list[str]] = {}
    for row in error.details:
        found.setdefault(row["name"], []).append(row["why"])
    return found


def test_absent_refuses_what_would_be_lost(place: Place) -> None:
    place.run()
    place.use(
        *volume("safe", "/var/local-path-provisioner/a", claim="safe"),
        *volume("deleted", "/var/local-path-provisioner/b", "Delete", claim="deleted"),
        *volume("inside", "/opt/inside", node="lab-worker"),
        *volume("elsewhere", "/opt/inside", node="gone-worker"),
    )
    error = place.refused(Declined, state="absent")
    assert lost(error) == {
        "deleted": ["its reclaim policy is Delete and its claim is bound", NO_BACKUP],
        "elsewhere": [NO_BACKUP],
        "inside": ["/opt/inside is not mounted from the host on lab-worker and is deleted with the node", NO_BACKUP],
        "safe": [NO_BACKUP],
    }
    assert {(d["name"], d["claim"]) for d in error.details} == {
        ("deleted", "default/deleted"),
        ("elsewhere", ""),
        ("inside", ""),
        ("safe", "default/safe"),
    }
    assert place.predicted(state="absent", force=True).changed
    assert place.host.nodes == []


def test_absent_with_a_complete_backup(place: Place) -> None:
    place.run()
    place.use(*volume("v", "/var/local-path-provisioner/a", "Delete", claim="c"))
    place.refused(Declined, state="absent")
    backup = place.save()
    files = sorted(place.backup.rglob("*"))
    assert place.predicted(state="absent", backup=backup).changed
    assert place.host.nodes == [] and not place.kubeconfig.exists() and not place.marker.exists()
    assert (place.data / "a" / "file").read_text() == "content" and sorted(place.backup.rglob("*")) == files
    assert not place.predicted(state="absent", backup=backup).changed


def test_absent_refuses_a_backup_that_is_none(place: Place) -> None:
    place.run()
    place.use(*volume("v", "/var/local-path-provisioner/a"))
    error = place.refused(Declined, state="absent", backup=str(place.backup))
    assert lost(error) == {"v": [f"Cannot read the backup directory {place.backup}: No such file or directory"]}
    assert "volume_backup" in error.next_step and "force=true" in error.next_step


def test_absent_needs_no_backup_without_volumes(place: Place) -> None:
    place.run()
    assert place.predicted(state="absent", backup=str(place.backup)).changed
    assert place.host.nodes == []


@pytest.mark.parametrize("force", [False, True])
def test_absent_when_data_was_changed_since_the_backup(place: Place, force: bool) -> None:
    place.run()
    place.use(*volume("v", "/var/local-path-provisioner/a"), *volume("w", "/var/local-path-provisioner/b"))
    backup = place.save()
    (place.data / "b" / "file").write_text("something else")
    if force:
        assert place.predicted(state="absent", backup=backup, force=True).changed
        assert place.host.nodes == [] and (place.data / "b" / "file").read_text() == "something else"
        return
    error = place.refused(Declined, state="absent", backup=backup)
    said = "its data has changed since the backup: 1 changed: file (size, sha256)"
    assert lost(error) == {"w": [said]}
    assert "Cluster lab cannot be deleted safely; nothing was changed:\n- w: its data has changed" in error.message
    place.save()
    assert place.predicted(state="absent", backup=backup).changed


def test_absent_when_a_volume_was_made_since_the_backup(place: Place) -> None:
    place.run()
    place.use(*volume("v", "/var/local-path-provisioner/a"))
    backup = place.save()
    place.use(*volume("new", "/var/local-path-provisioner/b", claim="new"))
    assert lost(place.refused(Declined, state="absent", backup=backup)) == {"new": ["the backup does not contain it"]}
    place.save()
    assert place.predicted(state="absent", backup=backup).changed


def test_absent_when_a_claim_was_made_since_the_backup(place: Place) -> None:
    place.run()
    pv, claim = volume("v", "/var/local-path-provisioner/a", claim="c")
    place.use(pv)
    backup = place.save()
    place.use(claim)
    error = place.refused(Declined, state="absent", backup=backup)
    assert lost(error) == {"v": ["the backup does not contain its claim default/c"]}
    place.save()
    assert place.predicted(state="absent", backup=backup).changed


def test_absent_when_a_pod_holds_a_volume(place: Place) -> None:
    place.run()
    place.use(*volume("v", "/var/local-path-provisioner/a", claim="c"))
    backup = place.save()
    uses = {"name": "data", "persistentVolumeClaim": {"claimName": "c"}}
    spec = {"nodeName": "lab-worker", "containers": [{"name": "main"}], "volumes": [uses]}
    place.api.put({"kind": "Pod", "metadata": {"namespace": "default", "name": "p"}, "spec": spec})
    error = place.refused(Declined, state="absent", backup=backup)
    assert lost(error) == {"v": ["it is in use: pod default/p uses it"]}
    assert "volume_detach" in error.next_step
    place.api.delete("Pod", "p", "default")
    assert place.predicted(state="absent", backup=backup).changed


def test_check_mode_after_a_detachment_and_a_backup_in_check_mode(place: Place) -> None:
    """What the run of three tasks does: the first two changed nothing here."""
    place.run()
    place.use(
        *volume("v", "/var/local-path-provisioner/a", "Delete", claim="c"),
        *volume("inside", "/opt/inside", node="lab-worker"),
    )
    uses = {"name": "data", "persistentVolumeClaim": {"claimName": "c"}}
    spec = {"nodeName": "lab-worker", "containers": [{"name": "main"}], "volumes": [uses]}
    place.api.put({"kind": "Pod", "metadata": {"namespace": "default", "name": "p"}, "spec": spec})
    both = ["v", "inside"]
    asked = {"state": "absent", "backup": str(place.backup)}
    assert place.run(True, **asked, assume_unused=both, assume_saved=both).changed
    with pytest.raises(Declined, match="it is in use: pod default/p uses it") as caught:
        place.run(True, **asked, assume_saved=both)
    assert set(lost(caught.value)) == {"v"}
    with pytest.raises(Declined) as caught:
        place.run(True, **asked, assume_unused=both, assume_saved=["inside"])
    assert "the backup would not contain it, or have no checksums of it" in lost(caught.value)["v"]
    # A run believes what it sees.
    with pytest.raises(Declined) as caught:
        place.run(**asked, assume_unused=both, assume_saved=both)
    assert set(lost(caught.value)) == set(both)


def test_absent_with_an_archive_of_what_is_inside_a_node(place: Place) -> None:
    place.run()
    directory = place.path / "inside"
    directory.mkdir()
    (directory / "file").write_text("content")
    place.use(*volume("v", str(directory), node="lab-worker"))
    backup = place.save(data="archive")
    (directory / "file").write_text("something else")
    goes, changed = lost(place.refused(Declined, state="absent", backup=backup))["v"]
    assert "deleted with the node" in goes and "its data has changed since the backup" in changed
    place.save(data="archive")
    assert place.predicted(state="absent", backup=backup).changed
    assert place.host.nodes == []


def test_absent_when_what_is_inside_can_not_be_compared(place: Place) -> None:
    """Its node is stopped: it may hold what was written after the backup."""
    place.run()
    directory = place.path / "inside"
    directory.mkdir()
    place.use(*volume("v", str(directory), node="lab-worker"))
    backup = place.save(data="archive")
    place.host.nodes[1]["State"]["Status"] = "exited"
    reasons = lost(place.refused(Declined, state="absent", backup=backup))["v"]
    assert "cannot be compared" in reasons[-1] and "lab-worker" in reasons[-1]


def test_absent_needs_no_backup_of_local_data(place: Place) -> None:
    place.run()
    (pv,) = volume("given", "/var/local-path-provisioner/a")
    place.use({**pv, "metadata": {"name": "given", "labels": {LABEL: "read-write"}}})
    assert place.predicted(state="absent").changed
    assert (place.data / "a" / "file").read_text() == "content"


def test_absent_when_data_can_not_be_read(place: Place) -> None:
    place.run()
    place.use(*volume("v", "/var/local-path-provisioner/a"))
    backup = place.save()
    shutil.rmtree(place.data / "a")
    assert str(place.data / "a") in lost(place.refused(Declined, state="absent", backup=backup))["v"][0]


def test_absent_refuses_what_can_not_be_known(place: Place) -> None:
    place.run()
    for node in place.host.nodes:
        node["State"]["Status"] = "exited"
    error = place.refused(Declined, state="absent")
    assert "force=true" in error.next_step
    assert place.predicted(state="absent", force=True).changed


def test_absent_reads_volumes_without_its_kubeconfig(place: Place) -> None:
    place.run()
    place.api.put(volume("inside", "/opt/inside")[0])
    place.kubeconfig.unlink()
    assert "inside" in place.refused(Declined, state="absent").message


def test_the_kubeconfig_of_another_cluster_with_the_same_names(place: Place) -> None:
    """It has no volumes, and would be believed."""
    place.run()
    place.api.ca = CA.replace("S2lu", "S2xu")
    for options in ({"state": "absent"}, {"state": "absent", "force": True}, {}):
        error = place.refused(BadInput, **options)
        assert "another cluster than lab: its CA certificate has the sha256" in error.message
        assert "kind get kubeconfig --name lab" in error.next_step
    assert len(place.host.nodes) == 2


def test_and_where_a_node_is_stopped(place: Place) -> None:
    place.run()
    place.api.ca = CA.replace("S2lu", "S2xu")
    place.host.nodes[1]["State"]["Status"] = "exited"
    place.refused(BadInput, state="absent")
    # Nothing runs that could prove it.
    place.host.nodes[0]["State"]["Status"] = "exited"
    place.host.runs = lambda _name: True
    error = place.refused(Declined, state="absent")
    assert "it is unknown whether volumes would lose data: No node of lab is running" in error.message


def test_absent_refuses_data_that_the_host_does_not_have(place: Place) -> None:
    place.run()
    place.use(*volume("v", "/var/local-path-provisioner/a", claim="c", node="lab-worker"))
    backup = place.save()
    place.host.looks["lab-worker"] = swapped("/lib/modules", "/var/local-path-provisioner")
    error = place.refused(Declined, state="absent", backup=backup)
    assert f"{place.data} on the host is not the directory that lab-worker has mounted" in error.message
    assert "docker restart lab-worker" in error.next_step


def test_entries_of_stopped_nodes_are_removed_if_their_authority_is_proved(place: Place) -> None:
    place.run(merge_kubeconfig=True)
    for node in place.host.nodes:
        node["State"]["Status"] = "exited"
    gone = place.predicted(state="absent", force=True)
    assert gone.changed and gone.before["merged"] and gone.warnings == ()
    assert not place.kubeconfig.exists() and not Kubeconfig(str(place.path / "users.yaml")).has_cluster("lab")


@pytest.mark.parametrize("lost", [False, True])
def test_entries_of_another_cluster_of_the_name_stay(place: Place, lost: bool) -> None:
    """Its nodes are stopped, and both kubeconfigs lead to another machine's cluster, through a tunnel of this one."""
    place.run()
    users, foreign = place.path / "users.yaml", KUBECONFIG.format(name="lab", number=9)
    users.write_text(foreign)
    place.kubeconfig.write_text(foreign)
    place.host.lost_ca = lost
    for node in place.host.nodes:
        node["State"]["Status"] = "exited"
    gone = place.predicted(state="absent", force=True)
    assert gone.changed and place.host.nodes == []
    assert (users.read_text(), place.kubeconfig.read_text()) == (foreign, foreign)
    told = zip((place.kubeconfig, users), gone.warnings, strict=True)
    assert all(f"The kubeconfig {path} keeps its entry kind-lab" in warning for path, warning in told)
    assert "config delete-context kind-lab" in gone.warnings[0]


@pytest.mark.parametrize("exists", [True, False])
def test_an_entry_by_which_another_cluster_answers_stays(place: Place, exists: bool) -> None:
    """A tunnel of this host leads to it; the cluster of this name here runs, or does not exist."""
    users, foreign = place.path / "users.yaml", KUBECONFIG.format(name="lab", number=9)
    if exists:
        place.run()
    users.write_text(foreign)
    connect = place.host.connect
    place.host.connect = lambda path, context: FakeCluster() if path == str(users) else connect(path, context)
    gone = place.predicted(state="absent")
    assert gone.changed is exists and place.host.nodes == [] and not place.kubeconfig.exists()
    assert users.read_text() == foreign
    (warning,) = gone.warnings
    assert f"The kubeconfig {users} keeps its entry kind-lab" in warning
    assert not place.predicted(state="absent").changed


@pytest.mark.parametrize(("theirs", "stays"), [("lab", True), (None, True), ("other", False)])
def test_entries_of_another_engines_cluster_stay(
    place: Place, monkeypatch: pytest.MonkeyPatch, theirs: str | None, stays: bool
) -> None:
    """Its nodes are stopped, or the engine does not answer."""
    users, foreign = place.path / "users.yaml", KUBECONFIG.format(name="lab", number=9)
    place.kubeconfig.parent.mkdir()
    for path in (users, place.kubeconfig):
        path.write_text(foreign)
    docker = place.host.run

    def run(argv: list[str], **how: Any) -> Completed:
        if argv[0] != "podman":
            return docker(argv, **how)
        shown = json.dumps(containers({"name": theirs, "nodes": [{"role": "control-plane"}]}))
        return Completed(0, shown if argv[1] == "inspect" else "id") if theirs else Completed(125, err="no socket")

    monkeypatch.setattr(place.host, "run", run)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == "podman" else None)
    gone = place.predicted(state="absent")
    assert gone.changed is not stays and len(gone.warnings) == (2 if stays else 0)
    assert Kubeconfig(str(users)).has_cluster("lab") is Kubeconfig(str(place.kubeconfig)).has_cluster("lab") is stays
