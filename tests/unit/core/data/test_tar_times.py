"""A stream with other times in it: nothing else is another."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_entries import entries
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_stream import END, TarStream
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.tar_times import with_mtimes
from ansible_collections.kindlab.volumes.tests.unit.support.tars import extended, header, record, sparse, stream

ARCHIVE = (
    header(name=b"./", kind=b"5")
    + extended(
        record(b"mtime", b"7.500000000") + record(b"SCHILY.xattr.user.a", b"bc"),
        header(name=b"./a", mtime=b"00000000007\0"),
    )
    + sparse(b"1\n512\n512\n", b"1" * 512, 4096)
    + header(name=b"./b", size=b"00000000003\0")
    + b"abc".ljust(512, b"\0")
    + header(name=b"./c", kind=b"1", link=b"./b")
)
PATHS = [".", "a", "b", "f"]
times = st.dictionaries(st.sampled_from([*PATHS, "elsewhere"]), st.integers(-(2**70), 2**70))


@given(times)
def test_only_times_differ(wanted: dict[str, int]) -> None:
    changed = b"".join(with_mtimes(stream(ARCHIVE), wanted))
    before, after = (entries(one, "full") for one in (stream(ARCHIVE), TarStream(io.BytesIO(changed).read)))
    expected = {"c": wanted["b"]} if "b" in wanted else {}
    assert after == [
        entry._replace(mtime_ns={**wanted, **expected}.get(entry.path, entry.mtime_ns)) for entry in before
    ]


def test_without_times_all_stays() -> None:
    once = b"".join(with_mtimes(stream(ARCHIVE), {}))
    assert len(once) == len(ARCHIVE + END)
    assert b"".join(with_mtimes(TarStream(io.BytesIO(once).read), {})) == once
    kept = [(m.header, dict(m.extended)) for m in stream(ARCHIVE)]
    assert [(m.header, dict(m.extended)) for m in TarStream(io.BytesIO(once).read)] == kept


@given(st.binary(min_size=80, max_size=120))
def test_a_record_counts_its_own_digits(value: bytes) -> None:
    archive = extended(record(b"x", value), header())
    changed = b"".join(with_mtimes(stream(archive), {"f": 1}))
    (member,) = TarStream(io.BytesIO(changed).read)
    assert member.extended == {b"x": value, b"mtime": b"0.000000001"}
