"""The list of use cases agrees with the playbooks, README's table and the scripts of the benchmark."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOKS = ROOT / "playbooks"
SCRIPTS = ROOT / "tests" / "benchmark" / "scripts"
LIST = json.loads((PLAYBOOKS / "vars" / "use_cases.json").read_text())
USES = (ROOT / "README.md").read_text().partition("## Use cases")[2]
USE_CASES = {case["name"]: case["clusters"] for case in LIST["kindlab_use_cases"]}


def variables(name: str) -> dict[str, Any]:
    """The variables of a playbook's only play."""
    (play,) = yaml.safe_load((PLAYBOOKS / f"{name}.yml").read_text())
    return dict(play["vars"])


def test_lists_every_playbook_of_a_use_case() -> None:
    playbooks = [path.stem for path in PLAYBOOKS.glob("*.yml") if path.read_text().startswith("# Use case ")]
    assert sorted(USE_CASES) == sorted(playbooks)


def test_readme_has_a_row_for_each() -> None:
    rows = re.findall(r"^\| \[`(\w+)`\]\(playbooks/\1\.yml\)", USES, re.MULTILINE)
    assert sorted(USE_CASES) == sorted(rows)


@pytest.mark.skipif(not SCRIPTS.exists(), reason="benchmarks are not part of the built collection")
def test_each_has_a_script_that_does_the_same() -> None:
    assert sorted(USE_CASES) == sorted(path.stem for path in SCRIPTS.glob("*.sh") if path.stem != "common")


@pytest.mark.parametrize("name", USE_CASES)
def test_playbook_creates_these_clusters(name: str) -> None:
    found = variables(name)
    assert found["report_name"] == name
    if "kindlab_cluster" in found:
        clusters = [found["kindlab_cluster"].replace("{{ kindlab_prefix }}-", "")]
    else:
        clusters = [case["provisioner"].replace("_", "-") for case in found["mobility_cases"]]
    assert clusters == USE_CASES[name]
