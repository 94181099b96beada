"""Whether a volume is restored, decided from its data."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedArchive
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore.data import DataState, decide
from ansible_collections.kindlab.volumes.tests.unit.support.restores import step

SAME, OTHER = "", "1 changed: a (size)"
ARCHIVE = SavedArchive("archives/v0.tar.gz", "0" * 64, 7, "gzip")
LIST = "checksums/v0.jsonl"


def on_host(state, difference, verify, archive=None, checksum_list=LIST, path="/srv/v0"):
    saved = {"files": 2, "checksum_list": checksum_list, "archive": archive}
    return decide(step(0, saved=saved, host_directory=path), DataState(state, difference), verify)


@pytest.mark.parametrize(
    ("arguments", "why", "checksum"),
    [
        (("there", SAME, "full"), "binds; 2 files in host directory /srv/v0, checksums equal", "equal"),
        (("empty", SAME, "full"), "binds; 2 files in host directory /srv/v0, checksums equal", "equal"),
        (("there", SAME, "full", None, LIST, "/new/v0"), "binds; 2 files in host directory /new/v0, ", "equal"),
        (
            ("there", SAME, "fast"),
            "binds; 2 files in host directory /srv/v0, sizes and times equal",
            "sizes and times equal",
        ),
        (("there", SAME, "none"), "binds; host directory /srv/v0 is not compared", "not compared"),
    ],
)
def test_data_in_place(arguments, why, checksum):
    result = on_host(*arguments)
    assert (result.action, result.why[: len(why)], result.checksum) == ("create", why, checksum)
    assert not result.extract


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("missing", SAME, "full"), "its host directory /srv/v0 does not exist"),
        (("missing", SAME, "none"), "its host directory /srv/v0 does not exist"),
        (("other", SAME, "full"), "/srv/v0 is not a directory"),
        (("there", OTHER, "full"), f"its data in /srv/v0 differs from the backup: {OTHER}"),
        (("there", SAME, "full", None, ""), "the backup has no checksums of its data"),
        (
            ("there", SAME, "none", None, LIST, "/new/v0"),
            "its data was backed up from /srv/v0, but its directory in this cluster is /new/v0",
        ),
    ],
)
def test_data_that_prevents_a_restore(arguments, why):
    refusal = on_host(*arguments)
    assert isinstance(refusal, Refusal)
    assert (refusal.name, refusal.details, refusal.why[: len(why)]) == ("v0", {"claim": "ns/c0"}, why)
    assert refusal.next_step


@pytest.mark.parametrize(
    ("state", "difference", "verify", "extract"),
    [
        ("missing", SAME, "full", True),
        ("missing", SAME, "none", True),
        ("empty", OTHER, "full", True),
        ("empty", SAME, "none", True),
        ("empty", SAME, "full", False),
        ("there", SAME, "full", False),
        ("there", SAME, "none", False),
    ],
)
def test_an_archive_is_extracted_only_where_nothing_is(state, difference, verify, extract):
    result = on_host(state, difference, verify, ARCHIVE)
    assert (result.extract, result.action) == (extract, "create")


@pytest.mark.parametrize(("state", "difference"), [("there", OTHER), ("other", SAME)])
def test_an_archive_never_replaces_other_data(state, difference):
    assert isinstance(on_host(state, difference, "full", ARCHIVE), Refusal)


def in_node(state, difference, verify, host_directory=""):
    """A volume whose directory is inside a node of this cluster."""
    saved = {"files": 2, "checksum_list": LIST, "archive": ARCHIVE, "host_directory": host_directory}
    return decide(step(0, saved=saved, node="k-worker"), DataState(state, difference), verify)


@pytest.mark.parametrize(
    ("arguments", "extract", "why"),
    [
        (("missing", SAME, "full"), True, "binds; its archive (2 files) is extracted to /data/v0 in k-worker first"),
        (("empty", OTHER, "full"), True, "binds; its archive (2 files) is extracted to /data/v0 in k-worker first"),
        (("there", SAME, "full"), False, "binds; 2 files in node directory /data/v0 in k-worker, checksums equal"),
        (("there", SAME, "none"), False, "binds; node directory /data/v0 in k-worker is not compared"),
    ],
)
def test_data_inside_a_node(arguments, extract, why):
    result = in_node(*arguments)
    assert (result.action, result.extract, result.why) == ("create", extract, why)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("there", OTHER, "full"), "its data in /data/v0 in k-worker differs from the backup: 1 "),
        (("other", SAME, "none"), "/data/v0 in k-worker is not a directory"),
        (
            ("there", SAME, "none", "/srv/v0"),
            "its data was backed up from /srv/v0, but its directory in this cluster is /data/v0 in k-worker",
        ),
    ],
)
def test_data_inside_a_node_that_prevents_a_restore(arguments, why):
    refusal = in_node(*arguments)
    assert isinstance(refusal, Refusal)
    assert refusal.why.startswith(why)
    assert refusal.next_step
