"""Checksums and archives against sha256sum, tar and zstd on the same files."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import BUILD, SCRATCH, Figure, compare, note, run, shell

DATA = SCRATCH / "data"
CORES = os.cpu_count() or 1


def figures() -> Iterator[Figure]:
    """Throughput as a ratio: 1 is as fast as the plain tools."""
    for name, make in (("large files", large), ("small files", small)):
        shutil.rmtree(DATA, ignore_errors=True)
        DATA.mkdir(parents=True)
        make(DATA)
        note(f"checksums and archives of {name}")
        # What a checksum list holds: metadata of each entry, and the sha256 of each file.
        each = max(1, count(DATA) // (CORES * 4))
        plain = (
            f"{{ find {DATA} -printf '%P %y %s %m %U %G %T@ %l\\n'; "
            f"find {DATA} -type f -print0 | xargs -0 -P {CORES} -n {each} sha256sum; }}"
        )
        yield figure(f"metadata and checksums, {name}: find and sha256sum / ours", plain, SCAN)
        # An archive's sha256 is part of it: without one, nobody could rely on what was written.
        plain = f"tar -C {DATA} -c . | zstd -q -T0 -c | tee {SCRATCH}/plain.tar.zst | sha256sum"
        yield figure(f"archive and its sha256, {name}: tar | zstd | tee | sha256sum / ours", plain, ARCHIVE)
    shutil.rmtree(DATA)


def large(directory: Path) -> None:
    """1 GB in four files, half of each compressible."""
    for number in range(4):
        shell(f"(head -c 128M /dev/urandom; head -c 128M /dev/zero | tr '\\0' x) > {directory}/{number}")


def small(directory: Path) -> None:
    """20,000 files of 4 KB in 100 directories."""
    for number in range(100):
        folder = directory / str(number)
        folder.mkdir()
        for name in range(200):
            (folder / str(name)).write_bytes(os.urandom(4096))


def count(directory: Path) -> int:
    return sum(len(files) for _root, _folders, files in os.walk(directory))


def figure(name: str, plain: str, ours: str) -> Figure:
    """Seconds of the plain tools over ours."""
    rounds = compare(name, lambda: own_seconds(ours), lambda: shell(f"{plain} > {SCRATCH}/plain").seconds)
    return Figure(name, 1 / rounds.ratio(), 0.8, at_least=True, rounds=rounds)


def own_seconds(program: str) -> float:
    """Seconds of a Python program, without the start of the interpreter and the imports."""
    run([sys.executable, "-c", PREPARE + program + "print(time.monotonic() - start)"])
    return float((SCRATCH / "output").read_text())


PREPARE = f"""
import sys, time
sys.path.insert(0, {str(BUILD / "collections")!r})
"""
EDGE = "ansible_collections.kindlab.volumes.plugins.module_utils._edge"
SCAN = f"""
from {EDGE}.data.scan import scan
start = time.monotonic()
assert len(scan({str(DATA)!r}, "full")) > 4
"""
ARCHIVE = f"""
from {EDGE}.data.archive import write_archive
start = time.monotonic()
with open({str(SCRATCH / "ours.tar.zst")!r}, "wb") as file:
    assert write_archive({str(DATA)!r}, file.write, "zstd", None).bytes
"""
