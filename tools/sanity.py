"""Runs ansible-test sanity of one ansible-core version on an installed copy of the collection."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

from paths import only_one, run, say

STAND_IN = Path(__file__).resolve().with_name("get_pip.py")
HOME = Path.home() / ".ansible" / "test"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def need_get_pip(ansible_test: Path) -> None:
    """ansible-test wants a script from a host that sealed labs don't reach: give it ours where it can't be had."""
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


def sanity(venv: Path, collection: Path) -> None:
    """Check the collection; the versions share the tests' environments, so one run at a time makes those."""
    command = [venv / "bin" / "ansible-test", "sanity", "--python", PYTHON, "--color", "no"]
    # Told where the content is, ansible-test takes the files that are there. It would ask git otherwise, which ignores
    # what is in .build: nothing would be checked and all be well.
    told = {"ANSIBLE_TEST_CONTENT_ROOT": str(collection), "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    primed = HOME / "venv" / f"primed-{venv.name}"
    with only_one("sanity"):
        if not primed.exists():
            say("making the environments of the sanity tests ...")
            (ansible_test,) = venv.glob("lib/python*/site-packages/ansible_test")
            need_get_pip(ansible_test)
            run(*command, "--prime-venvs", cwd=collection, **told)
            primed.touch()
    done = subprocess.run(command, cwd=collection, env={**os.environ, **told}, capture_output=True, text=True)
    print(done.stdout + done.stderr)
    if done.returncode or "All targets skipped" in done.stderr + done.stdout:
        sys.exit(done.returncode or "ansible-test found nothing to check")


if __name__ == "__main__":
    sanity(Path(sys.argv[1]), Path(sys.argv[2]))
