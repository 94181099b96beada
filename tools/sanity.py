"""Runs ansible-test sanity of one ansible-core version on an installed copy of the collection.

Modules are checked for the Python that runs this, and with --everywhere for all Pythons that they may run on.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

from paths import only_one, run, say
from pythons import directories

STAND_IN = Path(__file__).resolve().with_name("get_pip.py")
HOME = Path.home() / ".ansible" / "test"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def need_get_pip(ansible_test: Path) -> None:
    """Put get-pip into the cache of ansible-test: its own, or ours if that cannot be downloaded."""
    wanted = (ansible_test / "_internal" / "python_requirements.py").read_text()
    fetched = (ansible_test / "_util" / "target" / "setup" / "requirements.py").read_text()
    (version,) = re.findall(r"\bpip='([\d.]+)'", wanted)
    (url,) = re.findall(r"url = '(\S+)' % pip_version", fetched)
    place = HOME / "cache" / f"get_pip_{version.replace('.', '_')}.py"
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        with urllib.request.urlopen(url % version, timeout=5) as answer:
            place.write_bytes(answer.read())
    except OSError:
        shutil.copyfile(STAND_IN, place)


def sanity(venv: Path, collection: Path, *, everywhere: bool) -> None:
    """Check the collection. All versions share the environments of the tests, which one run at a time creates."""
    command = [venv / "bin" / "ansible-test", "sanity", "--color", "no"]
    # Without a Python, it takes those that it finds, and names those that it does not find.
    command += [] if everywhere else ["--python", PYTHON]
    # With the root of the content given, ansible-test reads the files there. Otherwise it lists them by git, which
    # ignores .build, and would check nothing.
    variables = {
        "ANSIBLE_TEST_CONTENT_ROOT": str(collection),
        "PATH": os.pathsep.join([str(venv / "bin"), *(directories() if everywhere else []), os.environ["PATH"]]),
    }
    primed = HOME / "venv" / f"primed-{venv.name}{'-everywhere' if everywhere else ''}"
    with only_one("sanity"):
        if not primed.exists():
            say("creating the environments of the sanity tests ...")
            (ansible_test,) = venv.glob("lib/python*/site-packages/ansible_test")
            need_get_pip(ansible_test)
            run(*command, "--prime-venvs", cwd=collection, **variables)
            primed.touch()
    done = subprocess.run(command, cwd=collection, env={**os.environ, **variables}, capture_output=True, text=True)
    print(done.stdout + done.stderr)
    if done.returncode or "All targets skipped" in done.stderr + done.stdout:
        sys.exit(done.returncode or "ansible-test has checked no file")


if __name__ == "__main__":
    sanity(Path(sys.argv[1]), Path(sys.argv[2]), everywhere="--everywhere" in sys.argv)
