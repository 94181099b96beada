"""Whole lives of clusters, on a host in memory; the files are real."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._action.kind_cluster import run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Declined,
    KindlabError,
    TimedOut,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import (
    KUBECONFIG,
    KindHost,
    Object,
    OpenKindHost,
    Silent,
)

DEFAULTS = {
    "name": "lab",
    "state": "present",
    "engine": "docker",
    "image": "kindest/node:v1.34.4",
    "control_planes": 1,
    "workers": 1,
    "kubeconfig": None,
    "merge_kubeconfig": False,
    "retain_on_failure": False,
    "wait_timeout": 1,
    "backup": None,
    "force": False,
}
SAVE = {**defaults(volume_backup.ARGUMENTS), "engine": "docker", "cluster": "lab", "compression": "gzip"}


class Place:
    """One host, its directory, and runs on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.host = OpenKindHost()
        self.kubeconfig = path / "kube" / "lab.yaml"
        self.mark = path / "kube" / "lab.yaml.unfinished"
        self.data = path / "data"
        self.backup = path / "backup"

    def options(self, **options: Any) -> dict[str, Any]:
        mounts = [{"host_path": str(self.data), "node_path": "/var/local-path-provisioner", "mode": "0750"}]
        return {**DEFAULTS, "mounts": mounts, "kubeconfig": str(self.kubeconfig), **options}

    def run(self, check_mode: bool = False, **options: Any) -> Outcome:
        return run(self.options(**options), check_mode, runner=self.host, connect=self.host.connect)

    def predicted(self, **options: Any) -> Outcome:
        """Run in check mode, which must write nothing, and then in earnest: both must tell the same."""
        files = sorted(self.path.rglob("*"))
        calls = len(self.host.writes())
        told = self.run(True, **options)
        assert len(self.host.writes()) == calls
        assert sorted(self.path.rglob("*")) == files
        done = self.run(**options)
        assert (told.changed, told.before, told.after) == (done.changed, done.before, done.after)
        return done

    def refused(self, error: type[KindlabError], **options: Any) -> KindlabError:
        """Both check mode and the run refuse, with the same words and without a write."""
        calls = len(self.host.writes())
        told = []
        for check_mode in (True, False):
            with pytest.raises(error) as raised:
                self.run(check_mode, **options)
            told.append(raised.value.text())
        assert told[0] == told[1]
        assert len(self.host.writes()) == calls
        return raised.value

    def use(self, *items: Object, node_path: str = "/var/local-path-provisioner") -> None:
        """Volumes and claims in the cluster; a volume below the mount has a directory with a file."""
        for item in items:
            self.api.put(item)
            path = Path(item["spec"].get("hostPath", {}).get("path", "/"))
            if path.is_relative_to(node_path):
                directory = self.data / path.relative_to(node_path)
                directory.mkdir()
                (directory / "file").write_text("content")

    def save(self, **options: Any) -> str:
        """A backup of all volumes; its path."""
        asked = {**SAVE, "path": str(self.backup), **options}
        volume_backup.run(asked, False, runner=self.host, connect=lambda *_where: self.api)
        return str(self.backup)

    @property
    def api(self) -> Any:
        return self.host.clusters["lab"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "users.yaml"))
    return Place(tmp_path)


