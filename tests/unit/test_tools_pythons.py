"""The tested versions of ansible-core are those that the collection requires, and each finds its interpreter."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kindlab.volumes.tests.unit.support.checkout import CHECKOUT
from ansible_collections.kindlab.volumes.tests.unit.support.tools import TOOLS, tool


@pytest.fixture
def pythons(monkeypatch: pytest.MonkeyPatch) -> Any:
    return tool("pythons", monkeypatch)


class Machine:
    """A machine with interpreters of a name that no real one has, on the PATH and in pyenv."""

    MINOR = 99

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.pyenv = place / "path", place / "pyenv"
        self.path.mkdir()
        monkeypatch.setenv("PATH", str(self.path))
        monkeypatch.setenv("PYENV_ROOT", str(self.pyenv))

    def add(self, folder: Path, says: str) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        program = folder / f"python3.{self.MINOR}"
        program.write_text(f"#!/bin/sh\n{says}\n")
        program.chmod(0o755)
        return str(program)

    def works(self, folder: Path) -> str:
        """An interpreter that says where it is."""
        path = folder / f"python3.{self.MINOR}"
        return self.add(folder, f"echo '{json.dumps([str(path), [3, self.MINOR], 'a version', 'a prefix'])}'")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_the_oldest_version_is_the_one_that_is_required(pythons: Any) -> None:
    oldest = next(iter(pythons.CORES))
    assert yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text())["requires_ansible"] == f">={oldest}.0"
    roles = [yaml.safe_load(path.read_text())["galaxy_info"] for path in (CHECKOUT / "roles").glob("*/meta/main.yml")]
    assert {role["min_ansible_version"] for role in roles} == {oldest}


def test_readme_names_the_versions(pythons: Any) -> None:
    *others, newest = pythons.CORES
    assert f"ansible-core {', '.join(others)} or {newest} " in (CHECKOUT / "README.md").read_text()


def test_each_version_is_installed_in_one_patch_release(pythons: Any) -> None:
    pins = {path.stem: path.read_text() for path in (TOOLS / "requirements").glob("core-*.txt")}
    assert set(pins) == {f"core-{core}" for core in pythons.CORES}
    for name, text in pins.items():
        assert re.search(rf"^ansible-core=={re.escape(name[5:])}\.\d+$", text, re.MULTILINE)
    # People get releases that are tested.
    used = re.findall(r"^ansible-core==[\d.]+", (TOOLS / "requirements" / "ansible.txt").read_text(), re.MULTILINE)
    assert used and all(any(line in text.splitlines() for text in pins.values()) for line in used)


def test_versions_cover_all_pythons_where_each_has_its_first(pythons: Any) -> None:
    assert {minors[0] for minors in pythons.CORES.values()} == {minor for m in pythons.CORES.values() for minor in m}


@pytest.mark.usefixtures("machine")
def test_this_interpreter_is_the_first(pythons: Any) -> None:
    assert pythons.find(sys.version_info.minor).path == sys.executable


def test_one_that_does_not_run_is_passed_over(pythons: Any, machine: Machine) -> None:
    machine.add(machine.path, "echo 'pyenv: command not found' >&2; exit 127")
    machine.works(machine.pyenv / "versions" / "3.99.2" / "bin")
    newest = machine.works(machine.pyenv / "versions" / "3.99.10" / "bin")
    machine.works(machine.pyenv / "versions" / "3.99-dev" / "bin")
    found = pythons.find(machine.MINOR)
    assert (found.path, str(found), found.identity) == (newest, "3.99", ("a version", "a prefix"))


def test_one_on_the_path_comes_before_those_of_pyenv(pythons: Any, machine: Machine) -> None:
    machine.works(machine.pyenv / "versions" / "3.99.2" / "bin")
    first = machine.works(machine.path)
    assert pythons.find(machine.MINOR).path == first


def test_another_version_under_that_name_is_not_taken(pythons: Any, machine: Machine) -> None:
    machine.add(machine.path, """echo '["/p", [3, 98], "a version", "a prefix"]'""")
    assert pythons.find(machine.MINOR) is None


@pytest.mark.usefixtures("machine")
def test_a_version_without_its_python_is_skipped_with_a_line(
    pythons: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = sys.version_info.minor
    monkeypatch.setattr(pythons, "CORES", {"1.1": (own,), "1.2": (98,), "1.3": (98, own)})
    assert [str(cell) for cell in pythons.chosen([], everywhere=False)] == [f"1.1/3.{own}", f"1.3/3.{own}"]
    assert capsys.readouterr().err == "skipping ansible-core 1.2 on Python 3.98, which this machine does not have\n"
    assert [cell.core for cell in pythons.chosen(["1.3"], everywhere=True)] == ["1.3"]
    assert "skipping ansible-core 1.3 on Python 3.98," in capsys.readouterr().err
    assert pythons.newest().core == "1.3"
    for wanted, why in ((["1.2"], "no Python"), (["2.1"], "2.1 is not tested; choose from: 1.1, 1.2, 1.3")):
        with pytest.raises(SystemExit, match=why):
            pythons.chosen(wanted, everywhere=False)
