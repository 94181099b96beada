"""Find, pull, load and save node images in a container engine. Prints JSON, with `error` if it fails."""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import platform
import select
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

WRITERS = "`docker save` or node_image_save"
ZSTD, GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b"


class Problem(Exception):
    """An error message for the user."""


def inspect(engine: str, reference: str) -> dict[str, object] | None:
    """Name and labels of the image, or None if the engine does not have it."""
    done = subprocess.run([engine, "image", "inspect", reference], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    labels = json.loads(done.stdout)[0].get("Config", {}).get("Labels") or {}
    return {
        "reference": reference,
        "labels": {key: value for key, value in labels.items() if key.startswith("kindlab.")},
    }


def find(engine: str, references: list[str], archive: str) -> dict[str, object]:
    """The first image that the engine has. An archive is looked up by the name of its image."""
    for reference in references:
        found = inspect(engine, reference)
        if found:
            return found
    if is_there(archive):
        with contextlib.suppress(Problem):  # `load` reports it
            return inspect(engine, name_in(Path(archive).expanduser())) or {"reference": ""}
    return {"reference": ""}


def host(archive: str) -> dict[str, object]:
    """What else the role needs to know of this machine."""
    return {
        "machine": platform.machine(),
        "root": os.geteuid() == 0,
        "zstd": shutil.which("zstd") is not None,
        "archive": is_there(archive),
    }


def is_there(archive: str) -> bool:
    """False also for a path in a directory of another user: it may be one of the controller."""
    return bool(archive) and os.path.exists(os.path.expanduser(archive))


def pull(engine: str, reference: str, patience: float) -> dict[str, object]:
    """Pull the image, unless the registry does not answer for some seconds: a firewall may drop packets."""
    command = [engine, "pull", reference]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
    ) as process:
        heard = _listen(process, patience)
        if heard is None:
            process.kill()
            raise Problem(f"no answer for {reference} within {patience:g} s")
    if process.returncode:
        raise Problem(f"{engine} pull {reference} failed: {heard.decode(errors='replace').strip()[-400:]}")
    return inspect(engine, reference) or {"reference": ""}


def _listen(process: subprocess.Popen[bytes], patience: float) -> bytes | None:
    """The output of the process; None if the registry does not answer in time."""
    if process.stdout is None:
        return None
    heard, deadline = b"", time.monotonic() + patience
    while not _answered(heard):
        if not select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return None
        chunk = os.read(process.stdout.fileno(), 65536)
        if not chunk:
            break
        heard += chunk
    return heard + process.stdout.read()


def _answered(heard: bytes) -> bool:
    """Whether the output shows an answer of the registry: `Pulling from` by Docker, signatures by podman."""
    return any(word in heard for word in (b"Pulling from", b"Getting image source", b"resolved", b"Digest:"))


def load(engine: str, archive: Path) -> dict[str, object]:
    """Load an archive, compressed or not."""
    name = name_in(archive)
    with opened(archive) as content:
        process = subprocess.Popen(
            [engine, "load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if process.stdin is None:
            raise Problem(f"{engine} load takes no input")
        with contextlib.suppress(BrokenPipeError):
            shutil.copyfileobj(content, process.stdin, 1 << 20)
        output = process.communicate()[0].decode(errors="replace").strip()
    found = inspect(engine, name)
    if process.returncode or not found:
        raise Problem(f"{engine} load of {archive} failed: {output[-400:]}")
    return found


def name_in(archive: Path) -> str:
    """Name of the image in an archive."""
    if not archive.is_file():
        raise Problem(f"{archive} does not exist. Next: create it with {WRITERS}")
    try:
        with opened(archive) as content, tarfile.open(fileobj=content, mode="r|") as tar:
            for entry in tar:
                if entry.name == "manifest.json" and (file := tar.extractfile(entry)):
                    return str(json.load(file)[0]["RepoTags"][0])
    except (tarfile.TarError, ValueError, LookupError, TypeError, EOFError, OSError) as error:
        raise Problem(f"{archive} is not an image archive ({error}). Next: create it again with {WRITERS}") from error
    raise Problem(f"{archive} is a tar file without an image. Next: create it again with {WRITERS}")


@contextlib.contextmanager
def opened(archive: Path) -> Iterator[IO[bytes]]:
    """The uncompressed content of the archive."""
    with archive.open("rb", buffering=0) as raw:  # zstd continues at the position of this file descriptor
        magic = raw.read(4)
        raw.seek(0)
        if magic.startswith(GZIP):
            with gzip.open(raw) as plain:
                yield cast("IO[bytes]", plain)
        elif magic == ZSTD:
            with subprocess.Popen(
                [zstd(), "-dcq"], stdin=raw, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as process:
                if process.stdout is None:
                    raise Problem("zstd has no output")
                yield process.stdout
                process.stdout.close()
        else:
            yield raw


def zstd() -> str:
    """Path of zstd."""
    found = shutil.which("zstd")
    if found is None:
        raise Problem("zstd is not installed. Next: apt-get install zstd")
    return found


def save(engine: str, reference: str, target: Path) -> dict[str, object]:
    """Write the image to an archive by an atomic rename, unless the archive contains it already."""
    name = tagged(reference)
    with contextlib.suppress(Problem):
        if target.exists() and name_in(target) == name:
            return {"changed": False}
    packing = [zstd(), "-q", "-3", "-T0"]
    if name != reference:
        _run(engine, "tag", reference, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            _export([engine, "save", name], packing, file)
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return {"changed": True}


def tagged(reference: str) -> str:
    """Name to save the image under: a reference with only a digest has no name in an archive."""
    name, at, digest = reference.partition("@")
    if not at or ":" in name.rpartition("/")[2]:
        return name
    return f"{name}:{digest.partition(':')[2][:12]}"


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise Problem(f"{' '.join(command)} failed: {done.stdout.strip()[-400:]}")


def _export(command: list[str], packing: list[str], file: IO[bytes]) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE) as saving:
        packed = subprocess.run(packing, stdin=saving.stdout, stdout=file, check=False)
    if saving.returncode or packed.returncode:
        raise Problem(f"{' '.join(command)} failed")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="docker")
    commands = parser.add_subparsers(dest="command", required=True)
    finding = commands.add_parser("find")
    finding.add_argument("--archive", default="")
    finding.add_argument("references", nargs="*")
    pulling = commands.add_parser("pull")
    pulling.add_argument("reference")
    pulling.add_argument("--patience", type=float, default=5)
    for name in ("load", "name"):
        commands.add_parser(name).add_argument("archive")
    saving = commands.add_parser("save")
    saving.add_argument("reference")
    saving.add_argument("target")
    options = parser.parse_args()
    started = time.monotonic()
    try:
        found = answer(options)
        print(json.dumps({**found, "seconds": round(time.monotonic() - started, 1)}))
    except (Problem, OSError) as error:
        print(json.dumps({"reference": "", "error": str(error)}))
    return 0


def answer(options: argparse.Namespace) -> dict[str, object]:
    if options.command == "find":
        return {**find(options.engine, options.references, options.archive), "host": host(options.archive)}
    if options.command == "pull":
        return pull(options.engine, options.reference, options.patience)
    if options.command == "name":
        return {"reference": name_in(Path(options.archive).expanduser())}
    if options.command == "load":
        return load(options.engine, Path(options.archive).expanduser())
    return save(options.engine, options.reference, Path(options.target).expanduser())


if __name__ == "__main__":
    sys.exit(main())
