"""Builds the collection and installs it with its dependency in .build, once for each content."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from paths import BUILD, CACHE, NAME, NAMESPACE, ROOT, digest, only_one, point, run, say

# The dependency on Galaxy, and the release of `ansible` on PyPI that includes it.
DEPENDENCY, BUNDLE = "kubernetes.core:6.6.0", "ansible==14.5.0"
CACHED = CACHE / "collections" / DEPENDENCY.replace(":", "-")
INSTALLED = BUILD / "collections" / "ansible_collections"
UNSHIPPED = {"tools", "benchmark", "browser", "faults", "fragments", "__pycache__", "output"}


def fetch_from_galaxy(galaxy: Path, place: Path) -> bool:
    """Try to install the dependency from Galaxy, with a short timeout; collections installed elsewhere are ignored."""
    alone = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(place)}
    argv = [galaxy, "collection", "install", "--no-deps", "--timeout", "5", "-p", place, DEPENDENCY]
    try:
        subprocess.run(argv, env=alone, timeout=60, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    return True


def fetch_from_bundle(python: Path, place: Path) -> None:
    """Extract the dependency from the wheel of `ansible`, for machines without access to Galaxy."""
    say(f"Galaxy does not answer: extracting {DEPENDENCY} from {BUNDLE} (about 50 MB, once) ...")
    pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
    # Whatever Python this is: the newest bundle does not install on all of them, but this part of it runs.
    run(*pip, "download", "--no-deps", "--only-binary=:all:", "--python-version=3.13", "--dest", place, BUNDLE)
    (wheel,) = place.glob("*.whl")
    prefix = f"ansible_collections/{DEPENDENCY.split(':')[0].replace('.', '/')}/"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place, [name for name in archive.namelist() if name.startswith(prefix)])
    wheel.unlink()


def install_dependency(galaxy: Path) -> None:
    namespace, name = DEPENDENCY.split(":")[0].split(".")
    with only_one("collections"):
        if not CACHED.exists():
            CACHED.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=CACHED.parent) as scratch:
                place = Path(scratch)
                if not fetch_from_galaxy(galaxy, place):
                    fetch_from_bundle(galaxy.with_name("python"), place)
                (place / "ansible_collections" / namespace / name).rename(CACHED)
    point(INSTALLED / namespace / name, CACHED)


def shipped_files() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in UNSHIPPED and not name.startswith("."))
        found += [Path(folder, name) for name in sorted(files)]
    return found


def build(galaxy: Path) -> Path:
    """Path of the built artifact. The same sources are built once."""
    files = shipped_files()
    place = BUILD / "artifact" / digest(files, *(str(path.relative_to(ROOT)) for path in files))
    if not list(place.glob("*.tar.gz")):
        shutil.rmtree(place.parent, ignore_errors=True)
        run(galaxy, "collection", "build", "--output-path", place, ROOT, quiet=True)
    (artifact,) = place.glob("*.tar.gz")
    return artifact


def install(galaxy: Path, artifact: Path, collections: Path) -> Path:
    """Install the artifact below `collections` once for each content, and return its path there."""
    place = collections / "ansible_collections" / NAMESPACE / NAME
    stamp = collections / f"{NAME}.stamp"
    if not (place.exists() and stamp.exists() and stamp.read_text() == artifact.parent.name):
        stamp.unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        install = ("collection", "install", "--offline", "--no-deps", "--force", "-p", collections, artifact)
        run(galaxy, *install, quiet=True)
        stamp.write_text(artifact.parent.name)
    return place


def current() -> Path:
    """Build the current sources, install them with their dependency, and return the path of the artifact."""
    galaxy = BUILD / "venv" / "bin" / "ansible-galaxy"
    install_dependency(galaxy)
    with only_one("build"):
        artifact = build(galaxy)
        install(galaxy, artifact, BUILD / "collections")
    return artifact


def main() -> None:
    artifact = current()
    if "--only-build" in sys.argv:
        print(artifact.relative_to(ROOT))


if __name__ == "__main__":
    main()
