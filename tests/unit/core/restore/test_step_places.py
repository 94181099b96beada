"""Where restored data belongs: on the host, inside the one node whose pods use it, or nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.step import plan_volume
from ansible_collections.kindlab.volumes.tests.unit.support.backups import saved_volume, volume
from ansible_collections.kindlab.volumes.tests.unit.support.restores import observed, selected

ARCHIVE = SavedArchive("archives/v0.tar.gz", "0" * 64, 7, "gzip")
BARE = Node("k-worker", "k", "worker")
MOUNTED = replace(BARE, mounts=(Mount("/data", "/srv"),))
CONTROL = Node("k-control-plane", "k", "control-plane", takes_pods=False)
OTHER = Node("k-worker2", "k", "worker")


def planned(*nodes, archive=ARCHIVE, anywhere=False, **spec):
    pv = volume(0)
    pv["spec"] |= spec
    if anywhere:
        del pv["spec"]["nodeAffinity"]
    if spec:
        del pv["spec"]["hostPath"]
    wanted = selected(pv, None, saved_volume(0, archive=archive, host_directory=""))
    return plan_volume(wanted, Request("k"), observed(nodes=nodes))


def place(*nodes, **more):
    step = planned(*nodes, **more)
    return step.node, step.host_directory


@pytest.mark.parametrize("archive", [None, ARCHIVE])
@pytest.mark.parametrize("anywhere", [False, True])
def test_on_the_host_if_it_is_mounted(archive, anywhere):
    assert place(CONTROL, MOUNTED, archive=archive, anywhere=anywhere) == ("", "/srv/v0")


@pytest.mark.parametrize("anywhere", [False, True])
def test_inside_the_one_node_whose_pods_use_it(anywhere):
    assert place(CONTROL, BARE, anywhere=anywhere) == ("k-worker", "")


def test_a_volume_without_a_directory_needs_no_place():
    assert place(CONTROL, BARE, nfs={"path": "/x"}) == ("", "")


@pytest.mark.parametrize(
    ("nodes", "more", "why"),
    [
        (
            (BARE,),
            {"archive": None},
            "/data/v0 is not mounted from the host in this cluster, and the backup has no arc",
        ),
        ((BARE, OTHER), {"anywhere": True}, "its pods may run on several nodes: k-worker, k-worker2"),
        ((replace(BARE, state="paused"),), {}, "/data/v0 is inside its node k-worker, which is paused"),
    ],
)
def test_no_place(nodes, more, why):
    refusal = planned(*nodes, **more)
    assert why in refusal.why
    assert refusal.next_step
