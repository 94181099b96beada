"""README shows each playbook, and those for every day at first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text()
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
EVERY_DAY = ("backup", "drain", "info", "provision", "recreate", "restore", "teardown")


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_readme_has_a_row_for_each_playbook(name: str) -> None:
    assert len(re.findall(rf"^\| \[`{name}`\]\(playbooks/{name}\.yml\) \|", README, re.MULTILINE)) == 1


@pytest.mark.parametrize("name", EVERY_DAY)
def test_the_first_screen_shows_those_for_every_day(name: str) -> None:
    first = README[: README.index("## Use cases")]
    assert f"ansible-playbook kindlab.volumes.{name}" in first


@pytest.mark.parametrize("name", EVERY_DAY)
def test_each_says_what_it_is_for_and_ends_with_a_report(name: str) -> None:
    play = yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text())[-1]
    assert play["vars"]["report_name"] == name
    last = play["tasks"][-1]
    if "ansible.builtin.include_tasks" in last:
        last = yaml.safe_load((ROOT / "playbooks" / last["ansible.builtin.include_tasks"]).read_text())[-1]["block"][-1]
    assert last["ansible.builtin.import_role"] == {"name": "kindlab.volumes._report", "tasks_from": "show"}
