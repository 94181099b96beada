"""Builds the collection and installs it, with what it depends on, into .build; once per content."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from paths import BUILD, CACHE, NAME, NAMESPACE, ROOT, digest, only_one, point, run, say

# The first is asked of Galaxy; the second is the release of PyPI's `ansible` that carries the same collection.
DEPENDENCY, BUNDLE = "kubernetes.core:6.2.0", "ansible==12.3.0"
INSTALLED = BUILD / "collections" / "ansible_collections"
UNSHIPPED = {"tools", "benchmark", "faults", "fragments", "__pycache__", "output"}


def fetch_from_galaxy(galaxy: Path, place: Path) -> bool:
    """Sealed labs have no Galaxy: ask once, and not for long. What is installed elsewhere doesn't count."""
    alone = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(place)}
    argv = [galaxy, "collection", "install", "--no-deps", "--timeout", "5", "-p", place, DEPENDENCY]
    try:
        subprocess.run(argv, env=alone, timeout=60, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    return True


def fetch_from_bundle(python: Path, place: Path) -> None:
    """Take the collection out of the wheel that carries about a hundred of them."""
    say(f"Galaxy does not answer: taking {DEPENDENCY} out of {BUNDLE} (54 MB, once) ...")
    pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "download", "--no-deps", "--dest", place, BUNDLE)
    (wheel,) = place.glob("*.whl")
    prefix = f"ansible_collections/{DEPENDENCY.split(':')[0].replace('.', '/')}/"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place, [name for name in archive.namelist() if name.startswith(prefix)])
    wheel.unlink()


def install_dependency(galaxy: Path) -> None:
    namespace, name = DEPENDENCY.split(":")[0].split(".")
    cached = CACHE / "collections" / DEPENDENCY.replace(":", "-")
    with only_one("collections"):
        if not cached.exists():
            cached.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cached.parent) as scratch:
                place = Path(scratch)
                if not fetch_from_galaxy(galaxy, place):
                    fetch_from_bundle(galaxy.with_name("python"), place)
                (place / "ansible_collections" / namespace / name).rename(cached)
    point(INSTALLED / namespace / name, cached)


def shipped_files() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in UNSHIPPED and not name.startswith("."))
        found += [Path(folder, name) for name in sorted(files)]
    return found


def build(galaxy: Path) -> Path:
    """The path of the built artifact, named after its content so that the same sources are built once."""
    files = shipped_files()
    place = BUILD / "artifact" / digest(files, *(str(path.relative_to(ROOT)) for path in files))
    if not list(place.glob("*.tar.gz")):
        shutil.rmtree(place.parent, ignore_errors=True)
        run(galaxy, "collection", "build", "--output-path", place, ROOT, quiet=True)
    (artifact,) = place.glob("*.tar.gz")
    return artifact


def install(galaxy: Path, artifact: Path, collections: Path) -> Path:
    """Install the artifact below `collections`, once per content, and answer where it is."""
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
    """The artifact of the sources as they are now, installed beside what it depends on."""
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
