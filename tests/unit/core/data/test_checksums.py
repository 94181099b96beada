"""Checksum lists: text and back, digests, and differences."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList, totals
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import (
    Entry,
    compare,
    from_text,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.difference import REPORTED
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

paths = st.binary(min_size=1, max_size=12).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
counts = st.integers(0, 2**62)
ids = st.integers(0, 2**32 - 1)
digests = st.sampled_from(["", "ab" * 32])
modes = st.integers(0, 0o7777)


def file(*found: Any) -> Entry:
    path, size, mode, uid, gid, mtime_ns, same_as, xattrs, sha256 = found
    return Entry(path, "file", size, mode, uid, gid, mtime_ns, "", same_as, xattrs, sha256)


def other(path: str, kind: str, mode: int, mtime_ns: int, target: str) -> Entry:
    return Entry(path, kind, mode=mode, mtime_ns=mtime_ns, target=target)


times = st.integers(-(2**62), 2**62)
files = st.builds(file, paths, counts, modes, ids, ids, times, st.just("") | paths, digests, digests)
entries = files | st.builds(other, paths, st.sampled_from(["dir", "symlink", "fifo"]), modes, times, paths)
lists = st.lists(entries, max_size=6, unique_by=lambda entry: entry.path).map(sorted)

FILE = Entry("a", "file", 3, 0o644, 1, 2, 5, sha256="ab" * 32)


@given(lists)
def test_comes_back_as_it_was(found: list[Entry]) -> None:
    text = "".join(ChecksumList(found).lines())
    assert text.isascii()
    assert from_text(text, "list") == found
    assert from_text(text.encode(), "list") == found


@given(lists, lists, st.sampled_from(["full", "fast"]))
def test_equal_digests_mean_no_difference(one: list[Entry], other: list[Entry], mode: str) -> None:
    if mode == "fast":
        one, other = ([entry._replace(sha256="") for entry in found] for found in (one, other))
    assert (digest(one, mode) == digest(other, mode)) == (not compare(one, other, mode))


def digest(found: list[Entry], mode: str) -> str:
    return ChecksumList.from_entries(found, mode).digest


def _order(found: list[Entry]) -> list[str]:
    return [entry.path for entry in found]


@given(lists, lists)
def test_differences_say_what_is_where(one: list[Entry], other: list[Entry]) -> None:
    difference = compare(iter(one), iter(other), "full")
    before, after = set(_order(one)), set(_order(other))
    assert set(difference.added) == after - before
    assert set(difference.removed) == before - after
    assert len(difference.changed) <= len(before & after)
    assert bool(difference) != (difference.text() == "no difference")


@pytest.mark.parametrize("field", [name for name in Entry._fields if name not in ("path", "type", "mtime_ns")])
def test_every_field_counts(field: str) -> None:
    value = "other" if isinstance(getattr(FILE, field), str) else 99
    changed = FILE._replace(**{field: value})
    assert compare([FILE], [changed], "full").changed == (f"a ({field})",)
    assert digest([FILE], "full") != digest([changed], "full")


def test_times_count_for_files_in_fast_mode_only() -> None:
    later = FILE._replace(mtime_ns=6)
    directory = Entry("d", "dir", mtime_ns=1)
    assert not compare([FILE], [later], "full")
    assert compare([FILE], [later], "fast").changed == ("a (mtime_ns)",)
    assert not compare([directory], [directory._replace(mtime_ns=2)], "fast")


def test_content_counts_in_full_mode_only() -> None:
    unread = FILE._replace(sha256="")
    assert compare([FILE], [unread], "full").changed == ("a (sha256)",)
    assert not compare([FILE], [unread], "fast")
    assert not compare([FILE], [], "none")


def test_differences_are_told_in_a_line() -> None:
    now = [FILE._replace(path=f"n{i:02}\n") for i in range(12)]
    text = compare([FILE], now, "full").text()
    names = ", ".join(f'"n{i:02}\\n"' for i in range(10))
    assert text == f"12 added: {names}, and 2 more; 1 removed: a"


def test_differences_name_the_first_paths_to_programs() -> None:
    found = compare([FILE], [FILE._replace(path=f"{i:03}\xff\n") for i in range(102)], "full").as_dict()
    assert found["added"] == [f'"{i:03}\\u00ff\\n"' for i in range(100)]
    assert (found["removed"], found["changed"]) == (["a"], [])
    assert found["counts"] == {"added": 102, "removed": 1, "changed": 0}


def test_of_many_paths_only_the_first_are_kept() -> None:
    now = (FILE._replace(path=f"{number:06}") for number in range(100_000))
    found = compare([FILE], now, "full")
    assert len(found.added) == REPORTED and found.removed == ("a",)
    assert found.text().startswith("100000 added: 000000, ") and ", and 99990 more; 1 removed: a" in found.text()


@given(entries, st.data())
def test_a_truncated_line_is_refused(entry: Entry, data: st.DataObject) -> None:
    text = "".join(ChecksumList([entry]).lines()).rstrip()
    length = data.draw(st.integers(1, len(text) - 1))
    with pytest.raises(BadInput, match=r"Line 1 .* /b/list"):
        from_text(text[:length], "/b/list")


@pytest.mark.parametrize(
    "line",
    [
        "7",
        "[]",
        "{}",
        '{"path": "a"}',
        '{"path":"a","type":"file","more":1}',
        '{"mode":8}',
        "[" * 100_000,
        '{"path":["a"],"type":"file"}',
        '{"path":"a","type":null}',
        '{"path":"a","type":"door"}',
        '{"path":"a","type":"file","size":1.5}',
        '{"path":"a","type":"file","size":-1}',
        '{"path":"a","type":"file","uid":true}',
        '{"path":"a","type":"file","mode":"-7"}',
        '{"path":"a","type":"file","mode":"10000"}',
        '{"path":"a","type":"file","mtime_ns":"1"}',
        f'{{"path":"a","type":"file","mtime_ns":{2**99}}}',
        '{"path":"a","type":"file","sha256":7}',
    ],
    ids=lambda line: line[:40],
)
def test_other_json_is_refused(line: str) -> None:
    with pytest.raises(BadInput, match="Line 1"):
        from_text(line, "list")


def test_a_path_is_listed_once() -> None:
    line = '{"path":"a","type":"file"}'
    with pytest.raises(BadInput, match=r"Line 2 .* its path is listed twice"):
        from_text(f"{line}\n{line}", "list")


def test_paths_are_in_order() -> None:
    lines = '{"path":"b","type":"file"}\n{"path":"a","type":"file"}'
    with pytest.raises(BadInput, match=r"Line 2 .* it is not sorted by path"):
        from_text(lines, "list")
    with pytest.raises(ValueError, match="'a' follows 'b'"):
        compare([FILE._replace(path="b"), FILE], [], "full")


@given(lists)
def test_totals_count_linked_content_once(found: list[Entry]) -> None:
    found = [entry._replace(same_as="") for entry in found]
    assert totals(found) == (ChecksumList.from_entries(found, "full").files, sum(entry.size for entry in found))
    twins = [Entry("zz1", "file", 7, same_as="zz1"), Entry("zz2", "file", 7, same_as="zz1")]
    files, size = totals(found)
    assert totals([*found, *twins]) == (files + 2, size + 7)
