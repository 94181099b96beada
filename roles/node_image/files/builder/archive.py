"""Tar archives of directories, byte for byte the same for the same content."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path


def pack(directory: Path, target: Path, as_root: bool = False) -> None:
    """Everything below the directory, with modes and hard links, and with its owners or as if all of it were root's."""
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(directory.rglob("*")):
            tar.add(
                path, arcname=str(path.relative_to(directory)), recursive=False, filter=_roots if as_root else _plain
            )


def digest(path: Path) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            sha.update(chunk)
    return sha.hexdigest()


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Names of owners differ between the builder's machine and the image: numbers alone count."""
    entry.uname = entry.gname = ""
    return entry


def _roots(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    return _plain(entry)
