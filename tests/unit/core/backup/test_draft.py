"""The catalog of a new generation: what a checksum list contributes, and devices that no archive may contain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    Catalog,
    SavedArchive,
    SavedCluster,
    SavedVolume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.draft import check_room, draft
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import Look
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined

from .test_plan import OBSERVED, REQUEST

ENTRIES = [Entry(".", "dir"), Entry("f", "file", 7, sha256="ab" * 32), Entry("null", "char", target="1:3")]
LIST = ChecksumList.from_entries(ENTRIES, "full")
LISTS = dict.fromkeys(("a", "b", "free"), ChecksumList())


def test_a_list_is_summed_up() -> None:
    found = draft(plan(REQUEST, OBSERVED), {**LISTS, "a": LIST}, {"manifests/x.yaml": ""}, "2026-01-02T03:04:05Z")
    volume, other, _free = found.volumes
    assert (volume.files, volume.bytes, volume.digest) == (1, 7, LIST.digest)
    assert (volume.checksum_list, other.checksum_list) == ("checksums/a.jsonl", "")
    assert list(found.files) == ["manifests/x.yaml"]


def test_device_nodes_are_declined_in_archives() -> None:
    planned = plan(replace(REQUEST, data="archive"), OBSERVED)
    assert draft(planned, LISTS, {}, "").data == "archive"
    with pytest.raises(Declined, match="1 volume cannot be saved") as caught:
        draft(planned, {**LISTS, "b": LIST}, {}, "")
    assert [row["name"] for row in caught.value.details] == ["b"]


LOOKS = {"a": Look("there", bytes=1000), "b": Look("there", bytes=1000), "free": Look("there")}


def test_archives_need_room() -> None:
    planned = plan(replace(REQUEST, data="archive"), OBSERVED)
    check_room(planned, LOOKS, None, 2000)
    with pytest.raises(Declined, match="its disk has 1,999 bytes free, and up to 2,000 are needed") as caught:
        check_room(planned, LOOKS, None, 1999)
    assert caught.value.details[0]["name"] == "/srv/backup" and caught.value.next_step


@pytest.mark.parametrize("compression, needed", [("zstd", 1110), ("gzip", 2000)])
def test_archives_are_expected_to_be_as_small_as_before(compression: str, needed: int) -> None:
    archive = SavedArchive("archives/a.tar", "ab" * 32, 50, compression)
    before = Catalog("", SavedCluster("lab", "v1"), volumes=(SavedVolume("a", bytes=500, archive=archive),))
    planned = plan(replace(REQUEST, data="archive"), OBSERVED)
    check_room(planned, LOOKS, before, needed)
    with pytest.raises(Declined, match=f"up to {needed:,} are needed"):
        check_room(planned, LOOKS, before, needed - 1)
