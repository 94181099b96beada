"""Where restored data belongs: on the host, inside the one node that looks for it, or nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Observed, Wanted
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.plan import data_place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.tests.unit.support.backups import saved_volume, volume

ARCHIVE = SavedArchive("archives/v0.tar.gz", "0" * 64, 7, "gzip")
BARE = Node("k-worker", "k", "worker")
MOUNTED = replace(BARE, mounts=(Mount("/data", "/srv"),))
CONTROL = Node("k-control-plane", "k", "control-plane")
OTHER = Node("k-worker2", "k", "worker")


def placed(*nodes, archive=ARCHIVE, anywhere=False, **spec):
    pv = volume(0)
    pv["spec"] |= spec
    if anywhere:
        del pv["spec"]["nodeAffinity"]
    if spec:
        del pv["spec"]["hostPath"]
    wanted = Wanted(read_volumes([pv], [])[0], pv, None, saved_volume(0, archive=archive, host_directory=""))
    return data_place(wanted, Observed({}, {}, {}, {}, frozenset(), nodes))


@pytest.mark.parametrize("archive", [None, ARCHIVE])
def test_on_the_host_where_a_mount_leads_there(archive):
    assert placed(CONTROL, MOUNTED, archive=archive) == (Place("", "/data/v0", "/srv/v0"), None)
    assert placed(CONTROL, MOUNTED, archive=archive, anywhere=True) == (Place("", "/data/v0", "/srv/v0"), None)


@pytest.mark.parametrize("anywhere", [False, True])
def test_inside_the_one_node_that_looks_for_it(anywhere):
    assert placed(CONTROL, BARE, anywhere=anywhere) == (Place("k-worker", "/data/v0", ""), None)


def test_a_volume_without_a_directory_needs_no_place():
    assert placed(CONTROL, nfs={"path": "/x"}) == (Place("", "", ""), None)


@pytest.mark.parametrize(
    ("nodes", "more", "why"),
    [
        ((BARE,), {"archive": None}, "/data/v0 is no directory of the host in this cluster's nodes, and the backup"),
        ((BARE, OTHER), {"anywhere": True}, "its pods may run on k-worker, k-worker2, each with a directory"),
        ((replace(BARE, state="paused"),), {}, "/data/v0 is inside its node k-worker, which is paused"),
    ],
)
def test_no_place(nodes, more, why):
    _place, refusal = placed(*nodes, **more)
    assert why in refusal.why
    assert refusal.next_step
