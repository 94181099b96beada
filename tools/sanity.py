"""Runs ansible-test sanity of one ansible-core version on an installed copy of the collection."""

from __future__ import annotations

import os
import re
import shutil
import sys
import urllib.request
from pathlib import Path

from lab import CACHE, only_one, run, say

STAND_IN = Path(__file__).resolve().with_name("get_pip.py")
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def need_get_pip(ansible_test: Path) -> None:
    """ansible-test wants a script from a host that sealed labs don't reach: give it ours where it can't be had."""
    wanted = (ansible_test / "_internal" / "python_requirements.py").read_text()
    fetched = (ansible_test / "_util" / "target" / "setup" / "requirements.py").read_text()
    (version,) = re.findall(r"\bpip='([\d.]+)'", wanted)
    (url,) = re.findall(r"url = '(\S+)' % pip_version", fetched)
    place = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        with urllib.request.urlopen(url % version, timeout=5) as answer:
            place.write_bytes(answer.read())
    except OSError:
        shutil.copyfile(STAND_IN, place)


def sanity(venv: Path, collection: Path) -> None:
    """Check the collection; the versions share the tests' environments, so one run at a time makes those."""
    command = (venv / "bin" / "ansible-test", "sanity", "--python", PYTHON, "--color", "no")
    path = {"PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    primed = CACHE / f"primed-{venv.name}"
    with only_one("sanity"):
        if not primed.exists():
            say("making the environments of the sanity tests ...")
            (ansible_test,) = venv.glob("lib/python*/site-packages/ansible_test")
            need_get_pip(ansible_test)
            run(*command, "--prime-venvs", cwd=collection, **path)
            primed.touch()
    run(*command, cwd=collection, **path)


if __name__ == "__main__":
    sanity(Path(sys.argv[1]), Path(sys.argv[2]))
