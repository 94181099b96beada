"""Directories become volumes and claims: by their names, by a plan, by a file beside them; or all are refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_adopt
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.tests.unit.support.backups import NAMESPACE, STORAGE_CLASS, inspected, volume
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed, ScriptedRunner, swapped
from ansible_collections.kindlab.volumes.tests.unit.support.pruning import (
    OLD,
    OTHER,
    PLANE,
    VOLUME,
    WORKER,
    Lab,
    Machine,
)

HOSTPATH = f"ns-a-c-{VOLUME.replace('77', '99')}"
PENDING = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"namespace": "ns", "name": "old"},
    "spec": {
        "accessModes": ["ReadWriteOncePod"],
        "storageClassName": "standard",
        "resources": {"requests": {"storage": "5Gi"}},
    },
    "status": {"phase": "Pending"},
}


@pytest.fixture(autouse=True)
def one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    found = Lab(tmp_path)
    for item in (NAMESPACE, STORAGE_CLASS):
        found.cluster.put(item)
    return found


def adopt(lab: Lab, *, check: bool = False, **options: Any) -> Outcome:
    given = {**defaults(volume_adopt.ARGUMENTS), "engine": "docker", "cluster": "k", **options}
    machine = Machine(lab.planes, *lab.nodes())
    machine.busy = lab.busy
    return volume_adopt.run(given, check, runner=machine, connect=lambda *_where: lab.cluster)


def refused(lab: Lab, **options: Any) -> list[dict[str, Any]]:
    """The details of a refusal, the same in check mode; nothing was written."""
    lab.cluster.writes.clear()
    details = []
    for check in (True, False):
        with pytest.raises(Declined) as raised:
            adopt(lab, check=check, **options)
        details.append(raised.value.details)
    assert lab.cluster.writes == [] and details[0] == details[1]
    return details[0]


def phases(lab: Lab, volume: str, namespace: str, claim: str) -> list[str]:
    pv, pvc = lab.cluster.get("PersistentVolume", volume), lab.cluster.get("PersistentVolumeClaim", claim, namespace)
    assert pv and pvc and pv["spec"]["claimRef"]["uid"] == pvc["metadata"]["uid"]
    assert pvc["spec"]["volumeName"] == volume
    return [pv["status"]["phase"], pvc["status"]["phase"]]


def plan(lab: Lab, *rows: Object) -> str:
    path = lab.top / "plan.yml"
    path.write_text(yaml.safe_dump({"volumes": [*rows]}))
    return str(path)


def row(lab: Lab, **more: Any) -> Object:
    return {
        "directory": str(lab.old),
        "volume": VOLUME,
        "claim": "ns/old",
        "storage_class": "standard",
        "capacity": "1Gi",
        "nodes": [WORKER],
        **more,
    }


def test_by_the_names_of_directories(lab: Lab) -> None:
    lab.make("of-people")
    predicted = adopt(lab, check=True)
    assert predicted.changed and lab.cluster.writes == []
    done = adopt(lab)
    assert (
        done.facts
        == predicted.facts
        == {
            "volumes": [
                {
                    **row(lab),
                    "nodes": [PLANE],
                    "access_modes": ["ReadWriteOnce"],
                    "node_directory": f"/data/{OLD}",
                    "action": "adopt",
                }
            ]
        }
    )
    assert phases(lab, VOLUME, "ns", "old") == ["Bound", "Bound"]
    pv = lab.cluster.get("PersistentVolume", VOLUME)
    assert pv and pv["metadata"]["annotations"] == {"pv.kubernetes.io/provisioned-by": "rancher.io/local-path"}
    assert pv["spec"]["hostPath"] == {"path": f"/data/{OLD}", "type": "Directory"}
    assert pv["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    for check in (True, False):
        again = adopt(lab, check=check)
        assert not again.changed and again.facts["volumes"] == []
    assert (lab.old / "file").read_text() == "content"


def test_the_diff_shows_volumes_and_claims(lab: Lab) -> None:
    done = adopt(lab)
    assert (done.before, done.after) == ({"volumes": {}}, {"volumes": {VOLUME: "ns/old"}})


def test_data_that_was_set_aside_is_adopted_by_a_plan_alone(lab: Lab) -> None:
    aside = lab.make(f"{OLD}.set-aside-20260102T030405Z")
    done = adopt(lab, write_plan=str(lab.top / "written.yml"))
    assert [item["directory"] for item in done.facts["volumes"]] == [str(lab.old)]
    warning = f"Data that was set aside is only adopted if a plan names it: {aside} (2026-01-02T03:04:05Z)"
    assert done.warnings == adopt(lab, check=True).warnings == (warning,)
    path = plan(lab, row(lab, directory=str(aside), volume="before", claim="ns/before"))
    done = adopt(lab, plan=path)
    assert done.changed and done.warnings == () and phases(lab, "before", "ns", "before") == ["Bound", "Bound"]
    assert not adopt(lab, plan=path).changed


def test_a_directory_whose_data_a_killed_run_was_setting_aside_is_refused(lab: Lab) -> None:
    lab.make(f".{OLD}.setting-aside")
    (details,) = refused(lab)
    assert details["name"] == str(lab.old) and "part of it is in" in details["why"]


def test_a_plan_is_written_edited_and_carried_out(lab: Lab) -> None:
    path = lab.top / "plan.yml"
    assert adopt(lab, check=True, write_plan=str(path)).changed and not path.exists()
    assert adopt(lab, write_plan=str(path)).changed and lab.cluster.writes == []
    assert not adopt(lab, write_plan=str(path)).changed
    (written,) = yaml.safe_load(path.read_text())["volumes"]
    path.write_text(
        yaml.safe_dump({"volumes": [{**written, "claim": "new/data", "volume": "data", "nodes": [WORKER]}]})
    )
    done = adopt(lab, plan=str(path))
    assert done.changed and phases(lab, "data", "new", "data") == ["Bound", "Bound"]
    assert lab.cluster.get("Namespace", "new")
    again = adopt(lab, plan=str(path))
    assert not again.changed and [item["action"] for item in again.facts["volumes"]] == ["unchanged"]


def test_a_plan_may_name_directories_whatever_they_are_called(lab: Lab) -> None:
    other = lab.make("of-people")
    assert adopt(lab, plan=plan(lab, row(lab, directory=str(other), volume="people", claim="ns/people"))).changed
    assert phases(lab, "people", "ns", "people") == ["Bound", "Bound"]


def test_a_claim_that_waits_gets_the_volume_that_it_requests(lab: Lab) -> None:
    lab.cluster.put(PENDING)
    (shown,) = adopt(lab).facts["volumes"]
    assert (shown["capacity"], shown["access_modes"]) == ("5Gi", ["ReadWriteOncePod"])
    assert phases(lab, VOLUME, "ns", "old") == ["Bound", "Bound"]


def test_a_shared_provisioner_has_no_affinity(lab: Lab) -> None:
    config = {"config.json": '{"sharedFileSystemPath": "/data"}'}
    lab.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "local-path-config", "namespace": "local-path-storage"},
            "data": config,
        }
    )
    assert adopt(lab).facts["volumes"][0]["nodes"] == []
    pv = lab.cluster.get("PersistentVolume", VOLUME)
    assert pv and "nodeAffinity" not in pv["spec"]


def test_a_name_that_does_not_say_the_claim(lab: Lab) -> None:
    path = lab.make(HOSTPATH)
    lab.cluster.put(
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": "shared"},
            "provisioner": "kindlab.volumes/hostpath",
        }
    )
    (detail,) = refused(lab)
    assert (
        detail["name"] == str(path)
        and "does not say which claim" in detail["why"]
        and "write_plan" in detail["next_step"]
    )
    # The disk was elsewhere when the file was written.
    beside = row(lab, directory=f"/mnt/{HOSTPATH}", volume="known", claim="ns-a/c", storage_class="shared", nodes=[])
    (lab.data / "kindlab-volumes.yml").write_text(yaml.safe_dump({"volumes": [beside]}))
    assert adopt(lab).changed
    assert phases(lab, "known", "ns-a", "c") == ["Bound", "Bound"]
    pv = lab.cluster.get("PersistentVolume", "known")
    assert pv and pv["metadata"]["annotations"]["kindlab.volumes/hostpath-directory"] == HOSTPATH


def test_by_pattern(lab: Lab) -> None:
    lab.make(OTHER)
    assert [item["claim"] for item in adopt(lab, matching=["other/*"]).facts["volumes"]] == ["other/data"]
    assert [item["claim"] for item in adopt(lab).facts["volumes"]] == ["ns/old"]


def claim_of_another(lab: Lab) -> None:
    lab.cluster.put(merged(PENDING, {"spec": {"volumeName": "v9"}, "status": {"phase": "Bound"}}))


def claim_of_another_class(lab: Lab) -> None:
    lab.cluster.put(merged(PENDING, {"spec": {"storageClassName": "fast"}}))


def claim_that_goes(lab: Lab) -> None:
    lab.cluster.put(merged(PENDING, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}))


def no_class(lab: Lab) -> None:
    lab.cluster.objects.pop(("StorageClass", "", "standard"))


def stopped_cluster(lab: Lab) -> None:
    node = inspected("o-control-plane", "o", "control-plane", elsewhere=str(lab.data))
    node["State"] = {"Status": "exited"}
    lab.others = [node]


def busy(lab: Lab) -> None:
    lab.busy = {WORKER: f"/data/{OLD}"}


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (claim_of_another, "claim ns/old exists and has volume v9"),
        (claim_of_another_class, "claim ns/old exists and has storage class fast"),
        (claim_that_goes, "claim ns/old is being deleted"),
        (stopped_cluster, "its control plane is not running"),
        (busy, "vi (pid 42) on k-worker is in"),
        (lambda lab: lab.make(OLD.replace("77", "66")), "claim ns/old is in several rows"),
    ],
)
def test_what_is_in_the_way(lab: Lab, make: Callable[[Lab], object], why: str) -> None:
    make(lab)
    assert any(why in detail["why"] and detail["next_step"] for detail in refused(lab))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"nodes": ["k-worker9"]}, "the cluster has no node k-worker9"),
        ({"claim": "NS/old"}, "claim 'NS/old' is not"),
        ({"claim": "old"}, "claim 'old' is not"),
        ({"volume": "a_b"}, "volume 'a_b' is not a name"),
        ({"volume": "a..b"}, "volume 'a..b' is not a name"),
        ({"volume": "a" * 254}, "is not a name"),
        ({"claim": "ns/a.-b"}, "claim 'ns/a.-b' is not"),
        ({"capacity": "lots"}, "capacity 'lots' is not a quantity"),
        ({"storage_class": "fast"}, "storage class fast does not exist"),
        ({"directory": "/not/there"}, "there is no such directory"),
        ({"volume": "v0"}, "PersistentVolume v0 exists and is another one"),
    ],
)
def test_rows_that_are_refused(lab: Lab, more: Object, why: str) -> None:
    details = refused(lab, plan=plan(lab, row(lab, **more)))
    assert any(why in detail["why"] for detail in details)


def test_the_directory_of_a_volume_is_refused(lab: Lab) -> None:
    (detail,) = refused(lab, plan=plan(lab, row(lab, directory=f"{lab.data}/v0", volume="x", claim="ns/x")))
    assert detail["why"] == f"{lab.data}/v0 is the directory of volume v0 (ns/c0)"


def test_the_directory_of_another_volume_is_refused_also_if_the_volume_exists(lab: Lab) -> None:
    """As after a killed run; meanwhile another volume got its directory."""
    path = plan(lab, row(lab))
    lab.cluster.kill_after = 2
    with pytest.raises(Killed):
        adopt(lab, plan=path)
    lab.cluster.kill_after = None
    pv = lab.cluster.get("PersistentVolume", VOLUME)
    assert pv
    lab.cluster.put(merged(volume(5), {"spec": {"hostPath": {"path": f"/data/{OLD}"}}}))
    (detail,) = refused(lab, plan=path)
    assert detail["why"] == f"{lab.old} is the directory of volume v5 (ns/c5)"
    lab.cluster.objects.pop(("PersistentVolume", "", "v5"))
    lab.cluster.put(merged(pv, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}))
    (detail,) = refused(lab, plan=path)
    assert detail["why"] == f"PersistentVolume {VOLUME} is being deleted"


def test_a_plan_that_was_edited_is_not_overwritten(lab: Lab) -> None:
    path = lab.top / "plan.yml"
    adopt(lab, write_plan=str(path))
    path.write_text(text := f"{path.read_text()}# edited")
    for check in (True, False):
        with pytest.raises(BadInput, match="exists and differs") as raised:
            adopt(lab, check=check, write_plan=str(path))
        assert "set plan to it" in raised.value.next_step
    assert path.read_text() == text


def test_a_node_that_has_another_directory_mounted(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScriptedRunner, "looks", {WORKER: swapped("/data")})
    deep = lab.make(f"of-people/{OLD}")
    details = refused(lab, plan=plan(lab, row(lab, directory=str(deep))), directories=[str(deep.parent)])
    assert any(f"is not the directory that {WORKER} has mounted" in detail["why"] for detail in details)


def test_named_directories_alone_are_searched(lab: Lab) -> None:
    elsewhere = lab.top / "elsewhere"
    elsewhere.mkdir()
    assert not adopt(lab, directories=[str(elsewhere)]).changed
    assert adopt(lab, directories=[str(lab.data)]).changed


def test_a_directory_in_another_one_of_the_plan(lab: Lab) -> None:
    deep = lab.make(f"{OLD}/deep")
    rows_ = [row(lab), row(lab, directory=str(deep), volume="x", claim="ns/x")]
    details = refused(lab, plan=plan(lab, *rows_), directories=[str(lab.data), str(lab.old)])
    assert any(detail["why"] == f"{deep} is in {lab.old}, which is in another row" for detail in details)


def test_what_a_killed_run_left_is_no_volume(lab: Lab) -> None:
    left = lab.make(f".{OLD}.incomplete-a1b2c3d4")
    (detail,) = refused(lab, plan=plan(lab, row(lab, directory=str(left))))
    assert detail["why"] == "it is what a killed run left, and not whole"


def test_a_relative_directory(lab: Lab) -> None:
    with pytest.raises(BadInput, match="directory data/x, which is not an absolute path"):
        adopt(lab, plan=plan(lab, row(lab, directory="data/x")))


def test_a_namespace_that_is_missing(lab: Lab) -> None:
    lab.cluster.objects.pop(("Namespace", "", "ns"))
    (detail,) = refused(lab, create_namespaces=False)
    assert detail["why"] == "the namespace ns does not exist"
    assert adopt(lab).changed


def test_a_directory_that_no_node_has(lab: Lab) -> None:
    elsewhere = lab.top / "elsewhere"
    (elsewhere / OLD).mkdir(parents=True)
    (detail,) = refused(lab, directories=[str(elsewhere)], matching=[f"{elsewhere}/*"])
    assert detail["why"] == "no node of the cluster has it mounted"


def test_without_a_class_of_the_provisioner(lab: Lab) -> None:
    no_class(lab)
    (shown,) = adopt(lab, check=True).facts["volumes"]
    assert shown["storage_class"] == "" and shown["nodes"] == []


@pytest.mark.parametrize("writes", range(5))
def test_a_killed_run_is_completed(tmp_path: Path, writes: int) -> None:
    lab = Lab(tmp_path, kill_after=writes)
    for item in (NAMESPACE, STORAGE_CLASS):
        lab.cluster.put(item)
    path = plan(lab, row(lab))
    try:
        adopt(lab, plan=path)
    except Killed:
        lab.cluster.kill_after = None
        assert adopt(lab, plan=path).changed
    assert phases(lab, VOLUME, "ns", "old") == ["Bound", "Bound"]
    assert not adopt(lab, plan=path).changed


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "is not valid YAML"),
        ("[]", "has no list volumes"),
        ("{volumes: [{directory: /a}]}", "lacks volume"),
        ("{volumes: [{directroy: /a}]}", "contains directroy"),
        ("{volumes: [{directory: /a, volume: v, claim: a/b, capacity: 1, access_modes: [All]}]}", "must be one of"),
    ],
)
def test_a_file_that_is_no_plan(lab: Lab, content: str, why: str) -> None:
    path = lab.top / "plan.yml"
    path.write_text(content)
    with pytest.raises(BadInput, match=why):
        adopt(lab, plan=str(path))


def test_a_plan_that_does_not_exist(lab: Lab) -> None:
    with pytest.raises(BadInput, match="does not exist, or is not a file"):
        adopt(lab, plan=str(lab.top / "none.yml"))


@pytest.mark.parametrize("option", ["write_plan", "matching"])
def test_options_that_exclude_each_other(lab: Lab, option: str) -> None:
    value: Any = ["*"] if option == "matching" else str(lab.top / "other")
    with pytest.raises(BadInput, match=f"plan and {option} exclude each other"):
        adopt(lab, plan=plan(lab, row(lab)), **{option: value})


def test_a_cluster_is_needed(lab: Lab) -> None:
    lab.own = False
    with pytest.raises(BadInput, match="no node of a kind cluster named k"):
        adopt(lab, directories=[str(lab.data)])
