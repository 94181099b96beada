"""volume_detach with a backup: the same before and after, and its workloads are created in another cluster."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.tests.unit.support.backups import inspected
from ansible_collections.kindlab.volumes.tests.unit.support.detaching import (
    BASE,
    EVERYTHING,
    STOPPED,
    C,
    attach,
    killed_anywhere,
    play,
    results,
    running,
    specs,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner, merge
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import (
    Controlled,
    as_served,
    bound,
    stateful,
    workload,
)


class BackedUp:
    """What EVERYTHING's backup holds, and an empty cluster that has the volumes again."""

    def __init__(self, top):
        self.data = top / "data"
        for name in ("c", "data-db-0", "data-db-1"):
            (self.data / name).mkdir(parents=True)
        self.path = str(top / "backup")
        self.second = 0

    def save(self, cluster, check_mode=False):
        self.second += 1
        shown = inspected("k-worker", "k", "worker", data=str(self.data))
        return volume_backup.run(
            {**defaults(volume_backup.ARGUMENTS), "engine": "docker", "cluster": "k", "path": self.path},
            check_mode,
            runner=ScriptedRunner([(["docker", "ps"], "id\n"), (["docker", "inspect"], json.dumps([shown]))]),
            connect=lambda *_where: cluster,
            now=lambda: datetime(2026, 11, 23, 7, 0, self.second, tzinfo=timezone.utc),
        )

    def restored(self, *objects):
        return Controlled(*BASE, *C, *bound("data-db-0"), *bound("data-db-1"), *objects)


@pytest.fixture
def backup(tmp_path):
    return BackedUp(tmp_path)


SAVED = [*STOPPED, "Deployment/idle"]


def test_a_backup_is_the_same_before_and_after(backup):
    cluster = running(*EVERYTHING)
    assert backup.save(cluster).changed
    play(cluster)
    assert not backup.save(cluster).changed
    attach(cluster)
    assert not backup.save(cluster).changed


def test_in_an_empty_cluster_the_workloads_of_a_backup_are_created(backup):
    before, _pods = specs(running(*EVERYTHING))
    cluster = running(*EVERYTHING)
    play(cluster)
    backup.save(cluster)
    empty = backup.restored()
    checked = attach(empty, True, path=backup.path)
    assert (checked.changed, empty.writes) == (True, [])
    done = attach(empty, path=backup.path, wait=True)
    assert (done.changed, done.before, done.after) == (True, checked.before, checked.after)
    assert results(done) == dict.fromkeys(sorted(SAVED), "created")
    assert set(done.before["workloads"].values()) == {None}
    assert {verb for verb, _kind, _name in empty.writes} == {"create"}
    for name in SAVED:
        kind, _slash, own = name.partition("/")
        made, old = empty.get(kind, own, "ns"), before[f"ns/{name}"]
        assert made["metadata"]["uid"] != old["metadata"]["uid"]
        if kind != "Job":
            assert as_served(made)["spec"] == old["spec"]
    job, old = empty.get("Job", "once", "ns")["spec"], before["ns/Job/once"]["spec"]
    del old["selector"]
    old["template"]["metadata"]["labels"] = {"app": "once"}
    assert job == old
    for check in (False, True):
        assert not attach(empty, check, path=backup.path).changed


def test_a_creation_that_was_killed_is_completed_by_the_next(backup):
    backup.save(running(*EVERYTHING))

    def give(cluster):
        return attach(cluster, path=backup.path)

    whole = backup.restored()
    give(whole)
    for cluster in killed_anywhere(give, backup.restored):
        give(cluster)
        assert specs(cluster)[0].keys() == specs(whole)[0].keys()


def test_existing_workloads_are_left_as_they_are(backup):
    backup.save(running(*EVERYTHING))
    here = workload("Deployment", "web", "c", replicas=7)
    db = stateful("db", replicas=2)
    cluster = backup.restored(here, merge(db, workloads.scale_down_patch(db)))
    done = attach(cluster, path=backup.path, names=["ns/c", "ns/data-db-0"])
    expected = {**dict.fromkeys(SAVED, "created"), "StatefulSet/db": "attached"}
    del expected["Deployment/web"]
    assert results(done) == expected
    assert as_served(cluster.get("Deployment", "web", "ns")) == as_served(here)
    assert as_served(cluster.get("StatefulSet", "db", "ns")) == as_served(db)


def test_only_what_uses_the_selected_volumes_is_created(backup):
    backup.save(running(*EVERYTHING))
    done = attach(backup.restored(), path=backup.path, names=["ns/data-db-1"])
    assert results(done) == {"StatefulSet/db": "created"}


@pytest.mark.parametrize(("generation", "replicas"), [(None, 5), ("1", 2), ("000002-20261123T070002Z", 5)])
def test_a_generation_may_be_named(backup, generation, replicas):
    cluster = running(*EVERYTHING)
    backup.save(cluster)
    cluster.put(workload("Deployment", "web", "c", replicas=5))
    backup.save(cluster)
    empty = backup.restored()
    attach(empty, path=backup.path, generation=generation)
    assert empty.get("Deployment", "web", "ns")["spec"]["replicas"] == replicas


def test_a_backup_without_workloads(backup):
    backup.save(backup.restored())
    cluster = backup.restored()
    assert not attach(cluster, path=backup.path).changed
    with pytest.raises(BadInput, match="no generation 7"):
        attach(cluster, path=backup.path, generation="7")


def test_a_missing_namespace_is_an_error(backup):
    backup.save(running(*EVERYTHING))
    cluster = backup.restored()
    del cluster.objects["Namespace", "", "ns"]
    with pytest.raises(KindlabError, match='namespaces "ns" not found'):
        attach(cluster, path=backup.path)
    assert specs(cluster)[0].keys() == specs(backup.restored())[0].keys()


def test_created_workloads_that_cannot_start_are_warnings(backup):
    """A backup has no ConfigMaps."""
    state = {"waiting": {"reason": "CreateContainerConfigError", "message": 'configmap "web-config" not found'}}
    status = {"phase": "Pending", "containerStatuses": [{"name": "c", "ready": False, "state": state}]}
    backup.save(running(*EVERYTHING))
    cluster = backup.restored()

    def fail(watched):
        watched.control()
        for item in watched.list("Pod"):
            if item["metadata"]["name"].startswith("web"):
                watched.put({**item, "status": status})
        web = watched.get("Deployment", "web", "ns")
        watched.put(merge(web, {"status": {"readyReplicas": 0}}))

    cluster.react = fail
    (warning,) = attach(cluster, path=backup.path).warnings
    assert "ns/Deployment/web: pod ns/web-1-0 is CreateContainerConfigError" in warning
    assert not attach(cluster, path=backup.path).changed
