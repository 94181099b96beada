"""Creates a virtual environment from one of requirements/*.txt, once for each content, and links it as .build/venv."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit(f"Python 3.11 or newer is needed, this is {platform.python_version()}: make PYTHON=python3.12 ...")

from paths import BUILD, CACHE, digest, only_one, point, run, say
from pythons import Cell, Python, newest

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"


def sources(path: Path) -> list[Path]:
    """A requirements file and the files that it includes."""
    included = [line.split()[1] for line in path.read_text().splitlines() if line.startswith("-r ")]
    return [path, *(found for name in included for found in sources(path.parent / name))]


def need_ensurepip(python: Python) -> None:
    """Ensure that ensurepip is installed; Debian and Ubuntu have it in a package of its own."""
    if subprocess.call([python.path, "-c", "import ensurepip"], stderr=subprocess.DEVNULL) == 0:
        return
    package = f"python{python}-venv"
    install = ["apt-get", "install", "-y", "-qq", package]
    become = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (become and not shutil.which("sudo")):
        sys.exit(f"Python {python} has no ensurepip. Install it: {' '.join(install)}")
    say(f"installing {package} ...")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.call([*become, "apt-get", "update", "-qq"], stdout=sys.stderr)
    if subprocess.call([*become, *install], stdout=sys.stderr, env=quiet):
        sys.exit(f"{package} cannot be installed. Run this, then make again: {' '.join([*become[:1], *install])}")


def environment(name: str, python: Python) -> Path:
    """Path of the environment on this Python. It is created if it does not exist or is incomplete."""
    files = sources(REQUIREMENTS / f"{name}.txt")
    place = CACHE / "venvs" / f"{name}-{digest(files, *python.identity)}"
    complete = place / "complete"
    with only_one(f"venv-{name}"):
        if not complete.exists():
            need_ensurepip(python)
            say(f"creating the Python environment '{name}' with Python {python} ...")
            shutil.rmtree(place, ignore_errors=True)
            run(python.path, "-m", "venv", place)
            pip = (place / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet")
            run(*pip, "install", "--requirement", files[0])
            complete.touch()
    return place


def of(cell: Cell) -> Path:
    """The environment in which a version of ansible-core is tested."""
    return environment(f"core-{cell.core}", cell.python)


def use(name: str) -> None:
    """Link .build/venv to the environment on the Python of the newest ansible-core that this machine can run."""
    point(BUILD / "venv", environment(name, newest().python))


if __name__ == "__main__":
    use(sys.argv[1])
