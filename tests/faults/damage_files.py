"""Damage to files of a backup without matching sha256 digests."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from hypothesis import strategies as st
from victim import COMPRESSIONS, EITHER, REFUSED, Files, Victim, Way

# Taken modulo a length, so that a seed generates the same cases if an archive is a byte longer.
PLACES = st.integers(0, (1 << 20) - 1)
INSTEAD = st.sampled_from(["link", "dangling link", "linked directory", "directory", "fifo"])


def ways() -> list[Way]:
    """Kinds of damage; the last one has the most possible cases."""
    kinds = [
        # Some bytes of JSON are insignificant.
        ("catalog", "catalog", COMPRESSIONS, EITHER),
        ("manifest", "manifests/", COMPRESSIONS, REFUSED),
        ("checksum list", "checksums/", COMPRESSIONS, REFUSED),
        *((f"archive ({name})", "archives/", (name,), REFUSED) for name in COMPRESSIONS),
    ]
    whats = (("truncated", 120, _truncated), ("bytes appended", 80, _appended), ("a byte flipped", 800, _flipped))
    return [
        Way("no damage", 15, lambda *_nothing: "", allowed=("equal",)),
        Way("a file removed", 10, _removed),
        Way("two files swapped", 40, _swapped),
        Way("a file replaced by another type", 60, _replaced),
        *(
            Way(f"{kind}: {what}", share, partial(damage, start), allowed=allowed, compressions=names)
            for kind, start, names, allowed in kinds
            for what, share, damage in whats
        ),
    ]


def drawn(data: st.DataObject, files: Files, start: str = "") -> tuple[str, bytes]:
    """A random file whose path starts with this, and its content."""
    name = data.draw(st.sampled_from(sorted(name for name in files if name.startswith(start))))
    return name, content_of(files, name)


def content_of(files: Files, name: str) -> bytes:
    content = files[name]
    assert isinstance(content, bytes)
    return content


def _flipped(start: str, data: st.DataObject, files: Files, _victim: Victim) -> str:
    name, content = drawn(data, files, start)
    place, bits = data.draw(PLACES) % len(content), data.draw(st.integers(1, 255))
    files[name] = content[:place] + bytes([content[place] ^ bits]) + content[place + 1 :]
    return f"{name}, byte {place} ^ {bits:#x}"


def _truncated(start: str, data: st.DataObject, files: Files, _victim: Victim) -> str:
    name, content = drawn(data, files, start)
    length = data.draw(PLACES) % len(content)
    files[name] = content[:length]
    return f"{name}, {length} of {len(content)} bytes"


def _appended(start: str, data: st.DataObject, files: Files, _victim: Victim) -> str:
    name, content = drawn(data, files, start)
    more = data.draw(st.binary(min_size=1, max_size=40) | st.sampled_from([b"\n", b" ", bytes(512)]))
    files[name] = content + more
    return f"{name} + {more[:40]!r}"


def _removed(data: st.DataObject, files: Files, _victim: Victim) -> str:
    name, _content = drawn(data, files)
    del files[name]
    return name


def _swapped(data: st.DataObject, files: Files, _victim: Victim) -> str:
    one, other = data.draw(st.lists(st.sampled_from(sorted(files)), min_size=2, max_size=2, unique=True))
    files[one], files[other] = files[other], files[one]
    return f"{one} and {other}"


def _replaced(data: st.DataObject, files: Files, victim: Victim) -> str:
    """Links lead to the same content, so that only the type is wrong."""
    (name, content), what, elsewhere = drawn(data, files), data.draw(INSTEAD), victim.outside / "elsewhere"

    def instead(path: Path) -> None:
        if what == "link":
            elsewhere.write_bytes(content)
        elif what == "linked directory":
            elsewhere.mkdir()
        {"directory": os.mkdir, "fifo": os.mkfifo}.get(what, lambda path: path.symlink_to(elsewhere))(path)

    if what == "linked directory" and "/" in name:
        # Written first, so that the files of the directory are written through it.
        files |= {name.partition("/")[0]: instead, **{path: files.pop(path) for path in list(files)}}
    else:
        files[name] = instead
    return f"{what} for {name}"
