"""Directories with everything that a file system can hold, for properties: drawn as plans, made on disk."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

# What a file system or a user without root's rights may refuse; the tree then goes without it.
_REFUSED = (errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOSPC, errno.E2BIG)


class Thing(NamedTuple):
    """One entry. above: number of the directory that it lies in (of those before it); content: pieces at offsets."""

    above: int
    name: bytes
    kind: str
    content: Sequence[tuple[int, bytes]]
    size: int
    target: bytes
    mode: int
    owner: tuple[int, int]
    mtime_ns: int
    attributes: Sequence[tuple[str, bytes]]


names = (
    st.binary(min_size=1, max_size=12).map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"0"))
    | st.sampled_from([b"a b", b"new\nline", b"-rf", b"\xff\xfe", "ä€😀".encode(), b"x" * 255, b"%3D=%25", b"..."])
).filter(lambda name: name not in (b".", b".."))
numbers = st.integers(0, 1 << 31) | st.sampled_from([0, 1000, 2097151, 2097152, 0xFFFFFFF0])
times = st.integers(-(2**31) * 10**9, 2**33 * 10**9) | st.sampled_from([0, -1, -1_500_000_000, 1_700_000_000 * 10**9])
attribute_names = st.sampled_from(["user.note", "user.a=b", "user.%3D%", "trusted.ä", "user.empty"])
things = st.builds(
    Thing,
    above=st.integers(0, 50),
    name=names,
    kind=st.sampled_from(["file", "file", "dir", "dir", "symlink", "fifo", "link", "link", "socket"]),
    content=st.lists(st.tuples(st.integers(0, 300_000), st.binary(min_size=1, max_size=5000)), max_size=3),
    size=st.integers(0, 400_000),
    target=st.binary(min_size=1, max_size=300).map(lambda raw: raw.replace(b"\0", b"0")),
    mode=st.integers(0, 0o7777),
    owner=st.tuples(numbers, numbers),
    mtime_ns=times,
    attributes=st.lists(st.tuples(attribute_names, st.binary(max_size=40)), max_size=2),
)
trees = st.lists(things, max_size=14)


@contextmanager
def made(top: Path, tree: Sequence[Thing]) -> Any:
    """The directory of a tree, gone afterwards."""
    top.mkdir()
    try:
        paths = [os.fsencode(top)]
        directories = [paths[0]]
        kept: list[tuple[bytes, Thing]] = []
        for thing in tree:
            path = directories[thing.above % len(directories)] + b"/" + thing.name
            if len(path) < 3000 and not os.path.lexists(path) and _make(path, thing, [p for p, _t in kept]):
                kept.append((path, thing))
                if thing.kind == "dir":
                    directories.append(path)
        for path, thing in reversed(kept):
            _dress(path, thing)
        yield top
    finally:
        shutil.rmtree(top)


def _make(path: bytes, thing: Thing, before: Sequence[bytes]) -> bool:
    with _as_far_as_it_goes():
        if thing.kind == "file":
            with open(path, "wb") as file:
                for offset, piece in thing.content:
                    file.seek(offset)
                    file.write(piece)
                if thing.size > file.seek(0, os.SEEK_END):
                    file.truncate(thing.size)
        elif thing.kind == "dir":
            os.mkdir(path)
        elif thing.kind == "symlink":
            os.symlink(thing.target, path)
        elif thing.kind == "fifo":
            os.mkfifo(path)
        elif thing.kind == "socket":
            os.mknod(path, stat.S_IFSOCK)
        else:
            linked = [other for other in before if not os.path.isdir(other) or os.path.islink(other)]
            if not linked:
                return False
            os.link(linked[thing.above % len(linked)], path, follow_symlinks=False)
    return os.path.lexists(path)


def _dress(path: bytes, thing: Thing) -> None:
    """Attributes, owner, mode and times, in the order in which none undoes another."""
    steps: list[Callable[[], object]] = [
        *(
            lambda name=name, value=value: os.setxattr(path, name, value, follow_symlinks=False)  # type: ignore[misc]
            for name, value in thing.attributes
        ),
        lambda: os.chown(path, *thing.owner, follow_symlinks=False),
        *([] if os.path.islink(path) else [lambda: os.chmod(path, thing.mode)]),
        lambda: os.utime(path, ns=(0, thing.mtime_ns), follow_symlinks=False),
    ]
    for step in steps:
        with _as_far_as_it_goes():
            step()


@contextmanager
def _as_far_as_it_goes() -> Any:
    with suppress(OverflowError):
        try:
            yield
        except OSError as error:
            if error.errno not in (*_REFUSED, errno.ENAMETOOLONG, errno.EMLINK, errno.EOVERFLOW):
                raise
