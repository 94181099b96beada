"""What is shown of the provisioners of a cluster."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._action.storage_provisioner_info import run
from ansible_collections.kindlab.volumes.tests.unit.support.backups import inspected
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import showing
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import class_of, objects

OPTIONS = {"engine": "docker", "cluster": "lab", "kubeconfig": "/kubeconfig", "context": None}


def test_provisioners_and_classes_are_read_and_nothing_is_written() -> None:
    cluster, asked = FakeCluster(*objects(class_of("foreign", "example.com/driver"))), []

    def connect(*words: str | None) -> FakeCluster:
        asked.append(words)
        return cluster

    for check_mode in (True, False):
        runner = showing(inspected("lab-control-plane", "lab", "control-plane"))
        done = run(OPTIONS, check_mode, runner=runner, connect=connect)
        assert not done.changed
        assert [server["name"] for server in done.facts["provisioners"]] == ["local_path"]
        shown = {item["name"]: item["options"].get("name") for item in done.facts["storage_classes"]}
        assert shown == {"foreign": None, "standard": "local_path"}
    assert asked == [("lab", "/kubeconfig", None)] * 2
    assert cluster.writes == []