def volume(name: str, directory: str, policy: str = "Retain", claim: str = "", node: str = "") -> list[Object]:
    spec: Object = {"hostPath": {"path": directory}, "persistentVolumeReclaimPolicy": policy}
    if node:
        term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [term]}}
    if not claim:
        return [{"kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}]
    spec["claimRef"] = {"namespace": "default", "name": claim}
    return [
        {"kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec, "status": {"phase": "Bound"}},
        {
            "kind": "PersistentVolumeClaim",
            "metadata": {"namespace": "default", "name": claim},
            "spec": {"volumeName": name},
            "status": {"phase": "Bound"},
        },
    ]


def test_from_nothing_to_nothing(place: Place) -> None:
    made = place.predicted()
    assert made.changed
    assert (made.before["state"], made.after["state"]) == ("absent", "running")
    assert place.data.is_dir() and place.data.stat().st_mode & 0o777 == 0o750
    assert place.kubeconfig.exists() and not place.mark.exists()
    assert not (place.path / "users.yaml").exists()
    assert made.facts["kubernetes_version"] == "v1.34.4"
    assert [n["name"] for n in made.facts["cluster"]["nodes"]] == ["lab-control-plane", "lab-worker"]

    again = place.predicted()
    assert not again.changed and again.before == again.after

    gone = place.predicted(state="absent")
    assert gone.changed and gone.after["state"] == "absent"
    assert place.host.nodes == [] and not place.kubeconfig.exists() and place.data.is_dir()
    assert not place.predicted(state="absent").changed


def test_second_run_asks_little(place: Place) -> None:
    place.run()
    place.host.calls.clear()
    place.run()
    assert [call[:2] for call in place.host.calls] == [["kind", "version"], ["docker", "ps"], ["docker", "inspect"]]


def test_drift_is_refused_and_told(place: Place) -> None:
    place.run()
    error = place.refused(Declined, workers=2, image="kindest/node:v9", mounts=[], controller_manager_qps=50)
    assert [(d["node"], d["field"]) for d in error.details] == [
        ("lab-control-plane", "image"),
        ("lab-control-plane", "mount /var/local-path-provisioner"),
        ("lab-worker", "image"),
        ("lab-worker", "mount /var/local-path-provisioner"),
        ("lab-worker2", "node"),
    ]
    assert "volume_backup" in error.next_step


def test_drift_that_no_container_shows(place: Place) -> None:
    place.run(controller_manager_qps=1000, labels={"a": "b"})
    error = place.refused(Declined, controller_manager_qps=50, networking={"pod_subnet": "10.9.0.0/16"})
    assert [(d["node"], d["field"], d["before"], d["after"]) for d in error.details] == [
        ("", "networking", None, {"podSubnet": "10.9.0.0/16"}),
        ("", "controller_manager_qps", 1000, 50),
        ("lab-control-plane", "labels", {"a": "b"}, None),
        ("lab-worker", "labels", {"a": "b"}, None),
    ]


def test_an_image_by_another_name_is_the_same(place: Place) -> None:
    place.run()
    place.host.images["mirror/node:x"] = "id of kindest/node:v1.34.4"
    assert not place.predicted(image="mirror/node:x").changed


def test_foreign_cluster_is_taken_as_far_as_it_shows(place: Place) -> None:
    place.run()
    place.api.delete("ConfigMap", "kindlab-cluster", "kube-system")
    assert place.predicted().warnings == ()
    warned = place.predicted(feature_gates={"A": True})
    assert not warned.changed and "feature_gates" in warned.warnings[0]


def test_stopped_nodes_are_started(place: Place) -> None:
    place.run()
    place.host.nodes[0]["State"]["Status"] = "exited"
    place.host.nodes[1]["State"]["Status"] = "paused"
    started = place.predicted()
    assert (started.before["state"], started.after["state"]) == ("stopped", "running")
    assert ["docker", "start", "lab-control-plane"] in place.host.calls
    assert ["docker", "unpause", "lab-worker"] in place.host.calls
    assert not place.predicted().changed


def test_hidden_drift_of_a_stopped_cluster_is_found_when_it_runs(place: Place) -> None:
    place.run(labels={"a": "b"})
    place.host.nodes[0]["State"]["Status"] = "exited"
    with pytest.raises(Declined):
        place.run()


@pytest.mark.parametrize("left", [None, KUBECONFIG.format(name="lab", number=7)], ids=["missing", "outdated"])
def test_kubeconfig_is_written_again(place: Place, left: str | None) -> None:
    place.run()
    place.kubeconfig.unlink()
    if left:
        place.kubeconfig.write_text(left)
    again = place.predicted()
    assert again.changed and again.before["kubeconfig"] is None
    assert not place.predicted().changed


def test_merging_into_the_users_own(place: Place) -> None:
    users = place.path / "users.yaml"
    place.run()
    assert place.predicted(merge_kubeconfig=True).changed
    assert "kind-lab" in users.read_text()
    assert not place.predicted(merge_kubeconfig=True).changed
    place.run(state="absent")
    assert "kind-lab" not in users.read_text()


def kill(_host: KindHost) -> None:
    raise Killed


def test_killed_in_kind_is_done_again(place: Place) -> None:
    place.host.during_create = kill
    with pytest.raises(Killed):
        place.run()
    assert place.mark.exists() and len(place.host.nodes) == 2
    place.host.during_create = lambda _host: None
    again = place.predicted()
    assert (again.before["state"], again.after["state"]) == ("unfinished", "running")
    assert not place.mark.exists() and place.host.created == 2
    assert not place.predicted().changed


def test_killed_in_kind_may_be_asked_for_differently_then(place: Place) -> None:
    place.host.during_create = kill
    with pytest.raises(Killed):
        place.run()
    place.host.during_create = lambda _host: None
    assert len(place.run(workers=3).facts["cluster"]["nodes"]) == 4


def test_killed_in_kind_can_be_removed(place: Place) -> None:
    place.host.during_create = kill
    with pytest.raises(Killed):
        place.run()
    assert place.predicted(state="absent").changed
    assert place.host.nodes == [] and not place.mark.exists()


def test_killed_while_waiting_is_gone_on_with(place: Place) -> None:
    place.run()
    place.api.delete("ConfigMap", "kindlab-cluster", "kube-system")
    place.mark.write_text("{}")
    again = place.predicted()
    assert again.changed and place.host.created == 1 and not place.mark.exists()
    assert place.api.get("ConfigMap", "kindlab-cluster", "kube-system") is not None


@pytest.mark.parametrize("state", ["present", "absent"])
def test_killed_in_a_removal_is_gone_on_with(place: Place, state: str) -> None:
    """The removal was found safe, or forced, before it began; what was inside the node that is gone was saved."""
    place.run()
    directory = place.path / "inside"
    directory.mkdir()
    place.use(*volume("safe", "/var/local-path-provisioner/a"), *volume("inside", str(directory), node="lab-worker"))
    backup = place.save(data="archive")
    place.host.during_delete = kill
    with pytest.raises(Killed):
        place.run(state="absent", backup=backup)
    assert len(place.host.nodes) == 1 and not place.kubeconfig.read_text().count("kind-lab")
    place.host.during_delete = lambda _host: None
    again = place.predicted(state=state, backup=backup)
    assert again.changed and again.before["state"] == "unfinished"
    assert len(place.host.nodes) == (2 if state == "present" else 0) and not place.mark.exists()


def test_a_removal_that_kind_could_not_do_is_taken_back(place: Place) -> None:
    """All nodes are there and their volumes too: it is a cluster in use."""
    place.run()
    place.mark.write_text("removing\n")
    for item in volume("used", "/opt/inside"):
        place.api.put(item)
    place.kubeconfig.unlink()
    place.refused(Declined, state="absent")
    assert place.predicted().changed
    assert place.host.created == 1 and place.kubeconfig.exists() and not place.mark.exists()


def test_what_a_killed_removal_left_is_looked_at_where_it_can_be(place: Place) -> None:
    """Its control plane may have been used ever since."""
    place.run()
    place.use(*volume("v", "/var/local-path-provisioner/a", node="lab-control-plane"))
    backup = place.save()
    place.host.during_delete = kill
    with pytest.raises(Killed):
        place.run(state="absent", backup=backup)
    place.host.during_delete = lambda _host: None
    (place.data / "a" / "file").write_text("something else")
    assert "was changed since" in place.refused(Declined, state="absent", backup=backup).message


@pytest.mark.parametrize("answers", [True, False])
def test_a_cluster_that_was_in_use_is_never_taken_for_unfinished(place: Place, answers: bool) -> None:
    """Its mark was left behind, then its kubeconfig was lost, or does not lead to it any more."""
    place.run()
    place.mark.write_text("{}")
    for item in volume("used", "/var/local-path-provisioner/x"):
        place.api.put(item)
    if answers:
        place.kubeconfig.unlink()
    else:
        place.host.ready.clear()
        place.host.clusters["lab"] = Silent()
    with suppress(KindlabError):
        place.run()
    assert place.host.created == 1 and len(place.host.nodes) == 2


def test_failure_of_kind_leaves_nothing_and_explains(place: Place) -> None:
    def fail(_host: KindHost) -> None:
        raise CommandFailed("ERROR: failed to create cluster: port is already allocated")

    place.host.during_create = fail
    with pytest.raises(CommandFailed) as raised:
        place.run()
    assert "host_port" in raised.value.next_step
    assert json.loads(raised.value.details["config"])["name"] == "lab"
    assert place.host.nodes == [] and not place.mark.exists()
    place.host.during_create = lambda _host: None
    assert place.run().changed


def test_what_kind_could_not_take_away_without_an_engine_is_replaced(place: Place) -> None:
    def engine_dies(host: KindHost) -> None:
        host.broken = Unreachable("Cannot connect to the Docker daemon.")
        raise CommandFailed("ERROR: failed to create cluster: command docker exec failed")

    place.host.during_create = engine_dies
    with pytest.raises(CommandFailed):
        place.run()
    assert len(place.host.nodes) == 2 and place.mark.exists()
    place.host.broken = None
    place.host.during_create = lambda _host: None
    again = place.predicted()
    assert (again.before["state"], again.after["state"]) == ("unfinished", "running")
    assert place.host.created == 2 and not place.mark.exists()


def test_retained_failure_is_replaced(place: Place) -> None:
    def fail(_host: KindHost) -> None:
        raise CommandFailed("ERROR: kubeadm init failed")

    place.host.during_create = fail
    with pytest.raises(CommandFailed):
        place.run(retain_on_failure=True)
    assert len(place.host.nodes) == 2
    place.host.during_create = lambda _host: None
    assert place.predicted().before["state"] == "unfinished"


def test_nodes_that_nobody_set_up_are_left_alone(place: Place) -> None:
    place.run()
    place.host.ready.clear()
    place.kubeconfig.unlink()
    place.refused(Declined)
    assert len(place.host.nodes) == 2


def lost(error: KindlabError) -> dict[str, list[str]]:
    """Volume -> the reasons."""
    found: dict[str, list[str]] = {}
    for loss in error.details:
        found.setdefault(loss["volume"], []).append(loss["reason"])
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
    none = "no backup is named that holds it"
    assert lost(error) == {
        "deleted": ["its reclaim policy is Delete and its claim is in use", none],
        "elsewhere": [none],
        "inside": ["/opt/inside is no host directory on lab-worker, it goes with the node", none],
        "safe": [none],
    }
    assert {(d["volume"], d["claim"]) for d in error.details} == {
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
    assert place.host.nodes == [] and not place.kubeconfig.exists() and not place.mark.exists()
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
    said = "its data was changed since it was saved: 1 changed: file (size, sha256)"
    assert lost(error) == {"w": [said]}
    assert "Removing the cluster lab is not safe: w: its data was changed" in error.message
    place.save()
    assert place.predicted(state="absent", backup=backup).changed


def test_absent_when_a_volume_was_made_since_the_backup(place: Place) -> None:
    place.run()
    place.use(*volume("v", "/var/local-path-provisioner/a"))
    backup = place.save()
    place.use(*volume("new", "/var/local-path-provisioner/b", claim="new"))
    assert lost(place.refused(Declined, state="absent", backup=backup)) == {"new": ["it is not in the backup"]}
    place.save()
    assert place.predicted(state="absent", backup=backup).changed


def test_absent_when_a_claim_was_made_since_the_backup(place: Place) -> None:
    place.run()
    pv, claim = volume("v", "/var/local-path-provisioner/a", claim="c")
    place.use(pv)
    backup = place.save()
    place.use(claim)
    error = place.refused(Declined, state="absent", backup=backup)
    assert lost(error) == {"v": ["the backup has not its claim default/c"]}
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


def test_absent_with_an_archive_of_what_is_inside_a_node(place: Place) -> None:
    place.run()
    directory = place.path / "inside"
    directory.mkdir()
    (directory / "file").write_text("content")
    place.use(*volume("v", str(directory), node="lab-worker"))
    backup = place.save(data="archive")
    (directory / "file").write_text("something else")
    goes, changed = lost(place.refused(Declined, state="absent", backup=backup))["v"]
    assert "it goes with the node" in goes and "its data was changed since it was saved" in changed
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
    assert "can't be seen" in reasons[-1] and "lab-worker" in reasons[-1]


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


def test_waiting_ends(place: Place) -> None:
    place.run()
    node = place.api.get("Node", "lab-worker")
    place.api.put({**node, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})
    with pytest.raises(TimedOut):
        place.run()
    assert not place.run(wait_for="control_planes").changed


def test_without_a_default_class_it_warns(place: Place) -> None:
    place.run()
    place.mark.write_text("{}")
    place.api.put({**place.api.get("StorageClass", "standard"), "metadata": {"name": "standard"}})
    assert "no default storage class" in place.run().warnings[0]


def test_without_a_network_nodes_are_not_waited_for(place: Place) -> None:
    options: dict[str, Any] = {"networking": {"disable_default_cni": True}}
    place.run(**options)
    node = place.api.get("Node", "lab-worker")
    place.api.put({**node, "status": {}})
    assert not place.run(**options).changed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "Lab_1"}, "'Lab_1' is not a name"),
        ({"name": "a" * 50}, "too long"),
        ({"name": "a" * 42, "control_planes": 3}, "too long"),
        ({"mounts": [{"host_path": "data", "node_path": "/x"}]}, "not an absolute path"),
        ({"mounts": [{"host_path": "/a", "node_path": "/x"}, {"host_path": "/b", "node_path": "/x/"}]}, "Two mounts"),
        ({"mounts": [{"host_path": "/a", "node_path": "/var"}]}, "belongs to kind"),
        ({"control_planes": 0}, "at least one control plane"),
        ({"networking": {"subnet": "x"}}, "networking has no subnet"),
    ],
)
def test_bad_input_touches_nothing(place: Place, options: dict[str, Any], said: str) -> None:
    assert said in place.refused(BadInput, **options).message
    assert place.host.calls == [] and list(place.path.iterdir()) == []


