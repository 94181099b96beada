"""volume_detach that is killed at any of its writes: the next run completes it, and everything comes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.tests.unit.support.detaching import (
    EVERYTHING,
    UNTOUCHED,
    C,
    attach,
    killed_anywhere,
    play,
    running,
    specs,
    states,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import SSD, bound, daemon, pod, stateful, workload


def test_a_detachment_that_was_killed_is_completed_by_the_next():
    before = specs(running(*EVERYTHING))
    for cluster in killed_anywhere(play, lambda: running(*EVERYTHING)):
        assert set(states(play(cluster)).values()) == {"free"}
        assert specs(cluster)[1] == UNTOUCHED
        attach(cluster, wait=True)
        assert specs(cluster) == before


def test_a_detachment_that_was_killed_can_be_undone_at_once():
    before = specs(running(*EVERYTHING))
    for cluster in killed_anywhere(play, lambda: running(*EVERYTHING)):
        cluster.control()
        attach(cluster, wait=True)
        assert specs(cluster) == before


def test_an_attachment_that_was_killed_is_completed_by_the_next():
    def detached():
        cluster = running(*EVERYTHING)
        play(cluster)
        cluster.writes.clear()
        return cluster

    before = specs(running(*EVERYTHING))
    for cluster in killed_anywhere(attach, detached):
        attach(cluster, wait=True)
        cluster.control()
        assert specs(cluster) == before


def test_deleting_that_was_killed_is_completed_by_the_next():
    def made():
        return running(*EVERYTHING, pod("bare", "c"), pod("bare-2", "c"))

    for cluster in killed_anywhere(lambda cluster: play(cluster, unmanaged="delete"), made):
        assert set(states(play(cluster, unmanaged="delete")).values()) == {"free"}
        assert specs(cluster)[1] == UNTOUCHED


@st.composite
def any_workload(draw):
    kind = draw(st.sampled_from([*workloads.WORKLOAD_KINDS, "StatefulSet"]))
    name = draw(st.sampled_from("abcd"))
    claims = draw(st.sampled_from([("c",), ("d",), (), ("c", "d")]))
    if kind == "StatefulSet":
        return stateful(name, replicas=draw(st.integers(0, 3)), scaled=draw(st.sampled_from(["Retain", "Delete"])))
    if kind == "DaemonSet":
        return daemon(name, *claims, selector=draw(st.sampled_from([None, SSD])))
    if kind in workloads.SUSPENDED:
        return workload(kind, name, *claims, suspend=draw(st.booleans()))
    return workload(kind, name, *claims, replicas=draw(st.integers(0, 3)))


CLAIMS = [*C, *bound("d"), *(part for name in "abcd" for number in range(3) for part in bound(f"data-{name}-{number}"))]
WRITES = st.integers(0, 6)


@given(
    st.lists(any_workload(), max_size=6, unique_by=workloads.key),
    st.lists(st.tuples(st.booleans(), WRITES), max_size=4),
)
def test_whatever_is_killed_everything_comes_back(items, life):
    """Runs in any order, each killed after some writes, or not: at the end all is free, and then all as it was."""
    cluster = running(*CLAIMS, *items)
    before = specs(cluster)
    for detach, writes in life:
        cluster.kill_after = len(cluster.writes) + writes
        try:
            play(cluster, state="detached" if detach else "attached")
        except Killed:
            cluster.control()
    cluster.kill_after = None
    assert set(states(play(cluster)).values()) == {"free"}
    assert not any(volumes_used(item) for item in cluster.list("Pod"))
    assert not play(cluster).changed
    attach(cluster, wait=True)
    assert specs(cluster) == before
    assert not attach(cluster).changed


def volumes_used(item):
    return [one for one in item["spec"]["volumes"] if one.get("persistentVolumeClaim")]
