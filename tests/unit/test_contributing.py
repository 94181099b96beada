"""CONTRIBUTING.md: each invariant says where it is enforced and tested, and all files that it names exist."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ALL = (ROOT / "CONTRIBUTING.md").read_text()
TEXT = ALL.partition("## Invariants")[2].partition("\n## ")[0]
INVARIANTS = re.split(r"^(?=\d+\. )", TEXT, flags=re.MULTILINE)[1:]
# Where paths in the text begin.
TOPS = ("", "plugins", "plugins/module_utils", "tests", "roles/node_image/files")
# An installed collection does not have these.
NOT_INSTALLED = ("faults/", "tests/faults/", "tests/benchmark/", "tools/", "changelogs/fragments/")


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda text: text.partition(".")[0])
def test_an_invariant_says_where_it_is_enforced_and_tested(invariant: str) -> None:
    enforced, found, tested = invariant.partition(" Tested: ")
    assert found and "Enforced: " in enforced
    places = {
        ROOT / "plugins" / "module_utils": re.findall(r"`([\w/]+\.py)`", enforced.partition("Enforced: ")[2]),
        ROOT / "tests": re.findall(r"`([\w/]+\.py)`", tested),
    }
    for top, files in places.items():
        assert files
        files = [file for file in files if not file.startswith(NOT_INSTALLED) or (ROOT / "tests" / "faults").is_dir()]
        assert [file for file in files if not (top / file).is_file()] == []


def test_invariants_are_numbered() -> None:
    assert [int(text.partition(".")[0]) for text in INVARIANTS] == list(range(1, len(INVARIANTS) + 1))
    assert len(INVARIANTS) > 10


def test_the_files_that_the_text_names_exist() -> None:
    named = {path for text in re.findall(r"`([\w.{},-]*/[\w./{},-]+\.[a-z]+)`", ALL) for path in expanded(text)}
    assert len(named) > 50
    complete = (ROOT / "tests" / "faults").is_dir()
    checked = {path for path in named if complete or not path.startswith(NOT_INSTALLED)}
    assert {path for path in checked if not any((ROOT / top / path).is_file() for top in TOPS)} == set()


def expanded(path: str) -> list[str]:
    """As a shell expands the braces of a path: 'a/{b,c}.yml' is 'a/b.yml' and 'a/c.yml'."""
    parts = [part.split(",") for part in re.split(r"[{}]", path)]
    return ["".join(chosen) for chosen in itertools.product(*parts)]
