"""The Python of a machine: libraries are looked for, and an environment with them is made whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.tests.unit.roles.files import ROLES, load, script

probe = load("engine", "probe.py")
MAKE = ROLES / "engine/files/make_python.sh"
# What this test's own Python has, and what nobody has.
HAS, LACKS, NEWER = "PyYAML>=5.1", "nobody-has-this>=1.0", "PyYAML>=1000.0"


def test_requirements_that_are_not_met_are_named() -> None:
    assert probe.missing([HAS]) == []
    assert probe.missing([HAS, LACKS, NEWER]) == [LACKS, NEWER]


def test_the_requirements_are_those_of_the_collection() -> None:
    lines = (ROLES.parent / "meta/requirements.txt").read_text().splitlines()
    requirements = [line for line in lines if not line.startswith("#")]
    assert requirements and all(">=" in line for line in requirements)
    assert probe.missing(requirements) == []


def test_a_python_with_the_libraries_is_taken(tmp_path: Path) -> None:
    script(tmp_path / "python", "exit 0")
    found = probe.python(tmp_path, [HAS])
    assert (found["good"], found["path"]) == (True, sys.executable)


@pytest.mark.parametrize(("code", "good"), [(0, True), (1, False), (None, False)])
def test_an_environment_is_taken_if_it_has_them(tmp_path: Path, code: int | None, good: bool) -> None:
    own = tmp_path / "python/bin/python"
    own.parent.mkdir(parents=True)
    if code is not None:
        script(own, f'[ "$3 $4" = "--libraries {LACKS}" ] || exit 2', f"exit {code}")
    found = probe.python(tmp_path, [LACKS])
    assert (found["good"], found["path"]) == (good, str(own) if good else sys.executable)
    assert found["target"] == str(tmp_path / "python")


@pytest.mark.parametrize(("requirement", "code"), [(HAS, 0), (LACKS, 1)])
def test_a_python_answers_whether_it_has_libraries(requirement: str, code: int) -> None:
    argv = [sys.executable, "-B", ROLES / "engine/files/probe.py", "--libraries", requirement]
    assert subprocess.run(argv, check=False).returncode == code


def test_a_controller_answers_which_kind_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bin").mkdir()
    script(tmp_path / "bin/kind", "echo kind v0.32.0 go1.26 linux/amd64")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(probe.sys, "argv", ["probe.py", "--kind", "0.32.0", str(tmp_path)])
    probe.main()
    found = json.loads(capsys.readouterr().out)
    assert found["good"] and found["path"] == str(tmp_path / "bin/kind") and found["asset"].startswith("kind-linux-")


@pytest.mark.parametrize(("sudo", "host", "denied"), [(True, "", True), (False, "", False), (True, "tcp://x:1", False)])
def test_who_may_become_root_can_be_allowed_to_use_docker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sudo: bool, host: str, denied: bool
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", host)
    script(tmp_path / "docker", "echo 'permission denied while trying to connect' >&2; exit 1")
    if sudo:
        script(tmp_path / "sudo", "exit 1")
    assert probe.engine("docker")["denied"] is denied


def pythons(tmp_path: Path, pip: str) -> Path:
    """A Python whose virtual environments have a pip that does this."""
    own = f"""#!/bin/sh\n[ "$2" = pip ] || exit 0\necho "$@" > {tmp_path}/asked\nfor last; do :; done\n{pip}\n"""
    (tmp_path / "own").write_text(own)
    return script(
        tmp_path / "python3",
        'case "$1" in -c) echo 3.11;; *) mkdir -p "$3/bin";',
        f'cp {tmp_path}/own "$3/bin/python"; chmod +x "$3/bin/python";; esac',
    )


def make(tmp_path: Path, pip: str, wheels: str = "") -> tuple[int, str]:
    (tmp_path / "cache").mkdir(exist_ok=True)
    argv = ["sh", MAKE, pythons(tmp_path, pip), tmp_path / "cache/python", wheels, "a>=1", "b>=2"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def left(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").iterdir())


def test_an_environment_is_made_from_the_index(tmp_path: Path) -> None:
    assert make(tmp_path, "exit 0") == (0, "")
    assert left(tmp_path) == ["python"]
    asked = (tmp_path / "asked").read_text()
    assert "--no-index" not in asked and asked.endswith("a>=1 b>=2\n")


def test_one_that_lacks_libraries_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "cache/python/old").mkdir(parents=True)
    (tmp_path / "cache/python.draft/old").mkdir(parents=True)
    assert make(tmp_path, "exit 0")[0] == 0
    assert left(tmp_path) == ["python"] and not (tmp_path / "cache/python/old").exists()


@pytest.mark.parametrize("folder", ["", "wheels/"])
def test_an_environment_is_made_from_wheels(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a-1.whl").touch()
    wheels = tmp_path / "wheels.tar"
    with tarfile.open(wheels, "w") as tar:
        tar.add(tmp_path / "a-1.whl", f"{folder}a-1.whl")
    assert make(tmp_path, "ls $9/a-1.whl", str(wheels)) == (0, "")
    assert left(tmp_path) == ["python"] and not wheels.exists()
    assert "--no-index" in (tmp_path / "asked").read_text()


def test_a_failure_leaves_what_was_there_and_says_how_to_get_wheels(tmp_path: Path) -> None:
    (tmp_path / "cache/python/old").mkdir(parents=True)
    code, told = make(tmp_path, "echo no index; exit 1")
    assert code == 1 and left(tmp_path) == ["python"] and (tmp_path / "cache/python/old").exists()
    assert "no index\nNext: on a machine with Python 3.11" in told
    assert "python3.11 -m pip download --dest wheels 'a>=1' 'b>=2' && tar -cf wheels.tar wheels\n" in told
