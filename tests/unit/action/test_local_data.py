"""local_data against a cluster in memory, nodes that answer as they do, and a directory that is really there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.local_data import run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Conflict,
    Declined,
    KindlabError,
    TimedOut,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data import manifests
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.policy import (
    BINDING,
    NOT_ENFORCED,
    POLICY,
    POLICY_NAME,
    REFUSED,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import Missing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.local_data import nodes as in_node
from ansible_collections.kindlab.volumes.tests.unit.support.backups import inspected
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import (
    FakeCluster,
    Killed,
    ScriptedRunner,
    binding_controller,
    merge,
    swapped,
)

NODES = [{"kind": "Node", "metadata": {"name": name}, "spec": {}} for name in ("k-worker", "k-worker2")]
NAMESPACE = {"kind": "Namespace", "metadata": {"name": "default"}}
PV, PVC = "PersistentVolume", "PersistentVolumeClaim"


class Server(FakeCluster):
    """A cluster that goes by its admission policy: lag says how many dry runs pass before it does."""

    def __init__(self, *items, lag=0, policies=True, **how):
        super().__init__(*NODES, NAMESPACE, *items, **how)
        self.react = binding_controller
        self.lag = lag
        self.policies = policies

    def list(self, kind, namespace="", labels="", fields=""):
        if kind in (POLICY, BINDING) and not self.policies:
            raise Missing("the server could not find the requested resource")
        return super().list(kind, namespace, labels, fields)

    def dry_run(self, wanted):
        self.lag -= 1
        made = [super(Server, self).list(kind) for kind in (POLICY, BINDING)]
        claims = [v["persistentVolumeClaim"] for v in wanted["spec"]["volumes"]]
        live = {item["metadata"]["name"]: item for item in self.list(PVC, wanted["metadata"]["namespace"])}
        closed = [c["claimName"] for c in claims if not c.get("readOnly") and read_only(live.get(c["claimName"]))]
        if all(made) and closed and self.lag < 0:
            raise KindlabError(f"pods is forbidden: the claim {closed[0]} {REFUSED}")
        return wanted


def read_only(claim):
    return claim is not None and claim["metadata"]["labels"].get(manifests.LABEL) == manifests.READ_ONLY


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("content")
    return tmp_path / "data"


def options(data, **asked):
    return {
        "state": "present",
        "cluster": "k",
        "engine": "docker",
        "kubeconfig": None,
        "context": None,
        "name": "lib",
        "path": str(data),
        "root": None,
        "namespaces": ["a", "b"],
        "create_namespaces": True,
        "read_only": True,
        "run_as_user": 65534,
        "run_as_group": 65534,
        "supplemental_groups": [],
        "allow_external_symlinks": False,
        "force": False,
        "wait_timeout": 5,
        **asked,
    }


def nodes(data, contents="\0", state="rw\n/\n"):
    """Two nodes that have the directory above the data at /data, and what looks into them show."""
    found = [inspected(name, "k", "worker", data=str(data.parent)) for name in ("k-worker", "k-worker2")]
    inside = [(["docker", "exec", "-i", name, "sh", "-c", in_node.STATE], state) for name in ("k-worker", "k-worker2")]
    return ScriptedRunner(
        [
            (["docker", "ps"], "one two\n"),
            (["docker", "inspect"], json.dumps(found)),
            *inside,
            (["docker", "exec", "-i", "k-worker", "sh", "-c", in_node.CONTENTS], contents),
        ]
    )


def play(cluster, data, check_mode=False, runner=None, **asked):
    paused = []
    outcome = run(
        options(data, **asked),
        check_mode,
        runner=runner or nodes(data),
        connect=lambda *_where: cluster,
        sleep=paused.append,
    )
    assert all(0 < seconds < 1 for seconds in paused)
    return outcome


SCENARIOS = [
    {},
    {"namespaces": ["a"], "read_only": False},
    {"namespaces": ["default"]},
    {"namespaces": ["a", "b", "c"], "supplemental_groups": [1]},
]


@pytest.mark.parametrize("asked", SCENARIOS)
def test_check_run_run_check(asked, data):
    cluster = Server(lag=2)
    checked = play(cluster, data, check_mode=True, **asked)
    assert (checked.changed, cluster.writes) == (True, [])
    done = play(cluster, data, **asked)
    assert done == checked
    written = list(cluster.writes)
    again = play(cluster, data, **asked)
    assert (again.changed, again.before, again.after) == (False, {"claims": {}}, {"claims": {}})
    assert [line["action"] for line in again.facts["volumes"]] == ["unchanged"] * len(done.facts["volumes"])
    assert play(cluster, data, check_mode=True, **asked) == again
    assert cluster.writes == written


def test_the_result_says_where_it_is_and_how_a_pod_uses_it(data):
    found = play(Server(), data).facts
    assert found["volumes"][0] == {
        "namespace": "a",
        "claim": "a/lib",
        "volume": "a.lib",
        "action": "create",
        "node_directory": "/data/data",
        "nodes": ["k-worker", "k-worker2"],
        "host_directory": str(data),
        "read_only": True,
        "phase": "Bound",
        "claim_phase": "Bound",
    }
    assert found["pod_volume"] == {"persistentVolumeClaim": {"claimName": "lib", "readOnly": True}}
    assert (found["namespaces"], found["enforced"]) == (["a", "b"], True)
    writing = play(Server(), data, read_only=False).facts
    assert writing["pod_volume"] == {"persistentVolumeClaim": {"claimName": "lib"}}
    assert (writing["enforced"], writing["volumes"][0]["read_only"]) == (False, False)


def test_the_policy_is_there_before_the_first_claim(data):
    cluster = Server()
    play(cluster, data)
    kinds = [kind for _verb, kind, _name in cluster.writes]
    assert kinds.index(BINDING) < kinds.index(PVC)
    assert play(cluster, data, namespaces=["c"], read_only=False).changed
    assert kinds.count(POLICY) == kinds.count(BINDING) == 1


def test_a_policy_that_does_not_work_is_an_error(data):
    with pytest.raises(
        TimedOut, match="a Pod in a is not refused because it is read-only local data: it would be created"
    ):
        play(Server(lag=10**9), data, wait_timeout=1)


def test_an_older_kubernetes_has_no_policy_and_a_warning(data):
    cluster = Server(policies=False)
    done = play(cluster, data)
    assert (done.warnings, done.facts["enforced"]) == ((NOT_ENFORCED,), False)
    assert play(cluster, data).changed is False
    assert play(cluster, data, read_only=False, namespaces=["c"]).warnings == ()
    assert play(cluster, data, state="absent", namespaces=None).changed is True


@pytest.mark.parametrize("state", ["present", "absent"])
def test_after_any_kill_the_next_run_completes(state, data):
    def server(**how):
        cluster = Server(**how)
        if state == "absent":
            play(cluster, data)
            cluster.writes.clear()
        return cluster

    whole = server()
    play(whole, data, state=state)
    assert len(whole.writes) > 5
    for writes in range(len(whole.writes)):
        cluster = server()
        cluster.kill_after = writes
        with pytest.raises(Killed):
            play(cluster, data, state=state)
        binding_controller(cluster)
        cluster.kill_after = None
        play(cluster, data, state=state)
        assert cluster.objects.keys() == whole.objects.keys()
        assert play(cluster, data, state=state).changed is False


@pytest.mark.parametrize("gone", [[(PVC, "lib", "a")], [(PV, "a.lib", "")], [(PVC, "lib", "a"), (PV, "a.lib", "")]])
def test_what_was_removed_by_hand_is_made_again(gone, data):
    cluster = Server()
    play(cluster, data)
    for kind, name, namespace in gone:
        cluster.delete(kind, name, namespace)
        binding_controller(cluster)
    done = play(cluster, data)
    assert [line["action"] for line in done.facts["volumes"]] == ["create" if len(gone) > 1 else "finish", "unchanged"]
    claim, volume = cluster.get(PVC, "lib", "a"), cluster.get(PV, "a.lib")
    assert volume["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]
    assert [volume["status"]["phase"], claim["status"]["phase"]] == ["Bound", "Bound"]
    assert play(cluster, data).changed is False


def test_another_directory_or_mode_makes_the_volume_anew(data):
    cluster = Server()
    (data.parent / "other").mkdir()
    play(cluster, data)
    old = cluster.get(PVC, "lib", "a")
    asked = {"path": str(data.parent / "other"), "namespaces": ["a"]}
    done = play(cluster, data, runner=nodes(data.parent / "other"), **asked)
    assert [line["action"] for line in done.facts["volumes"]] == ["replace"]
    assert cluster.get(PV, "a.lib")["spec"]["local"] == {"path": "/data/other"}
    assert cluster.get(PVC, "lib", "a")["metadata"]["uid"] != old["metadata"]["uid"]
    assert cluster.get(PV, "b.lib")["spec"]["local"] == {"path": "/data/data"}
    assert play(cluster, data, namespaces=["b"], read_only=False).changed
    assert cluster.get(PV, "b.lib")["spec"]["hostPath"] == {"path": "/data/data", "type": "Directory"}


def pod(namespace="a", phase="Running"):
    volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": "lib", "readOnly": True}}]
    metadata = {"namespace": namespace, "name": "reader"}
    return {"kind": "Pod", "metadata": metadata, "spec": {"volumes": volumes}, "status": {"phase": phase}}


def test_absent_takes_all_and_the_policy_with_the_last_one(data):
    cluster = Server()
    play(cluster, data)
    play(cluster, data, name="more", namespaces=["c"])
    first = play(cluster, data, state="absent", path=None, namespaces=["a"])
    assert [(v["claim"], v["action"], v["phase"]) for v in first.facts["volumes"]] == [("a/lib", "remove", "")]
    assert cluster.get(POLICY, POLICY_NAME) is not None
    play(cluster, data, state="absent", path=None, namespaces=None)
    assert cluster.get(POLICY, POLICY_NAME) is not None
    checked = play(cluster, data, check_mode=True, state="absent", path=None, namespaces=None, name="more")
    done = play(cluster, data, state="absent", path=None, namespaces=None, name="more")
    assert done == checked
    assert {kind for kind, _namespace, _name in cluster.objects} == {"Node", "Namespace"}
    assert play(cluster, data, state="absent", path=None, namespaces=None).changed is False
    assert (data / "file").read_text() == "content"


def test_absent_is_declined_while_pods_use_it(data):
    cluster = Server()
    play(cluster, data)
    cluster.put(pod())
    cluster.writes.clear()
    with pytest.raises(Declined, match="a/lib: in use by a/reader") as caught:
        play(cluster, data, state="absent", namespaces=None)
    assert (cluster.writes, caught.value.details[0]["pods"]) == ([], ["a/reader"])
    cluster.put(pod(phase="Succeeded"))
    assert play(cluster, data, state="absent", namespaces=None).changed


class Protecting(Server):
    """Keeps a claim and its volume, marked, while a pod uses it (Kubernetes: pvc-protection, pv-protection)."""

    def delete(self, kind, name, namespace="", *, propagation="Background"):
        live = self.get(kind, name, namespace)
        super().delete(kind, name, namespace, propagation=propagation)
        if kind in (PV, PVC) and live and "a" in (namespace, name.partition(".")[0]):
            self.put(merge(live, {"metadata": {"deletionTimestamp": "now"}}))


def test_absent_by_force_waits_for_no_pod(data):
    cluster = Protecting()
    play(cluster, data)
    cluster.put(pod())
    asked = {"state": "absent", "namespaces": None, "force": True}
    done = play(cluster, data, **asked)
    assert [line["phase"] for line in done.facts["volumes"]] == ["Terminating", ""]
    assert done.after["claims"]["a/lib"] == "absent once it is not used by a/reader"
    again = play(cluster, data, **asked)
    assert (again.changed, again.facts["volumes"][0]["action"]) == (False, "terminating")
    with pytest.raises(Declined, match="is being deleted, and in use by a/reader"):
        play(cluster, data)


UNREADABLE = "\0f 600 1000 1000 secret\0"


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("asked", "runner", "error", "said"),
    [
        ({"path": "/nowhere/at/all"}, {}, BadInput, "/nowhere/at/all does not exist"),
        ({"path": "/"}, {}, BadInput, "/ is not mounted in any node"),
        ({"root": "/usr"}, {}, BadInput, "outside of the root /usr"),
        ({"namespaces": ["A"]}, {}, BadInput, "'A'"),
        ({"create_namespaces": False}, {}, Declined, "a/lib: the namespace a does not exist"),
        (
            {},
            {"contents": UNREADABLE},
            BadInput,
            r"could not read 1 path .*: secret \(file, mode 600, owner 1000:1000",
        ),
        ({"read_only": False}, {"contents": UNREADABLE}, BadInput, "could not read and write 1 path"),
        ({}, {"contents": "out\0/etc\0\0"}, BadInput, "out -> /etc"),
        ({}, {"state": Completed(1, err="No such file or directory")}, KindlabError, "cannot be read"),
        ({}, {"contents": Completed(1, err="setpriv: not found")}, KindlabError, "setpriv: not found"),
        ({"read_only": False}, {"state": "ro\n"}, BadInput, "is not writable"),
    ],
)
def test_refused_before_anything_is_changed(asked, runner, error, said, check_mode, data):
    cluster = Server()
    with pytest.raises(error, match=said):
        play(cluster, data, check_mode, nodes(data, **runner), **asked)
    assert cluster.writes == []


def test_links_that_lead_out_may_be_allowed(data):
    runner = nodes(data, contents="out\0/etc\0\0")
    assert play(Server(), data, runner=runner, allow_external_symlinks=True).changed


def test_a_directory_that_was_replaced_since_the_nodes_started_is_refused(data, monkeypatch):
    monkeypatch.setattr(ScriptedRunner, "looks", {"k-worker2": swapped("/data")})
    cluster = Server()
    for check_mode in (True, False):
        with pytest.raises(Conflict, match="is not the same directory as /data/data in k-worker2") as caught:
            play(cluster, data, check_mode)
    assert "docker restart k-worker2" in caught.value.next_step
    assert cluster.writes == []


def test_the_user_that_is_asked_for_is_the_one_that_looks(data):
    runner = nodes(data)
    play(Server(), data, runner=runner, run_as_user=7, run_as_group=8, supplemental_groups=[9, 10])
    (looked,) = (call for call in runner.calls if in_node.CONTENTS in call)
    place = looked.index("setpriv")
    assert looked[place - 1 : place + 4] == ["/data/data", "setpriv", "--reuid=7", "--regid=8", "--groups=9,10"]


def test_a_removal_does_not_look_at_the_data(data):
    runner = ScriptedRunner([(["docker", "ps"], "one\n"), (["docker", "inspect"], nodes(data).script[1][1])])
    cluster = Server()
    play(cluster, data)
    assert play(cluster, data, runner=runner, state="absent", path=None, namespaces=None).changed


def test_another_cluster_is_refused(data):
    other = FakeCluster({"kind": "Node", "metadata": {"name": "other"}, "spec": {}})
    with pytest.raises(BadInput, match="another cluster than k"):
        play(other, data)


def test_an_engine_that_does_not_answer_is_the_cause(data):
    def no_api(*_where):
        raise Unreachable("The API server does not answer.")

    runner = ScriptedRunner([(["docker", "ps"], Completed(1, "", "Cannot connect to the Docker daemon"))])
    with pytest.raises(Unreachable, match="docker does not answer: Cannot connect"):
        run(options(data), False, runner=runner, connect=no_api)
