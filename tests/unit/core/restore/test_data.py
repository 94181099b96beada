"""What the data on the host says to a restore."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.data import (
    Finding,
    difference_text,
    judge,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.model import Step, Wanted
from ansible_collections.kindlab.volumes.tests.unit.support.backups import saved_volume, volume

SAME, OTHER = Difference(), Difference(changed=("a (size)",))
ARCHIVE = SavedArchive("archives/v0.tar.gz", "0" * 64, 7, "gzip")
LIST = "checksums/v0.jsonl"


def judged(state, difference, verify, archive=None, checksum_list=LIST, path="/srv/v0"):
    saved = saved_volume(0, files=2, checksum_list=checksum_list, archive=archive)
    pv = volume(0)
    step = Step(Wanted(read_volumes([pv], [])[0], pv, None, saved), "create", "binds", host_directory=path)
    return judge(step, Finding(state, difference), verify)


@pytest.mark.parametrize(
    ("arguments", "action", "why", "checksum"),
    [
        (("there", SAME, "full"), "create", "binds, host directory /srv/v0 there, 2 files, checksum equal", "equal"),
        (
            ("there", SAME, "fast"),
            "create",
            "binds, host directory /srv/v0 there, 2 files, sizes and times equal",
            "sizes and times equal",
        ),
        (("there", SAME, "none"), "create", "binds, host directory /srv/v0 there, not compared", "not compared"),
        (("empty", SAME, "full"), "create", "binds, host directory /srv/v0 there, 2 files, checksum equal", "equal"),
        (("missing", SAME, "full"), "refuse", "its host directory /srv/v0 is not there", "not compared"),
        (("missing", SAME, "none"), "refuse", "its host directory /srv/v0 is not there", "not compared"),
        (
            ("there", OTHER, "full"),
            "refuse",
            "its data in /srv/v0 differs from the backup: 1 changed (a (size)), 0 added, 0 removed",
            "not compared",
        ),
        (
            ("there", SAME, "full", None, ""),
            "refuse",
            "the backup has nothing to compare its data with: it had no directory of the host",
            "not compared",
        ),
        (("there", SAME, "full", None, LIST, "/new/v0"), "create", "binds, host directory /new/v0 there, 2 ", "equal"),
        (
            ("there", SAME, "none", None, LIST, "/new/v0"),
            "refuse",
            "in this cluster its directory is /new/v0, the data was saved from /srv/v0",
            "not compared",
        ),
    ],
)
def test_data_in_place(arguments, action, why, checksum):
    step = judged(*arguments)
    assert (step.action, step.why[: len(why)], step.checksum) == (action, why, checksum)
    assert not step.extract
    assert bool(step.next_step) == (action == "refuse")


@pytest.mark.parametrize(
    ("state", "difference", "verify", "extract", "action"),
    [
        ("missing", SAME, "full", True, "create"),
        ("missing", SAME, "none", True, "create"),
        ("empty", OTHER, "full", True, "create"),
        ("empty", SAME, "none", True, "create"),
        ("empty", SAME, "full", False, "create"),
        ("there", SAME, "full", False, "create"),
        ("there", OTHER, "full", False, "refuse"),
        ("there", SAME, "none", False, "create"),
    ],
)
def test_an_archive_is_extracted_only_where_nothing_is(state, difference, verify, extract, action):
    step = judged(state, difference, verify, ARCHIVE)
    assert (step.extract, step.action) == (extract, action)


def inside(state, difference, verify, host_directory=""):
    """A volume that lies inside a node of this cluster."""
    saved = saved_volume(0, files=2, checksum_list=LIST, archive=ARCHIVE, host_directory=host_directory)
    pv = volume(0)
    step = Step(Wanted(read_volumes([pv], [])[0], pv, None, saved), "create", "binds", node="k-worker")
    return judge(step, Finding(state, difference), verify)


@pytest.mark.parametrize(
    ("arguments", "action", "extract", "why"),
    [
        (("missing", SAME, "full"), "create", True, "binds, its archive is extracted to /data/v0 in k-worker first"),
        (("empty", OTHER, "full"), "create", True, "binds, its archive is extracted to /data/v0 in k-worker first"),
        (("there", SAME, "full"), "create", False, "binds, node directory /data/v0 in k-worker there, 2 files, check"),
        (("there", SAME, "none"), "create", False, "binds, node directory /data/v0 in k-worker there, not compared"),
        (("there", OTHER, "full"), "refuse", False, "its data in /data/v0 in k-worker differs from the backup: 1 "),
        (("other", SAME, "none"), "refuse", False, "its data belongs at /data/v0 in k-worker, which is no directory"),
        (
            ("there", SAME, "none", "/srv/v0"),
            "refuse",
            False,
            "in this cluster its directory is /data/v0 in k-worker, the data was saved from /srv/v0",
        ),
    ],
)
def test_data_inside_a_node(arguments, action, extract, why):
    step = inside(*arguments)
    assert (step.action, step.extract, step.why[: len(why)]) == (action, extract, why)
    assert bool(step.next_step) == (action == "refuse")


def test_ten_names_of_each_are_enough():
    many = tuple(f"f{n}" for n in range(11))
    text = difference_text(Difference(added=many, removed=("line\nbreak",)))
    assert text == f"0 changed, 11 added ({', '.join(many[:10])}, ...), 1 removed (line\\nbreak)"