def test_host_path_that_is_a_file(place: Place) -> None:
    file = place.path / "file"
    file.touch()
    mount = {"host_path": str(file), "node_path": "/kind/manifests/default-storage.yaml"}
    assert "is not a directory" in place.refused(BadInput, mounts=[mount]).message
    assert place.run(mounts=[{**mount, "create": False}]).changed


def test_host_path_that_is_missing_and_not_to_be_made(place: Place) -> None:
    mount = {"host_path": str(place.data), "node_path": "/x", "create": False}
    assert "does not exist" in place.refused(BadInput, mounts=[mount]).message


def test_host_path_below_a_file(place: Place) -> None:
    (place.path / "file").touch()
    mount = {"host_path": str(place.path / "file" / "below"), "node_path": "/x"}
    assert "is not a directory" in place.refused(BadInput, mounts=[mount]).message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_host_path_without_the_right_to_make_it(place: Place) -> None:
    place.path.chmod(0o500)
    mount = {"host_path": str(place.data), "node_path": "/x"}
    assert "may not write" in place.refused(BadInput, mounts=[mount]).message


def test_kind_that_is_too_old(place: Place) -> None:
    place.host.kind_version = "kind v0.11.1 go1.16"
    assert "too old" in place.refused(BadInput).message


def test_engine_that_is_not_there(place: Place) -> None:
    place.host.broken = CommandFailed("The program docker is not on this host.")
    assert "role kindlab.volumes.engine" in place.refused(Unreachable).next_step
