"""How the tests of volume_detach run it: a cluster with workloads of every kind, its node, and its objects."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_detach
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach import node_processes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.usage_check import UsageCheck
from ansible_collections.kindlab.volumes.tests.unit.support.backups import NAMESPACE, STORAGE_CLASS, inspected
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed, ScriptedRunner
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import (
    SSD,
    Controlled,
    as_served,
    bound,
    daemon,
    made_by,
    stateful,
    workload,
)

OPTIONS = {**defaults(volume_detach.ARGUMENTS), "engine": "docker", "cluster": "k", "wait_timeout": 60}
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "k-worker"}}
BASE = (NODE, NAMESPACE, STORAGE_CLASS)
C = bound("c")


class Once(UsageCheck):
    """A check whose deadline is over after the first turn."""

    def await_free(self, volumes, deadline, is_newcomer):
        assert deadline.seconds >= 1
        return super().await_free(volumes, deadline, is_newcomer, lambda _seconds: deadline.end())


class Nodes:
    """The container k-worker. found: volume -> processes that use it; asked: the arguments of each probe."""

    def __init__(self, state="running", **found):
        self.state = state
        self.found = found
        self.asked = []

    def probe(self, _runner, name, directories, own_mounts):
        self.asked.append((name, dict(directories), list(own_mounts)))
        return {volume: self.found.get(volume, []) for volume in directories}


def play(cluster, check_mode=False, *, nodes=None, **options):
    assert options.keys() <= OPTIONS.keys()
    nodes = nodes or Nodes()
    shown = {**inspected("k-worker", "k", "worker", data="/srv/k"), "State": {"Status": nodes.state}}
    # A cluster answers while its control plane runs.
    all_nodes = [inspected("k-control-plane", "k", "control-plane"), shown]
    runner = ScriptedRunner([(["docker", "ps"], "id\n"), (["docker", "inspect"], json.dumps(all_nodes))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(node_processes, "probe", nodes.probe)
        patch.setattr(volume_detach, "UsageCheck", Once)
        patch.setattr(volume_detach, "Deadline", lambda seconds: Deadline(seconds, cluster.clock))
        return volume_detach.run({**OPTIONS, **options}, check_mode, runner=runner, connect=lambda *_where: cluster)


def attach(cluster, check_mode=False, **options):
    return play(cluster, check_mode, state="attached", **options)


def running(*objects, cluster=Controlled, **how):
    """A cluster whose controllers have done their work."""
    made = cluster(*BASE, *objects, **how)
    Controlled.control(made)
    return made


def specs(cluster):
    """All workloads and claims as the API server writes them; and the names of the pods."""
    kinds = (*workloads.WORKLOAD_KINDS, "PersistentVolumeClaim")
    found = {workloads.key(item): as_served(item) for kind in kinds for item in cluster.list(kind)}
    return found, [item["metadata"]["name"] for item in cluster.list("Pod")]


def scaling(cluster):
    """The writes without those of reclaim policies."""
    return [write for write in cluster.writes if write[1] != "PersistentVolume"]


def policies(cluster):
    """Of each volume: its policy, and its annotations."""
    found = {}
    for pv in cluster.list("PersistentVolume"):
        annotations = pv["metadata"].get("annotations") or {}
        found[pv["metadata"]["name"]] = (pv["spec"]["persistentVolumeReclaimPolicy"], annotations)
    return found


def results(outcome):
    return {f"{line['kind']}/{line['name']}": line["result"] for line in outcome.facts["workloads"]}


def states(outcome):
    return {line["name"]: line["state"] for line in outcome.facts["volumes"]}


NIGHTLY_1 = workload("Job", "nightly-1", "c", metadata=made_by("CronJob", "nightly"))
DONE = {**workload("Job", "done", "c"), "status": {"conditions": [{"type": "Complete", "status": "True"}]}}
EVERYTHING = (
    *C,
    *bound("data-db-0"),
    *bound("data-db-1"),
    workload("Deployment", "web", "c", replicas=2),
    workload("ReplicaSet", "alone", "c"),
    workload("ReplicationController", "old", "c"),
    stateful("db", replicas=2, scaled="Delete"),
    daemon("agent", "c"),
    daemon("picky", "c", selector=SSD),
    workload("Job", "once", "c"),
    DONE,
    workload("CronJob", "nightly", "c"),
    NIGHTLY_1,
    workload("Deployment", "idle", "c", replicas=0),
    workload("Deployment", "other", "elsewhere"),
    workload("Deployment", "stateless", replicas=3),
    stateful("cache", "tmp"),
)
STOPPED = [
    "CronJob/nightly",
    "DaemonSet/agent",
    "DaemonSet/picky",
    "Deployment/web",
    "Job/nightly-1",
    "Job/once",
    "ReplicaSet/alone",
    "ReplicationController/old",
    "StatefulSet/db",
]
UNTOUCHED = ["cache-0", "other-1-0", "stateless-1-0", "stateless-1-1", "stateless-1-2"]


def killed_anywhere(run, make):
    """For each write of a run: the cluster after a run that was killed instead of it."""
    whole = make()
    run(whole)
    assert whole.writes
    for number in range(len(whole.writes)):
        cluster = make()
        cluster.kill_after = number
        with pytest.raises(Killed):
            run(cluster)
        cluster.kill_after = None
        yield cluster
