"""Checksums and archives against sha256sum, tar and zstd on the same files."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import BUILD, SCRATCH, Figure, note, run, shell

DATA = SCRATCH / "data"
CORES = os.cpu_count() or 1


def figures() -> Iterator[Figure]:
    """Throughput as a ratio: 1 is as fast as the plain tools. The better of three runs each, taken in turns."""
    for name, make in (("large files", large), ("small files", small)):
        shutil.rmtree(DATA, ignore_errors=True)
        DATA.mkdir(parents=True)
        make(DATA)
        note(f"checksums and archives of {name}")
        plain = f"find {DATA} -type f -print0 | xargs -0 -P {CORES} -n {max(1, count(DATA) // (CORES * 4))} sha256sum"
        yield Figure(f"checksums, {name}: sha256sum / ours", ratio(plain, SCAN), 0.8, at_least=True)
        plain = f"tar -C {DATA} -c . | zstd -q -T0 -f -o {SCRATCH}/plain.tar.zst"
        yield Figure(f"archive, {name}: tar | zstd / ours", ratio(plain, ARCHIVE), 0.8, at_least=True)
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


def ratio(plain: str, ours: str) -> float:
    """Seconds of the plain tools over ours, where the interpreter's start and imports do not count."""
    times = [(shell(f"{plain} > {SCRATCH}/plain").seconds, own_seconds(ours)) for _ in range(3)]
    return min(t for t, _ in times) / min(t for _, t in times)


def own_seconds(program: str) -> float:
    run([sys.executable, "-c", PREPARE + program + "print(time.monotonic() - start)"])
    return float((SCRATCH / "output").read_text())


PREPARE = f"""
import sys, time
sys.path.insert(0, {str(BUILD / "collections")!r})
"""
EDGE = "ansible_collections.kindlab.volumes.plugins.module_utils._edge"
SCAN = f"""
from {EDGE}.data import scan
start = time.monotonic()
assert len(scan({str(DATA)!r}, "full")) > 4
"""
ARCHIVE = f"""
from {EDGE}.archive import write_archive
start = time.monotonic()
with open({str(SCRATCH / "ours.tar.zst")!r}, "wb") as file:
    assert write_archive({str(DATA)!r}, file.write, "zstd", None).bytes
"""
