"""The catalog of a new generation: what a checksum list contributes, and devices that no archive may contain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.draft import ChecksumList, draft
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import plan
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
